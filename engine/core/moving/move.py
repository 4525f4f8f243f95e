"""Applying a migration: one event, judged and carried out in one transition.

Nothing of the execution changes where one strand of it is blocked. A strand that is kept only changes its state's name;
one that is renewed gives up what it holds and enters its new state. Of an execution with very many strands they are moved
in several transitions, between which nothing else happens to it.
"""

from __future__ import annotations

from msgspec import UNSET, Raw, structs

from engine.core.draft import Draft
from engine.core.effects import CancelTimer, StartTimer, Tally
from engine.core.events import MigrateRequested
from engine.core.execution import ROOT, Frame, FrameId, Listen, Moving, Then, Unwind
from engine.core.flow import steps
from engine.core.moving.data import DataFailed, adjusted, data_of, with_data
from engine.core.moving.undo import (
    UNDO,
    Moved,
    Undo,
    digest,
    keep_undo,
    read_undo,
    way_back,
)
from engine.core.moving.verdict import (
    HISTORY_FULL,
    Moves,
    Strand,
    Verdict,
    full_history,
    judge,
    stands_in,
)
from engine.documents import Document
from engine.language.machine import Machine, Task

STRANDS_MAX = 100  # moved in one transition


def request(draft: Draft, event: MigrateRequested) -> None:
    """Move the execution, or answer why it stays."""
    target = draft.target
    undo = _noted(draft)
    if event.back and (undo is None or undo.operation != event.back):
        _answer(draft, event.operation, "skipped", "not_moved_by_it")
        return
    version = undo.version if event.back and undo is not None else event.version
    if version == draft.version:
        _answer(draft, event.operation, "already")
        return
    if target is None:
        _answer(
            draft, event.operation, "blocked", f"unknown_version: there is no version {version}"
        )
        return
    if event.origin not in {0, draft.version}:
        detail = f"it was told when it was on version {event.origin}, and is on {draft.version}"
        _answer(draft, event.operation, "blocked", f"version_changed: {detail}")
        return
    full = full_history(target, draft.last_record, draft.limits.records_max)
    if full:
        _answer(draft, event.operation, "blocked", f"{HISTORY_FULL}: {full}")
        return
    moves = Moves(event.mapping, event.explicit)
    data: dict[FrameId, Document] = {}
    if event.back and undo is not None:
        moves, data, used = way_back(undo, draft.frames, target)
        if used:
            detail = f"the data that was made for strand {used} has been used since"
            _answer(draft, event.operation, "blocked", f"moved_on: {detail}")
            return
    verdict = judge(draft.frames, draft.machine, target, moves)
    if verdict.outcome == "blocked":
        _answer(draft, event.operation, "blocked", f"{verdict.reason}: {verdict.detail}")
        return
    try:
        data |= _made(draft, event)
    except DataFailed as error:
        _answer(draft, event.operation, "blocked", f"data_failed: {error}")
        return
    _record(draft, event, version, verdict)
    if event.back:
        draft.forget(UNDO)
    else:
        _note(draft, event, verdict, data)
    for name, document in data.items():
        frame = draft.frames.get(name)
        if frame is not None:
            draft.put(with_data(frame, document))
    mapping, strands = dict(moves.mapping), dict(moves.strands)
    way = Moving(version, mapping, moves.explicit, "", strands, event.operation, moves.anew)
    _move(draft, target, way, verdict)


def go_on(draft: Draft) -> None:
    """Move the next strands of an execution that is being moved."""
    way = draft.moving
    assert way is not None
    assert draft.target is not None
    moves = Moves(way.mapping, way.explicit, way.strands, way.anew)
    verdict = judge(draft.frames, draft.machine, draft.target, moves, way.after)
    _move(draft, draft.target, way, verdict)


def target_version(event: MigrateRequested, kept: Document | None) -> int:
    """The version that an event moves an execution to; `kept` is its value `UNDO`."""
    if not event.back:
        return event.version
    return read_undo(kept).version if kept is not None else 0


def _move(draft: Draft, target: Machine, way: Moving, verdict: Verdict) -> None:
    """Move what is left, or the next `STRANDS_MAX` of it."""
    left = verdict.strands
    for strand in left[:STRANDS_MAX]:
        frame = draft.frames[strand.frame]
        assert frame is not None
        _move_strand(draft, frame, strand, target, way)
    if len(left) > STRANDS_MAX:
        draft.moving = structs.replace(way, after=left[STRANDS_MAX - 1].frame)
        return
    draft.moving = None
    _set_deadline(draft, target)
    draft.version, draft.machine = way.version, target
    _answer(draft, way.operation, "moved")


