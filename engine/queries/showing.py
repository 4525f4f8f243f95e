"""An execution's frames, tasks, timers and signals as callers are shown them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, cast

from msgspec import UNSET, UnsetType

from engine.clock import iso
from engine.core.events import SignalReceived, read_signal
from engine.core.execution import (
    Backoff,
    Delay,
    Enter,
    Execution,
    Fork,
    Frame,
    Listen,
    Run,
    Unwind,
    Work,
)
from engine.core.tokens import task_token
from engine.express.remembered import Remembered
from engine.language.machine import Machine
from engine.store import codec
from engine.store.catalog.aliases import Alias
from engine.store.fates import Told
from engine.store.finding.rows import Row
from engine.store.listing import FRAMES_MAX, Listing, Stored
from engine.views import (
    AliasView,
    ExecutionSummary,
    FrameView,
    PausedView,
    RouteView,
    SignalFate,
    SignalView,
    TaskView,
    TimerView,
)

SIGNALS_SHOWN = 1000

SignalStatus = Literal["accepted", "consumed", "expired", "left_over"]
FRAMES_BYTES_MAX = 4 * 1024 * 1024  # of the data that described frames rest with


def frames_shown(frames: Iterable[Frame]) -> tuple[list[Frame], bool]:
    """The first frames, as many as make an answer of bearable size; and whether there are more."""
    shown: list[Frame] = []
    size = 0
    for frame in sorted(frames, key=lambda f: f.id):
        size += len(frame.input.text)
        if shown and size > FRAMES_BYTES_MAX:
            return shown, True
        shown.append(frame)
    return shown, len(shown) >= FRAMES_MAX


def alias(definition: str, found: Alias) -> AliasView:
    """An alias and where it leads."""
    return AliasView(
        definition,
        found.name,
        [RouteView(route.version, route.weight) for route in found.routing],
        iso(found.created_ms),
        iso(found.updated_ms),
    )


def summary_fields(stored: Stored) -> dict[str, Any]:
    run = stored.execution
    fields: dict[str, Any] = {
        "id": run.id,
        "definition": run.definition,
        "name": run.name,
        "version": run.version,
        "status": run.status,
        "started": iso(run.started_ms),
    }
    if run.alias:
        fields["alias"] = run.alias
    if stored.stopped_ms is not None:
        fields["stopped"] = iso(stored.stopped_ms)
    if run.output is not None:
        fields["output"] = run.output
    if run.error is not None:
        fields["error"] = run.error
    if run.cause is not None:
        fields["cause"] = run.cause
    if run.attributes:
        fields["attributes"] = dict(run.attributes)
    return fields


def summary(row: Row) -> ExecutionSummary:
    """An execution as a line of a listing."""
    definition, _, name = row.id.partition(":")
    given: dict[str, Any] = {
        "stopped": iso(row.stopped_ms) if row.stopped_ms is not None else None,
        "state": row.state or None,
        "error": row.error,
        "attributes": dict(row.attributes) or None,
        "quarantined": row.quarantine,
    }
    extra = {field: value for field, value in given.items() if value is not None}
    return ExecutionSummary(
        row.id, definition, name, row.version, row.status, iso(row.started_ms), **extra
    )


def paused(run: Execution) -> PausedView | UnsetType:
    held = run.operated.paused
    if held is None:
        return UNSET
    since = iso(held.since_ms)
    if held.reason is None:
        return PausedView(since, held.by, held.mode)
    return PausedView(since, held.by, held.mode, held.reason)


def frame(frame: Frame, machine: Machine | None) -> FrameView:
    state = machine.states.get(frame.state) if machine is not None else None
    extra: dict[str, Any] = {"entered": iso(frame.entered_ms)} if frame.entered_ms else {}
    return FrameView(
        frame.id,
        frame.state or (machine.start_at if machine is not None else ""),
        state.type if state is not None else "",
        frame.input,
        waiting=_waiting(frame),
        **extra,
    )


def _waiting(frame: Frame) -> dict[str, Any] | None:
    match frame.hold:
        case Enter() | Run():
            return None
        case Delay(due_ms=due_ms):
            return {"kind": "timer", "due": iso(due_ms)}
        case Backoff(due_ms=due_ms):
            return {"kind": "retry", "due": iso(due_ms), "attempt": frame.retry_count + 1}
        case Work(queue=queue, callback=callback, timeout_ms=timeout_ms, child=child):
            shown = {"kind": "task", "queue": queue, "callback": callback}
            if child is not None:
                shown["child"] = child.id
            if frame.hold.map_run:
                shown["map_run"] = frame.hold.map_run
            return shown | ({"timeout": iso(timeout_ms)} if timeout_ms else {})
        case Listen(name=name, timeout_ms=timeout_ms):
            return {"kind": "signal", "name": name} | (
                {"timeout": iso(timeout_ms)} if timeout_ms else {}
            )
        case Fork(total=total, spawned=spawned, done=done):
            return {"kind": "children", "total": total, "started": spawned, "done": done}
        case Unwind(error=error):
            return {"kind": "unwinding", "error": error}


def task(run: Execution, frame: Frame, stored: tuple[codec.TaskRow, bytes | None, str]) -> TaskView:
    row, lease, secret = stored
    extra: dict[str, Any] = {"token": task_token(run.id, row.frame, row.revision, secret)}
    status = "queued"
    if lease is not None:
        status = "leased"
        _, since, until, worker = lease.decode().split("|", 3)
        extra |= {"worker": worker, "leased": iso(int(since))}
        if until:  # "": it was taken for good
            extra["lease_until"] = iso(int(until))
    elif isinstance(frame.hold, Work) and frame.hold.submitted:
        status = "waiting"
    if isinstance(frame.hold, Work) and frame.hold.child is not None:
        extra["child"] = frame.hold.child.id
    if isinstance(frame.hold, Work) and frame.hold.timeout_ms is not None:
        extra["timeout"] = iso(frame.hold.timeout_ms)
    return TaskView(row.frame, row.state, row.queue, row.attempt, cast("Any", status), **extra)


def timers(frame: Frame) -> list[TimerView]:
    match frame.hold:
        case Delay(due_ms=due_ms):
            return [TimerView(frame.id, "wait", iso(due_ms))]
        case Backoff(due_ms=due_ms):
            return [TimerView(frame.id, "retry", iso(due_ms))]
        case Work(timeout_ms=int(due_ms)) | Listen(timeout_ms=int(due_ms)):
            return [TimerView(frame.id, "timeout", iso(due_ms))]
        case _:
            return []


async def kept_signals(source: Listing | Remembered, ref: str, stored: Stored) -> list[SignalView]:
    """The signals that no state has taken and whose time is not over, of one name after the other."""
    names = [
        f"s:{name}:{number}"
        for name, buffer in stored.execution.signals.items()
        for number in range(buffer.head, buffer.tail)
        if number not in buffer.gaps
    ][:SIGNALS_SHOWN]
    kept = await source.values(ref, names)
    read = [
        read_signal(name.split(":", 2)[1], value)
        for name, value in zip(names, kept, strict=True)
        if value is not None
    ]
    read += stored.unread
    closed = stored.execution.status != "RUNNING"
    now_ms = (stored.stopped_ms or 0) if closed else 0
    if not now_ms and any(each.ttl_ms is not None for each in read):
        now_ms = await source.now_ms(ref)
    return [_view(each) for each in read if each.expires_ms is None or each.expires_ms > now_ms]


def _view(signal: SignalReceived) -> SignalView:
    return SignalView(
        signal.name,
        signal.id,
        signal.payload,
        iso(signal.at_ms) if signal.at_ms else UNSET,
        UNSET if signal.expires_ms is None else iso(signal.expires_ms),
    )


def status_of(told: Told) -> SignalStatus:
    """What has become of a signal. Of one that nobody has looked at since, the time and the execution's end tell."""
    fate, expires_ms = told.fate, told.expires_ms
    if fate.status != "accepted":
        return fate.status
    if expires_ms is not None and expires_ms <= told.now_ms:
        return "expired"
    return "accepted" if told.is_running else "left_over"


def fate_view(told: Told) -> SignalFate:
    fate = told.fate
    extra: dict[str, Any] = {}
    if told.expires_ms is not None:
        extra["expires"] = iso(told.expires_ms)
    if fate.record:
        extra |= {"record": fate.record, "ended": iso(fate.at_ms)}
    if fate.state:
        extra["state"] = fate.state
    return SignalFate(fate.name, told.id, status_of(told), iso(told.accepted_ms), **extra)
