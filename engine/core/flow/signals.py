"""Signals of an execution: kept in the order of their acceptance, each taken by one state at most, and never after its time.

Whether a signal's time is over is judged by the time of the transition that would take it, which is the time of its
records. The commit holds it to that by Redis time (`SignalEnded.before_ms`), so that once Redis shows the moment, no
state takes the signal any more. One that has expired is dropped when the next signal arrives, when a state would take one
of its name, or at the execution's end.
"""

from __future__ import annotations

from msgspec import structs

from engine.core.draft import Draft
from engine.core.effects import SignalEnded
from engine.core.events import SignalReceived, kept_signal, read_signal
from engine.core.execution import Frame, Listen, Timed
from engine.core.limits import EXPIRED_MAX, LEFT_OVER_NAMES_MAX


def accept(draft: Draft, event: SignalReceived) -> Frame | None:
    """Record a signal. Returns the frame that takes it now; else it is kept, behind those of its name already kept.

    A frame that is about to be dropped gets none.
    """
    name = event.name
    draft.record("SignalReceived", 0, {"name": name, "id": event.id, "input": event.payload})
    is_first = draft.buffer(name).count == 0
    sweep(draft)
    if event.expires_ms is not None and event.expires_ms <= draft.now_ms:
        _expire(draft, name, event.id)
        return None
    buffer = draft.buffer(name)
    if is_first:
        for listener in buffer.listeners:
            frame = draft.live(listener)
            if frame is not None and isinstance(frame.hold, Listen):
                return frame
    number, timed = buffer.tail, buffer.timed
    draft.keep(f"s:{name}:{number}", kept_signal(event), resident=False)
    if event.expires_ms is not None:
        timed = (*timed, Timed(number, event.expires_ms, event.id))
    draft.set_buffer(name, structs.replace(buffer, tail=number + 1, timed=timed))
    if not is_first:
        # What the listeners have been woken for may have expired; their frames are not loaded here.
        for listener in buffer.listeners:
            draft.wake(listener)
    return None


def take(draft: Draft, frame: Frame, hold: Listen) -> SignalReceived | None:
    """The oldest signal kept for a frame that waits. None if another frame has had it, or it has expired.

    Where one behind it is kept, which `needs` could not name, the frame is left ready for a transition of its own.
    """
    sweep(draft)
    buffer = draft.buffer(hold.name)
    if buffer.count == 0:
        return None
    key = f"s:{hold.name}:{buffer.head}"
    is_over = any(t.number == buffer.head and t.expires_ms <= draft.now_ms for t in buffer.timed)
    if is_over or key not in draft.loaded:
        draft.wake(frame.id)
        return None
    kept = draft.value(key)
    draft.forget(key)
    draft.set_buffer(hold.name, buffer.without(buffer.head))
    return read_signal(hold.name, kept)


def consume(draft: Draft, frame: Frame, signal: SignalReceived) -> Frame:
    """Record which state takes the signal; the frame follows the record."""
    told = {"name": signal.name, "id": signal.id, "state": frame.state}
    record = draft.record("SignalConsumed", frame.previous, told)
    draft.effects.append(
        SignalEnded(
            signal.id,
            signal.name,
            "consumed",
            record,
            draft.now_ms,
            frame.state,
            signal.expires_ms,
        )
    )
    return structs.replace(frame, previous=record)


def sweep(draft: Draft, *, most: int = EXPIRED_MAX) -> None:
    """Drop at most so many signals, of whatever name, whose time is over."""
    for name, buffer in draft.signals.items():
        over = [each for each in buffer.timed if each.expires_ms <= draft.now_ms][:most]
        if not over:
            continue
        most -= len(over)
        for each in over:
            _expire(draft, name, each.id)
        draft.forget(*(f"s:{name}:{each.number}" for each in over))
        draft.set_buffer(name, buffer.without(*(each.number for each in over)))


def leave_over(draft: Draft) -> None:
    """At the execution's end: record how many signals nobody has taken, by name, if there are any and there is room."""
    room = draft.limits.records_max - draft.last_record - 2  # this record and the terminal one
    sweep(draft, most=max(0, min(EXPIRED_MAX, room)))
    left = {
        name: buffer.count - sum(each.expires_ms <= draft.now_ms for each in buffer.timed)
        for name, buffer in draft.signals.items()
    }
    left = {name: count for name, count in left.items() if count}
    if left and room >= 0:
        shown = dict(sorted(left.items())[:LEFT_OVER_NAMES_MAX])
        draft.record("SignalsLeftOver", 0, {"count": sum(left.values()), "names": shown})


def _expire(draft: Draft, name: str, identifier: str) -> None:
    record = draft.record("SignalExpired", 0, {"name": name, "id": identifier})
    draft.effects.append(SignalEnded(identifier, name, "expired", record, draft.now_ms))
