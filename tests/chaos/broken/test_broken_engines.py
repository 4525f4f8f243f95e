"""Engines broken on purpose: the runs must notice each, or their green ones would mean nothing.

Each has a sound engine beside it: the same run with nothing taken out passes (test_kill, test_herd, test_races, and the
two here). These are those that prove a checker; `python -m tests.chaos.broken` runs all of them.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.chaos.broken import setback
from tests.chaos.broken.trials import RACED, TRIALS, caught
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


PROVING = {"fence_by_revision", "engine_clock", "no_index", "unwaited"}


@pytest.mark.parametrize(
    "trial",
    [*(trial for trial in TRIALS if trial.mutant in PROVING), RACED],
    ids=lambda trial: f"{trial.mutant}-{trial.family}",
)
async def test_an_engine_broken_on_purpose_is_caught_by_the_run_that_is_to_notice_it(trial):
    verdict = await trial.run(trial.mutant, 3)
    assert caught(trial, verdict), json.dumps(verdict, indent=2)


async def test_a_zombie_of_a_sound_engine_does_nothing_to_a_store_that_was_set_back():
    verdict = await setback.run()
    assert verdict["verdict"] == "pass", json.dumps(verdict, indent=2)
