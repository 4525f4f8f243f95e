"""The herd of timers in its short form. The long one is a command: `python -m tests.chaos.herd --n 100000`."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from tests.chaos.herd.parts import RECORDS, Judged, Member, judge
from tests.chaos.herd.run import Plan, run


@pytest.mark.slow
async def test_two_thousand_timers_of_one_second_all_fire_once_while_engines_are_killed():
    verdict = await run(Plan(n=2000, kills=2, lease_ms=1500, seed=4))
    assert not any(verdict["findings"].values()), json.dumps(verdict, indent=2)
    assert verdict["figures"]["judged"] == 2000


@dataclass
class Record:
    type: str
    at_ms: int


def judged(*types, at=1000, status="SUCCEEDED", due=1000):
    found = Judged()
    judge(found, Member("m", "wait", due), status, [Record(kind, at) for kind in types])
    return {name for name, texts in found.findings.items() if texts}


def test_the_judge_finds_what_fired_early_was_lost_or_fired_twice():
    whole = RECORDS["wait"]
    assert judged(*whole) == set()
    assert judged(*whole, due=1001) == {"early"}
    assert judged(*whole[:2], status="RUNNING") == {"lost"}
    assert judged(status=None) == {"lost"}
    assert judged(*whole[:3], *whole[2:]) == {"doubled"}
