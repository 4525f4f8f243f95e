"""The shared recordings of AWS executions, played in the rehearsal: result, cause, event types and exact history."""

from __future__ import annotations

import pytest

from tests.conformance.known import REHEARSED
from tests.conformance.recorded import cases, play
from tests.conformance.table import PAGE, table

CASES = sorted(cases())
MISSING = "the shared conformance cases are not there (../shared, or DETENT_SHARED)"


@pytest.mark.parametrize("name", CASES)
def test_recorded_execution(name):
    differences = {
        column: found
        for column, found in play(name).items()
        if found and column not in REHEARSED.get(name, ((), ""))[0]
    }
    assert not differences


@pytest.mark.skipif(not CASES, reason=MISSING)
def test_the_published_table_is_what_the_cases_say():
    assert PAGE.read_text() == table(), "run python -m tests.conformance.table"
