"""What a herd is made of: kinds of executions that all wait for the same second, and what each must leave. Pure.

Every member's history is known in advance, record by record: one that differs was lost, fired twice or fired wrongly.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

QUEUE = "herd-nobody"  # no worker polls it
PROBE, PROBE_QUEUE = "herd-probe", "herd-probe"

_TASK = {"Type": "Task", "Resource": f"activity:{QUEUE}"}
_CATCH = {
    "Catch": [{"ErrorEquals": ["States.Timeout", "States.HeartbeatTimeout"], "Next": "Done"}],
    "Next": "Done",
}
_DONE = {"Done": {"Type": "Pass", "End": True}}
_END = ("PassStateEntered", "PassStateExited", "ExecutionSucceeded")
_ATTEMPT = ("ActivityScheduled", "ActivityTimedOut")


def definitions() -> Iterator[tuple[str, bytes]]:
    """The kinds whose moment is in their input, and the probe, which has nothing to do with the herd."""
    yield _text("herd-wait", Herd={"Type": "Wait", "TimestampPath": "$.at", "Next": "Done"})
    yield _text("herd-timeout", Herd={**_TASK, "TimeoutSecondsPath": "$.seconds", **_CATCH})
    yield _text("herd-heartbeat", Herd={**_TASK, "HeartbeatSecondsPath": "$.seconds", **_CATCH})
    probe = {"Type": "Task", "Resource": f"activity:{PROBE_QUEUE}", "Next": "Done"}
    first = {"Type": "Pass", "Next": "Second"}
    yield _text(PROBE, First=first, Second={"Type": "Pass", "Next": "Work"}, Work=probe)


def retrying(seconds: int) -> tuple[str, bytes]:
    """Its first attempt times out after a second, the next begins `seconds` later: an interval cannot be in the input."""
    retry = {"ErrorEquals": ["States.Timeout"], "IntervalSeconds": seconds, "MaxAttempts": 1}
    return _text(
        f"herd-retry-{seconds}", Herd={**_TASK, "TimeoutSeconds": 1, "Retry": [retry], **_CATCH}
    )


def _text(name: str, **states: Any) -> tuple[str, bytes]:
    whole = {"StartAt": next(iter(states)), "States": {**states, **_DONE}}
    return name, json.dumps(whole).encode()


RECORDS = {
    "wait": ("ExecutionStarted", "WaitStateEntered", "WaitStateExited", *_END),
    "timeout": ("ExecutionStarted", "TaskStateEntered", *_ATTEMPT, "TaskStateExited", *_END),
    "heartbeat": ("ExecutionStarted", "TaskStateEntered", *_ATTEMPT, "TaskStateExited", *_END),
    "retry": (
        *("ExecutionStarted", "TaskStateEntered", *_ATTEMPT, *_ATTEMPT),
        *("TaskStateExited", *_END),
    ),
}
# Which record must not be before which by how much: (the fired one, the one it counts from).
MOMENTS = {"timeout": (3, 2), "heartbeat": (3, 2), "retry": (4, 3)}


@dataclass(frozen=True)
class Member:
    """One execution of the herd. `at_ms` is a wait's moment; `seconds` what a time-out, heartbeat or retry takes."""

    id: str
    kind: str
    at_ms: int = 0
    seconds: int = 0


@dataclass
class Judged:
    """What the histories of the herd say."""

    findings: dict[str, list[str]] = field(
        default_factory=lambda: {"early": [], "lost": [], "doubled": []}
    )
    late_ms: list[int] = field(default_factory=list)


def judge(judged: Judged, member: Member, status: str | None, records: Sequence[Any]) -> None:
    """Add what a member's history (records with `type` and `at_ms`) tells."""
    due = RECORDS[member.kind]
    types = tuple(record.type for record in records)
    if types != due:
        surplus = Counter(types) - Counter(due)
        where = "doubled" if surplus and status == "SUCCEEDED" else "lost"
        judged.findings[where].append(f"{member.id} is {status}, its records are {list(types)}")
        return
    if member.kind == "wait":
        late = records[2].at_ms - member.at_ms
    else:
        fired, since = MOMENTS[member.kind]
        late = records[fired].at_ms - records[since].at_ms - member.seconds * 1000
    judged.late_ms.append(late)
    if late < 0:
        judged.findings["early"].append(f"{member.id} fired {-late} ms before its time")


def share(values: Sequence[float], part: float) -> float | None:
    """The value that `part` of them do not exceed; None of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else None
