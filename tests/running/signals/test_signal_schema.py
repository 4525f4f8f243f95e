"""The schema of a payload: what is refused at publish, and what checking can cost at most."""

from __future__ import annotations

import json

import pytest

from engine.documents import Document
from engine.language import examine
from engine.language.schema.payload import (
    FAULTS_MAX,
    SCHEMA_BYTES_MAX,
    WORK_MAX,
    InvalidSchema,
    compile_schema,
)

DOUBLING = {f"l{n}": {"anyOf": [{"$ref": f"#/$defs/l{n + 1}"}] * 2} for n in range(30)} | {
    "l30": {}
}
REFUSED = [
    (True, (), "object"),
    ({"type": "objekt"}, ("type",), "objekt"),
    ({"items": {"minimum": "x"}}, ("items", "minimum"), "number"),
    ({"$schema": "http://json-schema.org/draft-07/schema#"}, ("$schema",), "2020-12"),
    ({"$id": "https://example.com/a"}, ("$id",), "not supported"),
    ({"$defs": {"a": {"$anchor": "x"}}}, ("$defs", "a", "$anchor"), "not supported"),
    ({"$ref": "https://example.com/a"}, ("$ref",), "Nothing is fetched"),
    ({"$ref": "other.json"}, ("$ref",), "Nothing is fetched"),
    ({"$ref": "#/$defs/none"}, ("$ref",), "nowhere"),
    ({"items": {"$ref": "#"}}, ("items", "$ref"), "contain itself"),
    (
        {"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}},
        ("$defs", "a", "not", "$ref"),
        "contain itself",
    ),
    ({"$ref": "#/$defs/l0", "$defs": DOUBLING}, (), "parts"),
    ({"pattern": "(?=a)b"}, ("pattern",), "pattern"),
    ({"pattern": r"(a)\1"}, ("pattern",), "pattern"),
    ({"pattern": "("}, ("pattern",), ""),
    ({"patternProperties": {"(?<!a)b": {}}}, ("patternProperties",), ""),
    ({"pattern": "(a{1,1000}){1,1000}"}, (), "parts"),
    ({"enum": ["x" * SCHEMA_BYTES_MAX]}, (), "larger"),
    ({"properties": {"a": {"const.$": "$.x"}}}, ("properties", "a", "const.$"), "paths"),
    ({"const": "{% $states.input %}"}, ("const",), "expressions"),
]


@pytest.mark.parametrize(("schema", "path", "told"), REFUSED)
def test_a_schema_that_cannot_be_checked_against_is_refused_where_it_is_wrong(schema, path, told):
    with pytest.raises(InvalidSchema) as refused:
        compile_schema(schema)
    found, message = refused.value.faults[0]
    assert found[: len(path)] == path
    assert told in message


def test_everything_wrong_with_a_schema_is_told_at_once_but_not_without_end():
    with pytest.raises(InvalidSchema) as refused:
        compile_schema({"properties": {str(n): {"type": "nothing"} for n in range(50)}})
    assert len(refused.value.faults) == FAULTS_MAX


@pytest.mark.parametrize(
    ("schema", "fits", "fails"),
    [
        ({"properties": {"$id": {"type": "string"}, "a.b": {}}}, {"$id": "x"}, {"$id": 1}),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null"}}}, None, 1),
        ({"type": "integer"}, 10**30, 1.5),
        ({"pattern": "^[A-Z]{2}[0-9]+$"}, "DE123", "de123"),
        ({"type": "string", "format": "date"}, "no date", 1),
        ({"unevaluatedProperties": False, "properties": {"a": {}}}, {"a": 1}, {"b": 1}),
        ({"uniqueItems": True}, [1, "1", [1]], [1, 1.0]),
    ],
)
def test_payloads_are_judged_as_json_schema_says(schema, fits, fails):
    made = compile_schema(schema)
    assert made.faults(Document.of(fits)) == ()
    assert made.faults(Document.of(fails))


def test_what_is_wrong_is_told_by_place_without_showing_the_payload_and_not_without_end():
    made = compile_schema({"items": {"type": "object", "required": ["id"]}})
    [first, second] = made.faults(Document.of([{"id": 1}, "secret", {}]))
    assert (first.pointer, second.pointer) == ("/1", "/2")
    assert "secret" not in first.message
    assert len(made.faults(Document.of(["secret"] * 500))) == FAULTS_MAX


def test_a_payload_that_would_take_too_long_to_check_does_not_fit():
    made = compile_schema({"items": {"allOf": [{"type": "number"}] * 500}})
    most = WORK_MAX // made.weight
    assert made.faults(Document.of([1] * (most // 2 - 2))) == ()
    [fault] = made.faults(Document.of([1] * most))
    assert str(most) in fault.message


def test_weight_counts_a_part_as_often_as_it_is_referred_to():
    shared = {"type": "object", "properties": {"a": {"type": "string"}}}
    once = compile_schema({"$ref": "#/$defs/s", "$defs": {"s": shared}}).weight
    refs = [{"$ref": "#/$defs/s"}] * 10
    assert compile_schema({"allOf": refs, "$defs": {"s": shared}}).weight >= 10 * (once - 1)
    assert compile_schema({"$defs": {"s": shared}}).weight < once


def definition(parameters, **more):
    task = {"Type": "Task", "Resource": "signal:go", "Parameters": parameters, "End": True}
    return json.dumps({"StartAt": "A", "States": {"A": task | more}}).encode()


def test_the_problems_of_a_schema_stand_at_their_place_in_the_definition():
    _, problems = examine(definition({"Schema": {"properties": {"a": {"type": "objekt"}}}}))
    assert [(each.code, each.pointer) for each in problems] == [
        ("invalid_schema", "/States/A/Parameters/Schema/properties/a/type")
    ]
    _, problems = examine(definition({"Schema.$": "$.schema"}))
    assert [each.code for each in problems] == ["invalid_schema"]


def test_the_schema_is_no_part_of_what_is_recorded_and_other_tasks_may_have_a_field_of_that_name():
    machine, problems = examine(definition({"Schema": {"type": "object"}, "note.$": "$.note"}))
    assert (problems, machine.listening) == ((), {"go": ("A",)})
    assert machine.states["A"].schema.text == b'{"type":"object"}'
    assert (
        b"Schema"
        not in Document.of(machine.states["A"].parameters.evaluate({"note": 1}, None)).text
    )
    machine, problems = examine(definition({"Schema": "x"}, Resource="activity:pay"))
    assert (problems, machine.states["A"].schema, machine.listening) == ((), None, {})