def _move_strand(draft: Draft, frame: Frame, strand: Strand, target: Machine, way: Moving) -> None:
    if strand.renewed:
        frame = structs.replace(frame, version=way.version)
        steps.send_on(draft, frame, Then(strand.state, frame.input))
        sent = draft.frames[frame.id]
        assert sent is not None
        # Also while what lies below it is dropped it is in a state that its version has.
        draft.put(structs.replace(sent, state=strand.state))
        return
    hold = frame.hold
    if isinstance(hold, Listen):
        hold = _follow(draft, frame, hold, target, strand.state)
    elif isinstance(hold, Unwind) and hold.then is not None and hold.then.state is not None:
        hold = structs.replace(hold, then=structs.replace(hold.then, state=strand.state))
    draft.put(structs.replace(frame, state=strand.state, hold=hold, version=way.version))


def _follow(draft: Draft, frame: Frame, hold: Listen, target: Machine, state: str) -> Listen:
    """Wait for the signal under the name that the new state gives it, among those that wait for it already."""
    listening = target.states[state]
    assert isinstance(listening, Task)
    name = listening.resource.name
    if name == hold.name:
        return hold
    draft.unlisten(hold.name, frame.id)
    buffer = draft.buffer(name)
    listeners = sorted((*buffer.listeners, frame.id), key=lambda each: _since(draft, each))
    draft.set_buffer(name, structs.replace(buffer, listeners=tuple(listeners)))
    if buffer.head < buffer.tail:
        draft.wake(frame.id)
    else:
        draft.rest(frame.id)
    return structs.replace(hold, name=name)


def _since(draft: Draft, frame: FrameId) -> int:
    """The revision since which a strand waits for a signal: who has waited longest gets the next."""
    found = draft.frames.get(frame)
    return found.hold.revision if found is not None and isinstance(found.hold, Listen) else 0


def _set_deadline(draft: Draft, target: Machine) -> None:
    """The execution's time-out is that of its version, counted from its start."""
    if target.timeout_seconds is not None:
        due_ms = draft.operated.deadline_ms(draft.before.started_ms, target.timeout_seconds)
        draft.effects.append(StartTimer("", 1, "deadline", due_ms))
    elif draft.machine.timeout_seconds is not None:
        draft.effects.append(CancelTimer("", 1, "deadline"))


def _made(draft: Draft, event: MigrateRequested) -> dict[FrameId, Document]:
    """The data that the event's expression makes for the execution's own strand."""
    root = draft.frames.get(ROOT)
    if event.data is None or root is None:
        return {}
    return {ROOT: adjusted(draft, root, event.data)}


def _noted(draft: Draft) -> Undo | None:
    kept = draft.loaded.get(UNDO)
    return read_undo(kept) if kept is not None else None


def _note(
    draft: Draft, event: MigrateRequested, verdict: Verdict, data: dict[FrameId, Document]
) -> None:
    """Keep the way back."""
    moved = {strand.frame: strand for strand in verdict.strands}
    notes = {}
    for name in dict.fromkeys((*moved, *data)):
        frame = draft.frames[name]
        assert frame is not None
        stands = stands_in(frame)
        strand = moved.get(name, Strand(name, stands))
        before = Raw(data_of(frame).text) if name in data else UNSET
        made = digest(data[name]) if name in data else ""
        notes[name] = Moved(
            stands, strand.state, frame.entry, frame.previous, strand.renewed, before, made
        )
    undo = Undo(event.operation, draft.version, dict(event.mapping), notes)
    draft.keep(UNDO, keep_undo(undo), resident=True)


def _record(draft: Draft, event: MigrateRequested, version: int, verdict: Verdict) -> None:
    told = {
        "fromVersion": draft.version,
        "toVersion": version,
        "by": event.by,
        "reason": event.reason,
        "migration": event.operation or None,
        "rolledBack": event.back or None,
    }
    details = {name: value for name, value in told.items() if value is not None}
    moved = {}
    for strand in verdict.strands:
        frame = draft.frames[strand.frame]
        assert frame is not None
        moved[stands_in(frame)] = strand.state
    if moved:
        details["moved"] = moved
    draft.record("ExecutionMigrated", 0, details)


def _answer(draft: Draft, operation: str, outcome: str, reason: str | None = None) -> None:
    if operation:
        draft.effects.append(Tally(operation, outcome, reason))
