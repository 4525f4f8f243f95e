"""Whether an execution can move to another version of its definition, and what becomes of each strand.

What is mapped is kept, what is not is entered anew: a strand goes on in the state of the new version that its state is
mapped to, with the task, timer, subscription, children or retries that it has, where that state can take them over
(`comparing.fit`); what cannot be taken over is given up only where the mapping names the state. A strand inside a
Parallel or Map stays inside it: in the same branch of the state that the outer one is mapped to. One strand that
cannot move blocks the whole execution; nothing is done by halves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from engine.core.context import parent_of
from engine.core.execution import Enter, Frame, FrameId, Listen, Unwind
from engine.language.comparing.fit import fit
from engine.language.comparing.scopes import scope_of
from engine.language.machine import Machine, Task

Frames = Mapping[FrameId, Frame | None]
NO_MAPPING: Mapping[str, str] = {}
HISTORY_FULL = "history_full"  # the reason of `full_history`


class Moves(Struct, frozen=True):
    """Old state -> new state, for those whose names differ or that the caller named; `explicit` are the latter.

    `strands` overrides it for single frames, of which those in `anew` may give up what they hold.
    """

    mapping: Mapping[str, str] = NO_MAPPING
    explicit: frozenset[str] = frozenset()
    strands: Mapping[FrameId, str] = NO_MAPPING
    anew: frozenset[FrameId] = frozenset()

    def target_of(self, frame: Frame) -> str:
        state = stands_in(frame)
        return self.strands.get(frame.id) or self.mapping.get(state, state)

    def names(self, frame: Frame) -> bool:
        """Whether the strand may give up what it holds."""
        return frame.id in self.anew or stands_in(frame) in self.explicit


class Strand(Struct, frozen=True):
    """What becomes of one frame: it goes on in `state`, with what it holds or (`renewed`) from the state's beginning."""

    frame: FrameId
    state: str
    renewed: bool = False


class Verdict(Struct, frozen=True):
    """`strands` are those whose frame changes; of one that is blocked, `reason` is a stable code and `frame` the first hindrance."""

    outcome: Literal["moves", "moves_by_mapping", "blocked"]
    strands: tuple[Strand, ...] = ()
    reason: str = ""
    detail: str = ""
    frame: FrameId = ""


def judge(frames: Frames, old: Machine, new: Machine, moves: Moves, after: FrameId = "") -> Verdict:
    """The verdict on an execution with these frames; all that are alive have to be there. Pure.

    Frames up to `after` have been moved already.
    """
    strands: list[Strand] = []
    targets: dict[FrameId, str] = {}
    done = path_of(after) if after else ()
    for frame in in_order(frames):
        if path_of(frame.id) <= done:
            if not isinstance(frame.hold, Unwind):
                targets[frame.id] = frame.state
            continue
        if not frame.state:
            continue  # it has not begun: it will, under the new version
        above = parent_of(frame.id)
        if above and above not in targets:
            continue  # it is dropped: its parent begins anew, or something in it has failed
        target = moves.target_of(frame)
        verdict = _of_strand(frame, target, targets.get(above, ""), old, new, moves)
        if isinstance(verdict, Verdict):
            return verdict
        if not verdict.renewed and not isinstance(frame.hold, Unwind):
            targets[frame.id] = target
        if verdict.renewed or target != frame.state or _listens_elsewhere(frame, new, target):
            strands.append(verdict)
    return Verdict("moves_by_mapping" if strands else "moves", tuple(strands))


def _of_strand(
    frame: Frame, target: str, above: str, old: Machine, new: Machine, moves: Moves
) -> Strand | Verdict:
    state = new.states.get(target)
    held = not isinstance(frame.hold, Enter) and not is_sent_on(frame)
    found = fit(old.states[stands_in(frame)], state, explicit=moves.names(frame), held=held)
    if found.verdict == "blocked" or state is None:
        return Verdict("blocked", reason=found.reason, detail=found.detail, frame=frame.id)
    scope = scope_of(new, target)
    inside = scope[-1] if scope else ("", 0)
    branch = frame.index if above and new.states[above].type == "Parallel" else 0
    if inside != (above, branch):
        detail = f"{target} lies {_spoken(inside)}, the strand {_spoken((above, branch))}"
        return Verdict("blocked", reason="scope_differs", detail=detail, frame=frame.id)
    # One that is on its way has given up what it held already.
    return Strand(frame.id, target, found.verdict == "renew" and not is_sent_on(frame))


def stands_in(frame: Frame) -> str:
    """The state that a strand is in; of one that is on its way to another, that other one."""
    hold = frame.hold
    sent = hold.then.state if isinstance(hold, Unwind) and hold.then is not None else None
    return sent or frame.state


def is_sent_on(frame: Frame) -> bool:
    """Whether a strand is on its way to another state, or to the end of its scope, while what lay below it is dropped."""
    return isinstance(frame.hold, Unwind) and frame.hold.then is not None


def _listens_elsewhere(frame: Frame, new: Machine, target: str) -> bool:
    """Whether the strand waits for a signal that the new state knows by another name."""
    state = new.states[target]
    return (
        isinstance(frame.hold, Listen)
        and isinstance(state, Task)
        and state.resource.name != frame.hold.name
    )


def full_history(new: Machine, records: int, records_max: int) -> str:
    """Why an execution with so many records could not go on with a machine that keeps all of them; "" where it can."""
    if new.keeping.history_records is not None or records < records_max - 1:
        return ""
    return (
        f"it has {records} records, and the version keeps all, of which there may be {records_max}"
    )


def in_order(frames: Frames) -> list[Frame]:
    """The frames that are alive, each after the one it lies in."""
    alive = [frame for frame in frames.values() if frame is not None]
    return sorted(alive, key=lambda frame: path_of(frame.id))


def path_of(frame: FrameId) -> tuple[int, ...]:
    """An order in which frames follow those they lie in."""
    return tuple(map(int, frame.split("/")))


def _spoken(inside: tuple[str, int]) -> str:
    name, branch = inside
    return f"in {name}, branch {branch}" if name else "at the top level"
