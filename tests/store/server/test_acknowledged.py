"""What Redis acknowledged, and whether it is still there: values in, values out."""

from __future__ import annotations

import pytest
from redis.exceptions import ResponseError

from engine.errors import StoreRefused
from engine.store.server.acknowledged import RECENT, Acknowledged, Missing, missing, questions
from engine.store.server.guard import OLDER_SECONDS_MAX, Guard

X = "detent:{01}:default:x:d:a"


def noted(*, now=0.0):
    acknowledged = Acknowledged(forgets_seconds=1000)
    acknowledged.tick(now)
    return acknowledged


@pytest.mark.parametrize(
    ("answer", "gone"),
    [
        ([b"RUNNING", b"7", None], False),
        ([b"RUNNING", b"8", None], False),
        ([b"RUNNING", b"6", None], True),
        ([None, None, None], True),
        ([b"SUCCEEDED", None, b"1"], False),
    ],
    ids=["as acknowledged", "further", "behind", "not there", "pruned since"],
)
def test_an_execution_that_is_behind_or_gone_is_missing_and_one_that_was_pruned_is_not(
    answer, gone
):
    acknowledged = noted()
    acknowledged.committed(X, 7)
    found = missing(acknowledged.writes(), [[answer]])
    assert found == (Missing(1, 1, 0.0) if gone else None)


@pytest.mark.parametrize(("score", "gone"), [(b"5", False), (None, True)])
def test_a_signal_is_missing_when_its_id_is(score, gone):
    acknowledged = noted()
    acknowledged.accepted(X, X + ":sig", "s1")
    [write] = acknowledged.writes()
    assert questions(write)[1] == ("ZSCORE", X + ":sig", "s1")
    found = missing([write], [[[b"RUNNING", b"0", None], score]])
    assert (found is not None) is gone


@pytest.mark.parametrize(("there", "gone"), [(0, False), (1, True)])
def test_an_outcome_is_missing_when_its_task_is_there_again(there, gone):
    acknowledged = noted()
    acknowledged.settled(X, "tasks", "t")
    [write] = acknowledged.writes()
    found = missing([write], [[[b"RUNNING", b"0", None], there]])
    assert (found is not None) is gone


def test_what_another_node_has_proves_nothing():
    acknowledged = noted()
    acknowledged.committed(X, 7)
    assert missing(acknowledged.writes(), [[ResponseError("MOVED 1 h:1")]]) is None


def test_of_an_execution_only_the_newest_revision_is_asked_for():
    acknowledged = noted()
    for revision in range(5):
        acknowledged.committed(X, revision)
    assert [write.revision for write in acknowledged.writes()] == [4]


def test_one_write_of_each_second_is_remembered_after_the_newest_have_been_pushed_out():
    acknowledged = noted()
    acknowledged.committed("old", 1)
    acknowledged.tick(1.0)
    for number in range(RECENT):
        acknowledged.committed(f"new{number}", 1)
    assert "old" in {write.key for write in acknowledged.writes()}


def test_children_of_map_runs_and_what_may_be_forgotten_by_now_are_not_asked_for():
    acknowledged = noted()
    acknowledged.committed("detent:{01}:default:x:d~Map:run-1", 1)
    acknowledged.committed(X, 1)
    acknowledged.accepted(X, X + ":sig", "s1")
    acknowledged.tick(61.0)
    assert [(write.key, write.inside) for write in acknowledged.writes()] == [(X, None)]
    acknowledged.tick(1000.0)
    assert acknowledged.writes() == []


class Node:
    """Answers a guard's questions."""

    def __init__(self, identity, revision):
        self.identity = identity
        self.revision = revision

    async def __call__(self, asked):
        first = [[self.identity, None], b"# Server\r\nrun_id:abc\r\n"]
        row = None if self.revision is None else str(self.revision).encode()
        return [*first, *([row and b"RUNNING", row, None] for _ in asked[2:])]


def guard_of(acknowledged):
    told = []
    return Guard("layout", "mine", acknowledged, lambda lacks, run: told.append((lacks, run))), told


async def test_a_loss_of_the_last_moments_is_told_once_with_the_run_that_lost_it():
    acknowledged = noted()
    acknowledged.committed(X, 7)
    guard, told = guard_of(acknowledged)
    await guard.examine(Node(b"mine", 5))
    await guard.examine(Node(b"mine", 5))
    assert told == [(Missing(1, 1, 0.0), "abc")]
    assert guard.refusal is None


@pytest.mark.parametrize("identity", [None, b"another"])
async def test_a_store_that_is_empty_or_another_is_refused_until_the_right_one_is_back(identity):
    acknowledged = noted()
    acknowledged.committed(X, 7)
    guard, told = guard_of(acknowledged)
    with pytest.raises(StoreRefused):
        await guard.examine(Node(identity, None))
    assert guard.refusal
    await guard.examine(Node(b"mine", 7))
    assert guard.refusal is None
    assert told == []


async def test_an_old_copy_is_refused_for_no_crash_leaves_one():
    acknowledged = noted()
    acknowledged.committed("first", 7)
    acknowledged.tick(OLDER_SECONDS_MAX + 1)
    acknowledged.committed("last", 7)
    guard, told = guard_of(acknowledged)
    with pytest.raises(StoreRefused, match="old copy"):
        await guard.examine(Node(b"mine", 5))
    assert told == []
