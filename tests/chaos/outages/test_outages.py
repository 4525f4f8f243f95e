"""Redis fails under load: the short forms. The long one is a command: `python -m tests.chaos.outages`."""

from __future__ import annotations

import json

import pytest

from tests.chaos.outages.__main__ import run, verdict

pytestmark = pytest.mark.slow
SLOW = 4.0  # others may use the machine


@pytest.mark.parametrize(
    "kind", ["kill-always", "cut-always", "cut-everysec", "full-memory", "scripts-forgotten"]
)
async def test_what_was_acknowledged_is_there_after_redis_has_failed(kind):
    done = await run(kind, 2, 11, SLOW)
    if isinstance(done, str):
        pytest.skip(done)
    found = verdict({kind: done}, {"kind": kind})
    assert found["verdict"] == "pass", json.dumps(found, indent=2)
