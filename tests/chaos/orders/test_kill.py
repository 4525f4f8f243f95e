"""The kill test in its short form. The long one is a command: `python -m tests.chaos.orders.kill`."""

from __future__ import annotations

import json

import pytest

from tests.chaos.orders.kill import Plan, run

pytestmark = pytest.mark.slow


def shown(verdict):
    return json.dumps({k: v for k, v in verdict.items() if k != "plan"}, indent=2)


async def test_engines_and_api_are_killed_under_load_and_nothing_is_lost_or_done_twice(tmp_path):
    plan = Plan(executions=200, kills=8, held_min=4, pauses=1, lease_ms=1500, seed=11)
    verdict = await run(plan, tmp_path)
    assert verdict["verdict"] == "pass", shown(verdict)
