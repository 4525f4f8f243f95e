"""Whether Step Functions would redrive an execution, and why not, in its words. Pure.

https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html#redrive-eligibility
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.core.execution import Execution

DAY_MS = 86_400_000
PERIOD_MS = 14 * DAY_MS  # after its end
EXECUTION_MS_MAX = 365 * DAY_MS  # from its start
MAP_RUN = "~"  # in the definition of an execution that a Map Run has started

Redrivable = Literal["REDRIVABLE", "NOT_REDRIVABLE", "REDRIVABLE_BY_MAP_RUN"]


class Standing(Struct, frozen=True):
    """`reason` is empty where it can be redriven."""

    status: Redrivable
    reason: str = ""


def standing(run: Execution, *, stopped_ms: int | None, now_ms: int, records_max: int) -> Standing:
    """How an execution stands with redriving. `stopped_ms` is when it closed, `records_max` the limit of its history."""
    reason = _reason(run, stopped_ms, now_ms, records_max)
    if reason:
        return Standing("NOT_REDRIVABLE", reason)
    return Standing("REDRIVABLE_BY_MAP_RUN" if MAP_RUN in run.definition else "REDRIVABLE")


def _reason(run: Execution, stopped_ms: int | None, now_ms: int, records_max: int) -> str:
    if run.status in {"RUNNING", "SUCCEEDED"} or stopped_ms is None:
        return f"Execution is {run.status} and cannot be redriven"
    if run.last_record >= records_max - 1:
        return "Execution history event limit exceeded"
    if now_ms - run.started_ms > EXECUTION_MS_MAX:
        return "Execution exceeds the max execution time"
    if now_ms - stopped_ms > PERIOD_MS:
        return "Execution redrivable period exceeded"
    if not run.operated.is_redrivable:
        return "Nothing is left of the execution to go on from"
    return ""
