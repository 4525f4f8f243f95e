"""Engines broken on purpose: the kill test must notice each, or its green runs would mean nothing.

Each has a sound engine beside it: the same run with nothing taken out passes (test_kill, and the lossy one here).
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.chaos.orders.kill import Plan, run

pytestmark = pytest.mark.slow

SHORT = Plan(
    executions=60, kills=2, held_min=0, lease_ms=1000, seed=3, settle_seconds=5, api_share=0
)
LOSSY = replace(SHORT, loss=0.02, losses_min=5)


async def findings(plan, folder):
    verdict = await run(plan, folder)
    assert verdict["verdict"] == "fail", json.dumps(verdict["figures"])
    return {name for name, count in verdict["findings"].items() if count}


async def test_an_engine_without_the_fence_is_caught_when_a_zombie_goes_on(tmp_path):
    plan = replace(SHORT, kills=0, pauses=3, mutant="no_fence")
    assert await findings(plan, tmp_path) & {"sequence", "chain"}


async def test_an_engine_that_dispatches_before_its_commit_is_caught(tmp_path):
    plan = replace(SHORT, kills=4, mutant="early_dispatch")
    assert await findings(plan, tmp_path) & {"effects", "completions", "indexes"}


async def test_a_client_that_sends_again_what_may_have_been_done_is_caught(tmp_path):
    plan = replace(LOSSY, mutant="retries")
    assert "wire" in await findings(plan, tmp_path)


async def test_lost_replies_alone_are_not_held_against_a_sound_engine(tmp_path):
    verdict = await run(replace(LOSSY, settle_seconds=60), tmp_path)
    assert verdict["verdict"] == "pass", json.dumps(verdict, indent=2)
