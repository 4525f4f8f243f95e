"""The rules of the language, as cases: cases/*.yaml, each played warm and with everything reloaded at every step.

A case has `name`, `spec` (the rule's source), `states` and optionally `top` (fields of the machine), `input`,
`answers` (by state, attempt by attempt), `stop`, `limits`, `type` (STANDARD, EXPRESS, EXPRESS_SYNC), `children`
(definitions of nested executions: their states, by name), `datasets` (what ItemReaders find:
texts by "bucket/key"). `expect` may tell status, output, error, cause, types, previous (of each record, the id of the one that it follows), exits (details of the StateExited records), waits_ms,
ended_ms (from the start), of the tasks: `tasks` (how many), `inputs`, `queues`, and of the children, in the order of
their start: `children` (status and output each), `given` (the input each).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.core.events import StopRequested
from engine.core.limits import Limits
from engine.core.records import render
from engine.language import read
from engine.rehearsal import Given, Rehearsal, Result, given_answers


class Plain(yaml.SafeLoader):
    """YAML in which an unquoted time is text, as in JSON."""


Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted((Path(__file__).parent / "cases").rglob("*.yaml"))
    if path.parent.name != "api"
    for case in yaml.load_all(path.read_text(), Plain)
]


@pytest.mark.parametrize("evict", [False, True], ids=["warm", "reloaded"])
@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any], evict: bool) -> None:
    result = play(case, evict=evict)
    assert result.left_behind == []
    seen = told(result)
    assert {key: seen[key] for key in case["expect"]} == case["expect"]


def play(case: dict[str, Any], *, evict: bool) -> Result:
    start = next(iter(case["states"]))
    definition = {"StartAt": start, "States": case["states"], **case.get("top", {})}
    stop = case.get("stop")
    given = []
    if stop:
        given.append(Given(StopRequested(stop.get("error"), stop.get("cause")), stop["after_ms"]))
    return Rehearsal(
        read(json.dumps(definition)),
        case.get("input", {}),
        answers=given_answers(case.get("answers", {})),
        given=given,
        machines={
            name: read(json.dumps({"StartAt": next(iter(states)), "States": states}))
            for name, states in case["children"].items()
        }
        if "children" in case
        else None,
        datasets={
            (place.split("/")[0], place.split("/", 1)[1]): text
            for place, text in case.get("datasets", {}).items()
        },
        limits=Limits(**case.get("limits", {})),
        evict=evict,
        type=case.get("type", "STANDARD"),
    ).run()


def told(result: Result) -> dict[str, Any]:
    return {
        "status": result.status.lower(),
        "output": result.output,
        "error": result.error,
        "cause": result.cause,
        "types": result.types,
        "previous": [record.previous for record in result.records],
        "exits": [
            shown["stateExitedEventDetails"]
            for shown in map(render, result.records)
            if "stateExitedEventDetails" in shown
        ],
        "waits_ms": result.waits_ms,
        "ended_ms": result.ended_ms - result.execution.started_ms,
        "tasks": len(result.tasks),
        "inputs": [task.input.value for task in result.tasks],
        "queues": [task.queue for task in result.tasks],
        "given": [child.records[0].details["input"].value for child in result.children],
        "children": [[child.status.lower(), child.output] for child in result.children],
    }
