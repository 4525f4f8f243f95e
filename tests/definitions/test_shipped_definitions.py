"""The shipped definitions: valid without a warning, and run to every one of their ends in virtual time.

`cases/<definition>.yaml` holds the cases of one definition; weeks pass in no time. What a case expects:

    ends_in        the last state entered          status, error, cause   of the execution
    tasks          states whose tasks were handed out, attempt by attempt
    waits_seconds  pauses before retries           days    from start to end, whole days; or seconds
    output         part of the output: objects may hold more than is said here
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from engine.core.events import SignalReceived
from engine.documents import Document
from engine.language import check, read
from engine.rehearsal import Given, Rehearsal, given_answers

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "definitions"
DEFINITIONS = sorted(path.stem for path in FOLDER.glob("*.yaml"))
DAY_MS = 86_400_000
START_MS = 1_767_225_600_000


def tables():
    for name in DEFINITIONS:
        path = Path(__file__).parent / "cases" / f"{name}.yaml"
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield name, table


CASES = [(name, table["answers"], case) for name, table in tables() for case in table["cases"]]


@functools.cache
def machine_of(name):
    return read((FOLDER / f"{name}.yaml").read_bytes())


def after_ms(signal):
    if "after_seconds" in signal:
        return round(signal["after_seconds"] * 1000)
    return signal["after_days"] * DAY_MS + 1000


def rehearse(name, answers, case):
    sample = FOLDER / "samples" / name / f"{case['sample']}.json"
    given = [
        Given(
            SignalReceived(signal["send"], f"s{number}", Document.of(signal.get("payload"))),
            after_ms=after_ms(signal),
        )
        for number, signal in enumerate(case.get("signals", ()))
    ]
    return Rehearsal(
        machine_of(name),
        json.loads(sample.read_text(encoding="utf-8")),
        answers=given_answers({**answers, **case.get("answers", {})}),
        given=given,
        start_ms=START_MS,
    ).run()


def entered(result):
    return [
        record.details["name"] for record in result.records if record.type.endswith("StateEntered")
    ]


def holds(found, expected):
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(key in found and holds(found[key], value) for key, value in expected.items())
    return found == expected


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_shipped_definition_validates_without_problems_or_warnings(name):
    assert check((FOLDER / f"{name}.yaml").read_bytes(), "yaml") == ()


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_shipped_definition_fits_the_published_schema_that_editors_use(name):
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../schemas/state-machine.schema.json\n")
    schema = json.loads((ROOT / "schemas/state-machine.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(yaml.safe_load(text), schema)


@pytest.mark.parametrize(
    ("name", "answers", "case"), CASES, ids=[f"{n}: {c['name']}" for n, _, c in CASES]
)
def test_a_case_ends_as_told(name, answers, case):
    result = rehearse(name, answers, case)
    found = {
        "ends_in": entered(result)[-1],
        "status": result.status,
        "error": result.error,
        "cause": result.cause,
        "tasks": [task.state for task in result.tasks],
        "waits_seconds": [wait / 1000 for wait in result.waits_ms],
        "days": (result.ended_ms - START_MS) // DAY_MS,
        "seconds": (result.ended_ms - START_MS) / 1000,
    }
    expected = dict(case["expect"])
    assert holds(result.output, expected.pop("output", result.output))
    assert {key: found[key] for key in expected} == expected
    assert result.left_behind == []


@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_cases_of_a_definition_visit_every_state_and_so_every_end(name):
    visited = {
        state
        for owner, answers, case in CASES
        if owner == name
        for state in entered(rehearse(name, answers, case))
    }
    assert visited == set(machine_of(name).states)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_sample_is_used_by_a_case(name):
    samples = {path.stem for path in (FOLDER / "samples" / name).glob("*.json")}
    assert samples == {case["sample"] for owner, _, case in CASES if owner == name}
