"""The shared recordings over the wire: boto3 against a server process. Result, messages, event types, exact answers."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.conformance.known import OVER_THE_WIRE
from tests.conformance.recorded import Verdict
from tests.conformance.wire import all_cases, asked, result_of

CASES = sorted(all_cases())
MISSING = "the shared conformance cases are not there (../shared, or DETENT_SHARED)"
VERDICT_SECONDS = 900.0  # for all of them; a player that has died is noticed at once


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.over_the_wire(name)) for name in CASES]
)
def test_recorded_case_over_the_wire(name: str, played: Path) -> None:
    found = _verdict(name, played)
    assert {column for column, differences in found.items() if differences is not None} == asked(
        name
    )
    missed = {column: differences for column, differences in found.items() if differences}
    known = OVER_THE_WIRE.get(name, (set(), ""))[0]
    assert {c: differences for c, differences in missed.items() if c not in known} == {}
    assert known <= set(missed), "no longer missed: take it from the list of known misses"


@pytest.mark.skipif(not CASES, reason=MISSING)
def test_every_known_miss_is_of_a_case_that_asks_for_it():
    for name, (columns, reason) in OVER_THE_WIRE.items():
        assert columns <= asked(name), name
        assert reason, name


def _verdict(name: str, folder: Path) -> Verdict:
    end = time.monotonic() + VERDICT_SECONDS
    while not (place := result_of(folder, name)).exists():
        assert time.monotonic() < end, "no verdict"
        assert not (folder / "done").exists() or place.exists(), (folder / "log").read_text()[
            -2000:
        ]
        time.sleep(0.1)
    return json.loads(place.read_text())
