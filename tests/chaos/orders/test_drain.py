"""SIGTERM: a server told to end finishes what it holds, in time, while its callers go on with the others."""

from __future__ import annotations

import json

import pytest

from tests.chaos.orders.kill import Plan, run

pytestmark = pytest.mark.slow


async def test_rolling_ends_under_load_lose_nothing_and_come_in_time(tmp_path):
    plan = Plan(executions=120, kills=0, held_min=0, drains=6, lease_ms=5000, seed=21)
    verdict = await run(plan, tmp_path)
    assert verdict["verdict"] == "pass", json.dumps(verdict, indent=2)
