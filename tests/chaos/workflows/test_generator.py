"""The generator: what it writes is sound, what it says of a run is the same every time, and the open places are few."""

from __future__ import annotations

import json

import pytest

from engine.language import examine
from tests.chaos.workflows import acts
from tests.chaos.workflows.patterns import ANY, OneOf, fits
from tests.chaos.workflows.shapes import TOPS, Shapes, shapes_of

SEEDS = (1, 2, 3)
KINDS = {"Pass", "Choice", "Wait", "Task", "Parallel", "Map", "Succeed", "Fail"}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_definition_is_one_without_errors(seed):
    shapes = Shapes(seed)
    for definition in (*shapes.tops, *shapes.children):
        machine, problems = examine(json.dumps(definition.machine()))
        assert machine is not None, problems


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_has_every_kind_of_state_and_task(seed):
    text = json.dumps([definition.machine() for definition in Shapes(seed).tops])
    assert all(f'"Type": "{kind}"' in text for kind in KINDS)
    resources = ("activity:", "http://", "signal:", "startExecution.sync:2", ".waitForTaskToken")
    assert all(resource in text for resource in resources)


def test_a_run_is_a_function_of_its_seed_and_number():
    first, second = (Shapes(4).run(number) for number in (7, 7))
    assert first == second
    assert Shapes(5).run(7) != first


def test_runs_succeed_fail_are_stopped_and_leave_races_open():
    runs = [shapes_of(1).run(number) for number in range(20 * TOPS)]
    ends = {status for run in runs for status, _ in run.expected.ends}
    assert ends == {"SUCCEEDED", "FAILED"}
    assert 0 < sum(run.stop is not None for run in runs) < len(runs) // 10
    assert any("OneOf" in repr(run.expected.output) for run in runs)
    closed = [run for run in runs if "OneOf" not in repr(run.expected.output)]
    assert len(closed) > len(runs) // 2


def test_every_manner_of_a_performer_comes_up():
    found = [
        acts.act_of(1, f"x:r{n}", "S1", -1, kind)
        for n in range(400)
        for kind in ("work", "call", "callback")
    ]
    manners = {*acts.MANNERS, *acts.HTTP_MANNERS, *acts.CALLBACK_MANNERS}
    assert {act.manner for act in found} == manners
    assert {act.busy for act in found} == {0, 1, 2, 3}
    assert any(act.error for act in found)


@pytest.mark.parametrize(
    ("pattern", "value", "right"),
    [
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1}, {}, False),
        ({"a": ANY}, {"a": [3]}, True),
        ([1, OneOf((2, {"b": ANY}))], [1, {"b": 9}], True),
        ([1, OneOf((2, 3))], [1, 4], False),
        ([1], [1, 1], False),
        (1, 1.0, False),
        (1, True, False),
        ([], {}, False),
        (2**53 + 1, 2**53 + 1, True),
        (2**53 + 1, 2**53, False),
    ],
)
def test_a_value_fits_a_pattern_exactly_but_for_its_open_places(pattern, value, right):
    assert fits(pattern, value) is right
