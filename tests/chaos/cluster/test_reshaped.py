"""The cluster test in its short form. The long one is a command: `python -m tests.chaos.cluster`."""

from __future__ import annotations

import json

import pytest

from tests.chaos.cluster.reshaping import Steps
from tests.chaos.cluster.run import Plan, run
from tests.chaos.cluster.spoken import words_in

SLOW = 10.0  # a machine that others use, too


@pytest.mark.slow
async def test_slots_move_and_a_master_dies_under_load_and_nothing_is_lost_done_twice_or_spoken_of(
    tmp_path,
):
    steps = Steps(moves=4, failovers=1, killed_moving=0, joins=0, pause_seconds=(0.01, 0.05))
    plan = Plan(executions=80, steps=steps, lease_ms=1500, seed=11, slow=SLOW)
    verdict = await run(plan, tmp_path)
    shown = {name: value for name, value in verdict.items() if name != "plan"}
    assert verdict["verdict"] == "pass", json.dumps(shown, indent=2)


@pytest.mark.parametrize(
    "text",
    [
        b'{"detail":"MOVED 3999 127.0.0.1:6381"}',
        b"TRYAGAIN Multiple keys request during rehashing of slot",
        b"redis.exceptions.AskError",
        b"CLUSTERDOWN Hash slot not served",
    ],
)
def test_words_of_redis_are_noticed(text):
    assert words_in(b"before " + text)


def test_a_word_is_noticed_once_where_it_lies_across_two_pieces():
    tail, piece = b"....CLUSTER", b"DOWN Hash slot not served"
    assert len(words_in(tail + piece, beyond=len(tail))) == 1
    assert words_in(tail + piece, beyond=len(tail + piece)) == []
