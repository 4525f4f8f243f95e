"""What commits are made of: the claim they belong to, what they collect, and what follows from a transition alone."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from engine.core.effects import (
    Transition,
)
from engine.core.execution import ROOT, Execution, Fork, Frame, FrameId
from engine.documents import Document
from engine.language.machine import KEEPING, Keeping
from engine.store import codec
from engine.store.bounds.referring import Packer
from engine.store.feed import Kind
from engine.store.keys import ExecutionKeys
from engine.store.maps.child import MapChild

FIXED_KEYS = 13  # of commit.lua; the queues and indexes a commit touches follow

HOUR_MS = 3_600_000
TRIM_SLACK = 100  # records beyond those to be kept, so that not every commit has to trim
TRIM_MAX = 1000  # records taken off by one commit


@dataclass(slots=True)
class Claim:
    """An execution in its holder's hands: what it knows, and what has come in."""

    keys: ExecutionKeys
    nonce: str
    execution: Execution
    resting: str
    control: list[bytes]
    entries: list[bytes]
    frames: dict[FrameId, Frame]
    fresh: bool = True  # no commit since the claim: the count of claims is still to be reset
    dropped: int = 0  # records that the history has lost at its front
    refers: bool = False  # whether anything of the execution may refer to payloads
    keeping: Keeping = KEEPING  # of the machine it runs on
    child: MapChild | None = None  # of a Map Run, which one it is
    now_ms: int = 0  # Redis' time in the last reply: whatever came with it had happened by then
    orders_from: int | None = None  # the revision from which the order that has come is applied
    # Payloads that are stored, as long as something in memory holds them.
    payloads: MutableMapping[bytes, Document] = field(default_factory=WeakValueDictionary)


@dataclass(slots=True)
class Envelope:
    """Collects a commit's writes; see commit.lua for the names."""

    body: dict[str, Any]
    keys: list[str] = field(default_factory=list)

    def key(self, name: str) -> int:
        """The number of a dynamic key, as Lua counts."""
        if name not in self.keys:
            self.keys.append(name)
        return FIXED_KEYS + 1 + self.keys.index(name)

    def add(self, part: str, *values: Any) -> None:
        self.body.setdefault(part, []).extend(values)


@dataclass(frozen=True, slots=True)
class Commit:
    """Arguments of commit.lua, and what the claim is to know once it has run.

    `payloads` are all that it refers to; those that the claim knows to be stored are not sent.
    """

    keys: list[str]
    arguments: list[Any]
    resting: str
    dropped: int
    refers: bool
    payloads: Mapping[bytes, Document] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    def whole(self) -> list[Any]:
        """The arguments with every payload that is referred to, for a store that lacks one of them."""
        return [*self.arguments[:-1], codec.pack_envelope({**self.body, **sent(self.payloads)})]


def fields_of(
    envelope: Envelope, claim: Claim, transition: Transition, packer: Packer
) -> list[Any]:
    """What the commit sets of the execution's hash, but for its meta fields: {field, bytes ...}."""
    before, after = claim.execution, transition.execution
    fields: list[Any] = []
    if after.ready != before.ready:
        fields += ("ready", " ".join(after.ready))
    if after.version != before.version:
        fields += ("ver", str(after.version))
    if claim.fresh:
        fields += ("claims", "0")
    if after.signals is not before.signals:
        fields += ("buffered", str(sum(buffer.count for buffer in after.signals.values())))
        fields += ("expiring", str(soonest(after)))
    for name, frame in transition.frames.items():
        if frame is None:
            envelope.add("del", "f:" + name)
        else:
            fields += ("f:" + name, packer.pack(frame, is_fork=isinstance(frame.hold, Fork)))
    if after.status != "RUNNING":
        fields += ("status", after.status)
        if after.output is not None:
            fields += ("output", packer.value(after.output))
    return fields


def put_values(envelope: Envelope, transition: Transition, packer: Packer) -> None:
    for name, value in transition.values.items():
        if value is None:
            envelope.add("drop", name)
        else:
            # A Map's page is nowhere else, so that nothing would be gained.
            text = value.text if name.startswith("i:") else packer.value(value)
            envelope.add("keep", name, text)


def sent(payloads: Mapping[bytes, Document]) -> dict[str, Any]:
    """The part of the envelope that holds payloads; none where there are none."""
    return {"payloads": {name: each.text for name, each in payloads.items()}} if payloads else {}


def trimmed_by(claim: Claim, after: Execution) -> int:
    """How many records the commit takes off the front of the history, of those that stand there before it."""
    kept_max = claim.keeping.history_records
    if kept_max is None:
        return 0
    excess = after.last_record - claim.dropped - kept_max
    if excess <= (TRIM_SLACK if after.status == "RUNNING" else 0):
        return 0
    return min(excess, claim.execution.last_record - claim.dropped, TRIM_MAX)


def soonest(execution: Execution) -> int:
    """When the first of the kept signals expires; 0 where none does."""
    moments = (each.expires_ms for buffer in execution.signals.values() for each in buffer.timed)
    return min(moments, default=0)


def rest_of(claim: Claim, after: Execution, *, release: bool) -> str:
    """The state that the execution rests in; "" once it is closed.

    While it is on its way that is the state it rested in before; so it is where the event did not concern the root,
    which was not even loaded.
    """
    root = after.frames.get(ROOT)
    if after.status != "RUNNING":
        return ""
    return root.state if release and root is not None else claim.resting


def is_needed(execution: Execution) -> bool:
    """Whether values of a closed execution are to be kept: signals left over, variables for a redrive."""
    if any(buffer.head < buffer.tail for buffer in execution.signals.values()):
        return True
    return execution.status != "SUCCEEDED" and execution.variables_bytes > 0


def change_of(claim: Claim, after: Execution, resting: str) -> Kind | None:
    """What becomes of an execution, for those who follow many; None for a step on its way."""
    if after.status != "RUNNING":
        return "closed"
    if after.version != claim.execution.version:
        return "moved"
    was, now = claim.execution.operated.paused, after.operated.paused
    if (was is None) != (now is None):
        return "resumed" if now is None else "paused"
    return "parked" if resting != claim.resting else None
