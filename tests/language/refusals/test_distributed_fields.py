"""The fields of a distributed Map: refused as AWS refuses them, and accepted where it accepts them."""

from __future__ import annotations

import json

import pytest

from engine.language import check
from engine.language.diagnostics import diagnostics
from engine.language.resources.express import examine_as
from tests.language.refusals.distributed import ACCEPTED, REFUSALS


def errors(definition):
    found = check(json.dumps(definition), "json")
    return [p for p in found if p.severity == "error"]


def lines(definition) -> list[str]:
    return [f"{d.code}: {d.message} at {d.location}" for d in diagnostics(errors(definition))]


@pytest.mark.parametrize(
    ("definition", "expected"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS]
)
def test_a_refusal_reads_as_on_aws(definition, expected):
    assert lines(definition) == expected


@pytest.mark.parametrize("definition", ACCEPTED.values(), ids=ACCEPTED)
def test_what_aws_accepts_is_accepted(definition):
    assert errors(definition) == []


def test_a_problem_stands_at_the_field_that_is_wrong():
    found = {
        title: [(p.code, p.pointer) for p in errors(definition)]
        for title, definition, _ in REFUSALS
    }
    assert found["Label of an inline Map"] == [("distributed_only", "/States/S/Label")]
    assert found["a label twice"] == [("duplicate_label", "/States/T/Label")]
    assert found["label 'a b'"] == [("invalid_label", "/States/S/Label")]
    assert found["inventory with InputType"] == [
        ("invalid_reader", "/States/S/ItemReader/ReaderConfig/InputType")
    ]


WRONG = [None, 5, "", "{% bad", "$$.a", [], [[]], {"a.$": 5}]


def parts(document, path=()):
    """The path of everything inside."""
    entries = document.items() if isinstance(document, dict) else enumerate(document)
    for step, inner in entries:
        yield (*path, step)
        if isinstance(inner, dict | list):
            yield from parts(inner, (*path, step))


@pytest.mark.parametrize("definition", ACCEPTED.values(), ids=ACCEPTED)
def test_whatever_stands_in_a_field_there_is_an_answer(definition):
    text = json.dumps(definition)
    for path in parts(definition):
        for wrong in WRONG:
            damaged = json.loads(text)
            holder = damaged
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = wrong
            machine, problems = examine_as("STANDARD", json.dumps(damaged), "json")
            assert (machine is None) == any(p.severity == "error" for p in problems)
            assert (machine is None) == any(d.severity == "ERROR" for d in diagnostics(problems))
