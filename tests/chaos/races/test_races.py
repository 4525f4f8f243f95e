"""The races in their short form. The long one is a command: `python -m tests.chaos.races`."""

from __future__ import annotations

import json

import pytest

from tests.chaos.races.judging import Answer, Round, sound
from tests.chaos.races.kinds import KINDS
from tests.chaos.races.run import Plan, run, short

OK, TIMED_OUT = Answer(), Answer(409, "task_closed", "TIMED_OUT")


@pytest.mark.slow
async def test_every_race_has_one_winner_by_the_answers_and_by_the_history():
    verdict = await run(short())
    assert verdict["verdict"] == "pass", json.dumps(verdict, indent=2)


@pytest.mark.slow
async def test_races_through_two_api_processes_have_one_winner_each():
    verdict = await run(Plan(rounds=0, http_rounds=60, seed=2))
    assert not any(verdict["findings"].values()), json.dumps(verdict, indent=2)


def events(*types):
    return [{"id": number, "type": kind} for number, kind in enumerate(types, 1)]


def judged(name, round_):
    (kind,) = [kind for kind in KINDS if kind.name == name]
    return [*sound(round_), *kind.judge(round_)]


def test_the_judge_finds_a_completion_that_was_accepted_and_timed_out_all_the_same():
    history = events("ActivityTimedOut", "ExecutionFailed")
    assert judged(
        "completion against time-out", Round("e", {"completion": OK}, "FAILED", None, history)
    )
    refused = Round("e", {"completion": TIMED_OUT}, "FAILED", None, history)
    assert not judged("completion against time-out", refused)


def test_the_judge_finds_two_winners_and_a_loser_who_was_told_something_else():
    history = events("ActivitySucceeded", "ExecutionSucceeded")
    both = Round("e", {"first": OK, "second": OK}, "SUCCEEDED", 1, history, facts={"failed": False})
    assert judged("completion against completion", both)
    both.answers["second"] = TIMED_OUT
    assert judged("completion against completion", both)
    both.answers["second"] = Answer(409, "task_closed", "SUCCEEDED")
    assert not judged("completion against completion", both)


def test_the_judge_finds_a_server_error_a_gap_and_a_record_behind_the_end():
    history = events("ActivitySucceeded", "ExecutionSucceeded")
    wrong = [
        Round("e", {"a": Answer(503, "store_unavailable")}, "SUCCEEDED", 1, history),
        Round("e", {"a": OK}, "SUCCEEDED", 1, history[1:]),
        Round("e", {"a": OK}, "SUCCEEDED", 1, [*history, {"id": 3, "type": "TaskFailed"}]),
        Round("e", {"a": OK}, "ABORTED", 1, history),
    ]
    assert all([*sound(round_)] for round_ in wrong)
