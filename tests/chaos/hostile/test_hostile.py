"""Hostile input in its short form. The long one is a command: `python -m tests.chaos.hostile`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.chaos.hostile.attack import Plan, run

pytestmark = pytest.mark.slow


async def test_hostile_input_is_refused_or_ended_and_costs_the_server_neither_memory_nor_work(
    tmp_path,
):
    plan = Plan(seed=11, share=0.05, per_second=15.0, quiet_seconds=5.0, drips=0, idle=50)
    # A few executions have no p99 worth the name, and the tests beside use the machine: the long form judges latencies.
    verdict = await run(replace(plan, ratio_max=0), tmp_path)
    assert verdict["verdict"] != "fail", json.dumps(verdict, indent=2)
