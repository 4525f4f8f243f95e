"""What a commit writes of a pause: see `scripts/include/pause.lua` for who reads it. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.core.effects import CancelTask, ReturnTask, ShiftTimer, Transition
from engine.core.execution import Execution
from engine.store.keys import ExecutionKeys, task_id

# How long a timer that falls due is put off. The resumption sets it anew; until then it must not be found every second.
HELD_MS = 3_600_000
RESUMING_MS = (
    1_000  # it may have been set anew already, and is to fire soon after the resumption is complete
)


def is_held_up(execution: Execution) -> bool:
    """Whether what stands in its inbox is not to be applied now."""
    paused = execution.operated.paused
    return paused is not None and not paused.is_resuming


def note_pause(
    body: dict[str, Any],
    key: Callable[[str], int],
    keys: ExecutionKeys,
    before: Execution,
    transition: Transition,
) -> None:
    """Add to the envelope `body` what changes of a pause; `key` numbers a key that the commit touches."""
    after = transition.execution
    if before.operated.paused is None and after.operated.paused is None:
        return
    if is_held_up(after):
        body["paused"] = True
    now, was = _put_off_ms(after), _put_off_ms(before)
    if now is None:
        body.setdefault("del", []).append("paused")
    elif now != was:
        body["set"] += ("paused", str(now))
    change: dict[str, Any] = {"key": key(keys.tag + ":paused")}
    if is_held_up(after) is not is_held_up(before):
        change["on" if is_held_up(after) else "off"] = True
    namespace = keys.ref.partition(":")[0]
    for effect in transition.effects:
        match effect:
            case CancelTask():
                gone = task_id(keys.ref, effect.frame, effect.revision)
                change.setdefault("gone", []).append(gone)
            case ShiftTimer():
                member = f"{task_id(keys.ref, effect.frame, effect.revision)}#{effect.kind}"
                change.setdefault("timers", []).extend((str(effect.due_ms), member))
            case ReturnTask():
                task = task_id(keys.ref, effect.frame, effect.revision)
                queue = key(f"{keys.tag}:{namespace}:q:{effect.queue}")
                name = f"{namespace}:{effect.queue}"
                change.setdefault("back", []).append([task, queue, name, str(effect.since_ms)])
            case _:
                pass
    body["pause"] = change


def _put_off_ms(execution: Execution) -> int | None:
    """What the field `paused` says; None where there is none."""
    paused = execution.operated.paused
    if paused is None or execution.status != "RUNNING":
        return None
    if paused.mode == "catch_up":
        return 0
    return RESUMING_MS if paused.is_resuming else HELD_MS
