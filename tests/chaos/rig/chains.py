"""Histories as chains: which record may follow which, and how attempts end. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

Records = list[dict[str, Any]]

TASKS = ("Activity", "LambdaFunction", "Task")
_ENDED = tuple(f"{kind}{how}" for kind in TASKS for how in ("Succeeded", "Failed", "TimedOut"))
# Behind these more than one record may come: strands begin here, or the chain leaves a record of a join out.
FORKS = {"ParallelStateStarted", "MapStateStarted"}
# Nothing follows them in the chain; what is told of strands that were cut off follows the failure that did it.
ASIDE = {"ParallelStateSucceeded", "MapStateSucceeded"}
CUT_OFF = ("StateAborted", "StateFailed", "MapIterationFailed", "MapIterationAborted")


def _may_follow(before: str, after: str) -> bool:
    """Whether `after` may name `before` as its previous record, of what the kill test's definitions use."""
    if after.endswith("Aborted"):
        return True  # a strand may be cut off anywhere
    entered, exited = before.endswith("StateEntered"), before.endswith("StateExited")
    iteration = before.startswith("MapIteration")
    for kind in TASKS:
        if after == f"{kind}Scheduled":
            return before in (
                "TaskStateEntered",
                *(f"{kind}{how}" for how in ("Failed", "TimedOut")),
            )
        if after == f"{kind}Started":
            return before == f"{kind}Scheduled"
        if after in (f"{kind}Succeeded", f"{kind}Failed", f"{kind}TimedOut"):
            return before in (
                *(f"{kind}{how}" for how in ("Scheduled", "Started", "Submitted")),
                "SignalConsumed",
            )
    if after == "SignalConsumed":
        return before == "TaskScheduled"
    if after.endswith("StateEntered"):
        return exited or before in ("ParallelStateStarted", "MapIterationStarted", "")
    if after.endswith("StateExited"):
        failed = before in ("ParallelStateFailed", "MapStateFailed")  # and the failure was caught
        return entered or exited or iteration or failed or before in (*_ENDED, *FORKS)
    if after in FORKS:
        return entered
    if after.startswith("MapIteration"):
        return exited or iteration or before in (*FORKS, *_ENDED)
    if after in ASIDE:
        return exited or iteration or before in FORKS
    return True


def problems(records: Records) -> Iterator[str]:
    """What is not a legal chain."""
    kinds = {record["id"]: record["type"] for record in records}
    children: Counter[int] = Counter()
    for record in records:
        number, previous, kind = record["id"], record["previous"], record["type"]
        if kind in {"SignalReceived", "SignalsLeftOver", "ExecutionStarted"}:
            if previous != 0:
                yield f"record {number} {kind} follows {previous}"
            continue
        if previous >= number or (previous and previous not in kinds):
            yield f"record {number} {kind} follows {previous}"
            continue
        before = kinds.get(previous, "")
        if not _may_follow(before, kind):
            yield f"record {number} {kind} follows {previous} {before}"
        if kind not in ASIDE and not kind.endswith(CUT_OFF) and previous:
            children[previous] += 1
    for number, count in children.items():
        if count > 1 and kinds[number] not in FORKS and not _joins(kinds[number]):
            yield f"{count} records follow record {number} {kinds[number]}"


def _joins(kind: str) -> bool:
    """The last record of a strand, which the next iteration and the join may both follow."""
    return kind.startswith("MapIteration") or kind.endswith("StateExited")


def attempts(records: Records) -> dict[str, tuple[int, int]]:
    """By resource: how many attempts were scheduled, and how many ends of attempts there are."""
    resource: dict[int, str] = {}
    scheduled: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    for record in records:
        kind = record["type"]
        if kind.endswith("Scheduled"):
            name = str(record["details"].get("resource"))
            scheduled[name] += 1
            resource[record["id"]] = name
        elif record["previous"] in resource:
            name = resource[record["previous"]]
            if kind.endswith(("Started", "Submitted")) or kind == "SignalConsumed":
                resource[record["id"]] = name
            else:
                ended[name] += 1
    return {name: (scheduled[name], ended[name]) for name in scheduled}


def skeleton(records: Records) -> list[tuple[int, int, str, str]]:
    """A history without its times and its data, for comparing two."""
    return [(r["id"], r["previous"], r["type"], str(r["details"].get("name", ""))) for r in records]


def by_type(records: Records) -> dict[str, int]:
    counts: defaultdict[str, int] = defaultdict(int)
    for record in records:
        counts[record["type"]] += 1
    return dict(counts)
