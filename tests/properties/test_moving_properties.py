"""Whatever the two versions and wherever the execution stands: the verdict is what happens, it is taken back whole, and what was moved ends well."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from moving_edits import Pair, pairs
from moving_run import Moved, back, begun, below, is_equal_but_for_revision, there

from engine.core.execution import ROOT, Enter, Fork, Listen, Unwind
from engine.core.moving.data import data_of, with_data
from engine.core.moving.undo import UNDO
from engine.core.moving.verdict import Verdict, stands_in
from engine.documents import Document
from engine.language import read

# A seed, the transitions before the migration, whether nothing stays loaded, and how many strands one transition moves:
# so few that most migrations take several, or what stands in the code.
positions = st.tuples(
    st.integers(0, 1000), st.integers(1, 60), st.booleans(), st.sampled_from([1, 2, 100])
)
Position = tuple[int, int, bool, int]


def placed(pair: Pair, position: Position) -> Moved:
    """A run of the first version at a random position; where it has closed by then, at an earlier one."""
    seed, transitions, evict, strands = position
    while (run := begun(pair[0], seed, transitions, evict=evict)).is_ending:
        transitions //= 2
        assume(transitions)
    run.strands_max = strands
    return run


def see(run: Moved, before: dict[str, Any], verdict: Verdict, *, wrapped: bool) -> None:
    """Every strand is where the verdict said, with what it held; the execution's own has its data `wrapped`."""
    strands = {strand.frame: strand for strand in verdict.strands}
    assert run.memory.frames.keys() == before["frames"].keys()
    for name, frame in before["frames"].items():
        after, strand = run.memory.frames[name], strands.get(name)
        if wrapped and name == ROOT:
            data = Document.of({"was": data_of(frame).value})
            assert data_of(after).text == data.text
            frame = with_data(frame, data)  # noqa: PLW2901 - what is expected of it
        if strand is None:
            assert after == frame
            continue
        assert after.input == frame.input
        if not strand.renewed:
            assert after.state == strand.state
            assert type(after.hold) is type(frame.hold)
            assert isinstance(frame.hold, Listen | Unwind) or after.hold == frame.hold
        elif isinstance(frame.hold, Fork | Unwind):
            assert isinstance(after.hold, Unwind)
            assert after.hold.then is not None
            assert (after.hold.then.state, after.hold.then.data) == (strand.state, frame.input)
        else:
            assert (after.state, type(after.hold)) == (strand.state, Enter)
            assert name in run.execution.ready


@settings(max_examples=300, deadline=None)
@given(pairs(), positions)
def test_what_the_verdict_says_is_what_happens(pair: Pair, position: Position) -> None:
    new = pair[1]
    run = placed(pair, position)
    target, event = read(json.dumps(new)), there(pair)
    verdict, before, revision = (
        run.verdict(event, target),
        run.standing(),
        run.execution.revision,
    )
    records = len(run.memory.records)
    outcome, reason = run.move(event, target)
    if verdict.outcome == "blocked":
        assert (outcome, reason) == ("blocked", f"{verdict.reason}: {verdict.detail}")
        assert run.standing() == before
        assert (len(run.memory.records), run.execution.revision) == (records, revision + 1)
        return
    assert (outcome, reason) == ("moved", None)
    assert run.execution.version == 2
    see(run, before, verdict, wrapped=event.data is not None)
    kinds = [record.type for record in run.memory.records[records:]]
    assert kinds.count("ExecutionMigrated") == 1


@settings(max_examples=300, deadline=None)
@given(pairs(), positions)
def test_a_migration_that_is_taken_back_at_once_leaves_nothing(
    pair: Pair, position: Position
) -> None:
    old, new, *_ = pair
    run = placed(pair, position)
    target, event = read(json.dumps(new)), there(pair)
    verdict, before = run.verdict(event, target), run.standing()
    assume(verdict.outcome != "blocked")
    run.move(event, target)
    outcome = run.move(back(), read(json.dumps(old)))
    assert outcome == ("moved", None)
    after = run.standing()
    renewed = {strand.frame for strand in verdict.strands if strand.renewed}
    if not renewed:
        assert after == before
        return
    assert after["version"] == before["version"]
    for name, frame in before["frames"].items():
        now = after["frames"][name]
        if name in renewed:
            assert (stands_in(now), data_of(now)) == (stands_in(frame), data_of(frame))
            assert now.variables == frame.variables
        elif not below(name, renewed):
            assert is_equal_but_for_revision(frame, now)
    kept = {key: value for key, value in before["values"].items() if key.startswith(("a:", "s:"))}
    assert kept.items() <= after["values"].items()


@settings(max_examples=300, deadline=None)
@given(pairs(), positions, st.sampled_from(["stay", "at once", "later"]), st.integers(0, 12))
def test_what_was_moved_comes_to_its_end_and_leaves_nothing_behind(
    pair: Pair, position: Position, returns: str, later: int
) -> None:
    old, new, *_ = pair
    run = placed(pair, position)
    run.move(there(pair), read(json.dumps(new)))
    if returns != "stay":
        run.drive(later if returns == "later" else 0)
        if not run.is_closed and run.execution.version == 2:
            run.move(back(), read(json.dumps(old)))
    run.drive(5_000)
    result = run.result()
    assert result.status != "RUNNING"
    assert [left for left in result.left_behind if left != f"value {UNDO}"] == []
    assert [record.id for record in result.records] == list(range(1, len(result.records) + 1))
    assert result.records[-1].type.startswith("Execution")


@settings(max_examples=100, deadline=None)
@given(pairs(), positions, st.integers(0, 20))
def test_every_strand_always_stands_in_a_state_of_its_version(
    pair: Pair, position: Position, steps: int
) -> None:
    new = pair[1]
    run = placed(pair, position)
    machine = read(json.dumps(new))
    outcome, _ = run.move(there(pair), machine)
    assume(outcome == "moved")
    for _ in range(steps):
        going = {
            name for name, frame in run.memory.frames.items() if isinstance(frame.hold, Unwind)
        }
        strange = [
            frame.state
            for name, frame in run.memory.frames.items()
            if frame.state
            and frame.state not in machine.states
            and name not in going
            and not below(name, going)
        ]
        assert strange == []
        if run.is_closed:
            break
        run.drive(1)
