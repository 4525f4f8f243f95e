"""What AWS answered to definitions that it refused, as recorded in the shared cases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from language_cases import SHARED

from engine.language.diagnostics import diagnostics, invalid_definition_text
from engine.language.problems import Problem
from engine.language.resources.express import DefinitionType, examine_as

# A TestState call takes one state; AWS names it so in its messages.
LONE_STATE = "StateName"
# Stands for the one that the case creates first.
ACTIVITY = "arn:aws:states:us-east-1:000000000000:activity:a"


def recorded() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, definition and step of each call about a definition whose message is recorded."""
    for path in sorted((SHARED / "conformance" / "apicases").glob("*/*.json")):
        for step in json.loads(path.read_text(encoding="utf-8"))["steps"]:
            given = step.get("args", {})
            refused = step.get("expect_error", {})
            is_refusal = refused.get("code") == "InvalidDefinition" and "message" in refused
            is_validation = step.get("call") == "validate_state_machine_definition"
            if is_refusal or is_validation:
                yield path.stem, text_of(given["definition"]), step


def text_of(definition: Any) -> str:
    if isinstance(definition, str):
        return definition
    if "States" not in definition and "Type" in definition:
        definition = {"StartAt": LONE_STATE, "States": {LONE_STATE: definition}}
    return json.dumps(definition).replace("{{s0.activityArn}}", ACTIVITY)


CASES = list(recorded())


@pytest.mark.skipif(not CASES, reason="the shared conformance cases are not beside the project")
def test_there_are_recorded_refusals_and_validations():
    assert sum("expect_error" in step for _, _, step in CASES) >= 11
    assert sum("expect" in step for _, _, step in CASES) >= 7


@pytest.mark.parametrize(("text", "step"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_refusals_and_validations_are_worded_as_aws_worded_them(text, step):
    problems = problems_of(text, step["args"].get("type"))
    if "expect_error" in step:
        assert invalid_definition_text(problems) == step["expect_error"]["message"]
    else:
        found = [
            {"code": d.code, "message": d.message, "severity": d.severity}
            | ({} if d.location is None else {"location": d.location})
            for d in diagnostics(problems)
            if d.severity == "ERROR"
        ]
        assert found == step["expect"]["diagnostics"]


def problems_of(text: str, kind: DefinitionType | None) -> tuple[Problem, ...]:
    return examine_as(kind or "STANDARD", text, "json")[1]
