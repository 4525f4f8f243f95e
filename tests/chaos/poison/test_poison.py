"""Poison in its short form. The long one is a command: `python -m tests.chaos.poison`."""

from __future__ import annotations

import json

import pytest

from tests.chaos.poison.run import Plan, run

pytestmark = pytest.mark.slow


async def test_poison_is_set_aside_found_and_released_and_no_innocent_is(tmp_path):
    plan = Plan(seed=11, good=60, partitions=14, lease_ms=1500, ratio_max=0)
    verdict = await run(plan, tmp_path)
    assert verdict["verdict"] != "fail", json.dumps(verdict, indent=2)
