"""`$$.StateMachine.DefinitionVersion`: the version that a run is pinned to, where its definition can ask it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "core"))

from machines import run

from engine.core.execution import Names

PATCHED = {
    "Which": {
        "Type": "Choice",
        "Choices": [
            {
                "Variable": "$$.StateMachine.DefinitionVersion",
                "NumericGreaterThanEquals": 3,
                "Next": "New",
            }
        ],
        "Default": "Old",
    },
    "New": {"Type": "Pass", "Result": "new", "End": True},
    "Old": {"Type": "Pass", "Result": "old", "End": True},
}
CONDITION = "{% $states.context.StateMachine.DefinitionVersion >= 3 %}"
PATCHED_IN_JSONATA = {
    "Which": {
        "Type": "Choice",
        "Choices": [{"Condition": CONDITION, "Next": "New"}],
        "Default": "Old",
    },
    "New": {"Type": "Pass", "Output": "new", "End": True},
    "Old": {"Type": "Pass", "Output": "old", "End": True},
}
LANGUAGES = [(PATCHED, {}), (PATCHED_IN_JSONATA, {"QueryLanguage": "JSONata"})]


@pytest.mark.parametrize(("states", "top"), LANGUAGES, ids=["JSONPath", "JSONata"])
@pytest.mark.parametrize(("version", "branch"), [(2, "old"), (3, "new"), (11, "new")])
def test_a_choice_goes_by_the_version_the_run_is_pinned_to(states, top, version, branch):
    assert run(states, top=top, version=version).output == branch


def test_a_rehearsal_is_of_version_1_unless_told():
    states = {"A": {"Type": "Pass", "Parameters": {"it.$": "$$.StateMachine"}, "End": True}}
    assert run(states).output["it"]["DefinitionVersion"] == 1


def test_a_run_that_a_starter_names_as_aws_does_has_no_such_field():
    states = {"A": {"Type": "Pass", "Parameters": {"it.$": "$$.StateMachine"}, "End": True}}
    names = Names("arn:e", "arn:m", "m", "arn:r")
    assert run(states, names=names).output["it"] == {"Id": "arn:m", "Name": "m"}


async def test_a_stored_execution_knows_its_own_version(desk):
    states = {
        "A": {
            "Type": "Pass",
            "Parameters": {"v.$": "$$.StateMachine.DefinitionVersion"},
            "End": True,
        }
    }
    await desk.publish(states)
    await desk.publish(states, Comment="a second version")
    assert json.loads((await desk.end(await desk.start("n"))).output.text) == {"v": 2}
