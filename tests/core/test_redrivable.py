"""Whether Step Functions would redrive an execution, and what it says where it would not."""

from __future__ import annotations

import pytest
from msgspec import structs

from engine.core.control.redrivable import DAY_MS, standing
from engine.core.execution import Execution, Operated

FAILED = Execution(
    id="d:n",
    definition="d",
    name="n",
    version=1,
    seed=b"",
    started_ms=0,
    status="FAILED",
    last_record=10,
    operated=Operated(is_redrivable=True),
)


def stands(*, stopped_ms=1000, now_ms=2000, **changed):
    run = structs.replace(FAILED, **changed)
    found = standing(run, stopped_ms=stopped_ms, now_ms=now_ms, records_max=25_000)
    return found.status, found.reason


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_what_ended_without_success_can_be_redriven(status):
    assert stands(status=status) == ("REDRIVABLE", "")


@pytest.mark.parametrize("status", ["RUNNING", "SUCCEEDED"])
def test_what_runs_or_has_succeeded_cannot_be_redriven(status):
    said = f"Execution is {status} and cannot be redriven"
    assert stands(status=status) == ("NOT_REDRIVABLE", said)


def test_a_child_of_a_map_run_is_redriven_by_it():
    assert stands(definition="d~items") == ("REDRIVABLE_BY_MAP_RUN", "")
    assert stands(definition="d~items", status="SUCCEEDED")[0] == "NOT_REDRIVABLE"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"last_record": 24_999}, "Execution history event limit exceeded"),
        ({"now_ms": 1001 + 14 * DAY_MS}, "Execution redrivable period exceeded"),
        (
            {"now_ms": 366 * DAY_MS, "stopped_ms": 365 * DAY_MS},
            "Execution exceeds the max execution time",
        ),
        ({"operated": Operated()}, "Nothing is left of the execution to go on from"),
    ],
)
def test_a_failed_one_that_is_too_long_or_too_old_cannot_be_redriven(changed, reason):
    assert stands(**changed) == ("NOT_REDRIVABLE", reason)


def test_the_last_moment_and_the_last_record_are_still_redrivable():
    assert stands(last_record=24_998, now_ms=1000 + 14 * DAY_MS) == ("REDRIVABLE", "")
