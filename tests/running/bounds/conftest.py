"""A desk at a running engine, and the loop that never ends."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "runtime"))

from desk import Desk

from engine.serve import Engine


@pytest.fixture
async def desk(engine: Engine) -> Desk:
    return Desk(engine)


LOOP = {
    "Go": {"Type": "Pass", "Next": "Again"},
    "Again": {
        "Type": "Choice",
        "Choices": [{"Variable": "$.stop", "IsPresent": True, "Next": "End"}],
        "Default": "Go",
    },
    "End": {"Type": "Succeed"},
}


@pytest.fixture
def loop() -> dict:
    """Two states that follow each other for ever."""
    return LOOP
