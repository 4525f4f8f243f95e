"""The Sentinel run in its short form. The long one is a command: `python -m tests.chaos.sentinel`."""

from __future__ import annotations

import json

import pytest

from tests.chaos.sentinel.run import Plan, run

pytestmark = pytest.mark.slow


async def test_a_primary_is_killed_under_load_and_nothing_that_was_acknowledged_is_lost(tmp_path):
    plan = Plan(executions=30, cuts=1, seed=5, lease_ms=2000, cut_seconds=2.0, hows=("kill",))
    verdict = await run(plan, tmp_path)
    shown = {name: value for name, value in verdict.items() if name != "plan"}
    assert verdict["verdict"] == "pass", json.dumps(shown, indent=2)
