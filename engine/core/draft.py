"""A transition in the making: the one mutable thing in the core, alive only inside `transition`.

It collects what changes and hands it over once, as values. It knows how things are kept, not why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from engine.core import attributes, context
from engine.core.context import Variables, key_of, keys_of
from engine.core.effects import (
    CancelTask,
    CancelTimer,
    Effect,
    Record,
    StopChild,
    StopMapRun,
    Transition,
)
from engine.core.entropy import SeededEntropy
from engine.core.execution import (
    ROOT,
    Attribute,
    Backoff,
    Buffer,
    Closing,
    Delay,
    Execution,
    Fork,
    Frame,
    FrameId,
    Listen,
    Status,
    Work,
)
from engine.core.flow.unwind import is_live
from engine.core.limits import Limits
from engine.core.outcomes import Visit
from engine.core.states.distributed.spec import processor_of
from engine.core.states.nested import waits_for_child
from engine.core.tokens import task_token
from engine.documents import Document
from engine.language.expressions.patience import Patience
from engine.language.expressions.scope import Scope
from engine.language.machine import Machine, Task


class Draft:
    """Changes to one execution, on top of what it was before."""

    __slots__ = (
        "_entropy",
        "before",
        "cause",
        "changed",
        "closing",
        "effects",
        "error",
        "frames",
        "last_record",
        "limits",
        "loaded",
        "machine",
        "moving",
        "now_ms",
        "operated",
        "output",
        "patience",
        "ready",
        "records",
        "revision",
        "signals",
        "status",
        "target",
        "values",
        "variables_bytes",
        "version",
    )

    def __init__(
        self,
        machine: Machine,
        before: Execution,
        now_ms: int,
        limits: Limits,
        patience: Patience,
    ) -> None:
        self.machine = machine
        self.before = before
        self.limits = limits
        self.patience = patience  # one for the whole transition
        self.revision = before.revision + 1
        self.now_ms = max(now_ms, before.last_ms)  # history never goes back in time
        self.last_record = before.last_record
        self.frames = dict(before.frames)
        self.changed: dict[FrameId, Frame | None] = {}
        self.loaded = before.values
        self.values: dict[str, Document | None] = {}
        self.records: list[Record] = []
        self.effects: list[Effect] = []
        self.ready = list(before.ready)
        self.signals = before.signals
        self.closing: Closing | None = before.closing
        self.status: Status = before.status
        self.output = before.output
        self.error = before.error
        self.cause = before.cause
        self.variables_bytes = before.variables_bytes
        self.version = before.version
        self.moving = before.moving
        self.target: Machine | None = None  # the machine of the version it is being moved to
        self.operated = before.operated
        self._entropy: SeededEntropy | None = None

    @property
    def entropy(self) -> SeededEntropy:
        if self._entropy is None:
            self._entropy = SeededEntropy(self.before.seed, self.revision)
        return self._entropy

    def visit(self, frame: Frame) -> Visit:
        """A state's view of this transition."""
        return Visit(frame, self.now_ms, self.limits, lambda: self._token(frame), self._scope)

    def _scope(
        self, frame: Frame, *, token: str | None = None, item: tuple[int, Any] | None = None
    ) -> Scope:
        def build() -> dict[str, Any]:
            return context.build(self.machine, self.before, frame, token=token, item=item)

        variables = Variables(self.frames, self.loaded, frame)
        return Scope(build, self.entropy, variables, self.patience, self.now_ms)

    def _token(self, frame: Frame) -> tuple[str, str]:
        secret = self.entropy.token()
        return secret, task_token(self.before.id, frame.id, self.revision, secret)

    def record(
        self, kind: str, previous: int, details: dict[str, Any], at_ms: int | None = None
    ) -> int:
        """Append a record; returns its id."""
        self.last_record = number = self.last_record + 1
        at = self.now_ms if at_ms is None else at_ms
        self.records.append(Record(number, previous, kind, at, details))
        return number

    def put(self, frame: Frame) -> None:
        self.frames[frame.id] = self.changed[frame.id] = frame

    def drop(self, frame: FrameId) -> None:
        """The frame is gone, and its variables with it."""
        gone = self.frames.pop(frame, None)
        self.changed[frame] = None
        if gone is not None and gone.variables:
            self.forget(*keys_of(gone))
            self.variables_bytes -= sum(gone.variables.values())

    def assign(self, frame: Frame, assigned: Mapping[str, Document]) -> Frame:
        """Set variables of the frame's own; they are read from the next state on."""
        sizes = dict(frame.variables)
        for name, value in assigned.items():
            size = len(value.text)
            self.variables_bytes += size - sizes.get(name, 0)
            sizes[name] = size
            self.keep(key_of(frame.id, name), value, resident=True)
        frame = structs.replace(frame, variables=sizes)
        self.put(frame)
        return frame

    def wake(self, frame: FrameId) -> None:
        """Make ready, after the others."""
        if frame not in self.ready:
            self.ready.append(frame)

    def rest(self, frame: FrameId) -> None:
        """Make no longer ready."""
        if frame in self.ready:
            self.ready.remove(frame)

    def live(self, frame: FrameId) -> Frame | None:
        """A frame, unless it is gone or something above it is being dropped."""
        found = self.frames.get(frame)
        return found if found is not None and is_live(self.frames, frame) else None

    def waiting(self, frame: FrameId, revision: int, *holds: type) -> Frame | None:
        """A frame that rests in one of these holds since that revision; None if the event is stale."""
        found = self.live(frame)
        if found is None or not isinstance(found.hold, holds):
            return None
        return found if getattr(found.hold, "revision", None) == revision else None

    def parent(self, frame: Frame) -> Frame:
        parent = self.frames[context.parent_of(frame.id)]
        assert parent is not None
        return parent

    def value(self, key: str) -> Document:
        """A loaded value; `needs` has named it."""
        value = self.loaded[key]
        assert value is not None, key
        return value

    def keep(self, key: str, value: Document, *, resident: bool) -> None:
        """Store a value; `resident`: also hold it in memory, for it will be read soon."""
        self.values[key] = value
        if resident:
            self.loaded = {**self.loaded, key: value}

    def forget(self, *keys: str) -> None:
        """Drop values."""
        if not keys:
            return
        self.values.update(dict.fromkeys(keys))
        gone = set(keys)
        self.loaded = {key: value for key, value in self.loaded.items() if key not in gone}

    def buffer(self, name: str) -> Buffer:
        return self.signals.get(name) or Buffer()

    def set_buffer(self, name: str, buffer: Buffer) -> None:
        """Replace what is known of a signal; a buffer without listeners and signals is not kept."""
        signals = dict(self.signals)
        if buffer.listeners or buffer.count:
            signals[name] = buffer
        else:
            signals.pop(name, None)
        self.signals = signals

    def unlisten(self, name: str, frame: FrameId) -> None:
        buffer = self.buffer(name)
        left = tuple(listener for listener in buffer.listeners if listener != frame)
        self.set_buffer(name, structs.replace(buffer, listeners=left))

    def release(self, frame: Frame) -> None:
        """Take back what the frame's hold has out in the world, and the values it has stored."""
        hold = frame.hold
        match hold:
            case Work():
                self.cancel(frame, hold)
            case Delay() | Backoff():
                self.effects.append(CancelTimer(frame.id, hold.revision, "due"))
            case Listen():
                self.unlisten(hold.name, frame.id)
                if hold.timeout_ms is not None:
                    self.effects.append(CancelTimer(frame.id, hold.revision, "timeout"))
            case Fork():
                self.forget(*(f"i:{frame.id}:{page}" for page in range(hold.page, hold.pages)))
                if hold.swept:
                    self.forget(f"o:{frame.id}")
            case _:
                pass

    def cancel(self, frame: Frame, work: Work) -> None:
        """Take a task back. A child, or a Map Run, that it waits for is stopped, whether it has started or is only about to."""
        self.effects.append(CancelTask(frame.id, work.revision, work.queue))
        if frame.map_run is not None:
            processor = processor_of(self.before.definition, frame.map_run.label)
            self.effects.append(StopMapRun(frame.id, work.revision, frame.map_run.id, processor))
            return
        state = self.machine.states.get(frame.state)  # None: of a version that has been left
        waits = waits_for_child(state.resource) if isinstance(state, Task) else work.callback
        if work.child is not None and waits:
            self.effects.append(StopChild(frame.id, work.revision, work.child))

    def _attributes(self) -> Mapping[str, Attribute]:
        """The search attributes after this transition; those before it where its data did not change."""
        before, declared = self.before, self.machine.keeping.search_attributes
        if not declared:
            return before.attributes
        if self.version != before.version:  # which may declare others
            root = self.frames.get(ROOT)
            data = None if root is None else root.input
        else:
            data = attributes.new_data(before, self.changed, self.output)
        return (
            before.attributes
            if data is None
            else attributes.updated(declared, data, before.attributes)
        )

    def finish(self) -> Transition:
        before = self.before
        records = self.records
        after = Execution(
            before.id,
            before.definition,
            before.name,
            self.version,
            before.seed,
            before.started_ms,
            self.status,
            self.revision,
            self.last_record,
            self.now_ms if records else before.last_ms,
            tuple(self.ready),
            self.signals,
            self.closing,
            before.input,
            self.output,
            self.error,
            self.cause,
            self.variables_bytes,
            before.names,
            before.parent,
            before.depth,
            self.frames,
            self.loaded,
            before.redrives if before.redrives is None else self.operated.redrives,
            self.moving,
            self._attributes(),
            self.operated,
            before.alias,
        )
        return Transition(after, self.changed, self.values, tuple(records), tuple(self.effects))
