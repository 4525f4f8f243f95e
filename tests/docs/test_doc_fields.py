"""The language reference tells every field, operator, function and name that there is, and none that there is not."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from engine.language import check
from engine.language.conventions import RESERVED_ERRORS
from engine.language.expressions.comparisons import OPERATORS
from engine.language.expressions.context import CONTEXT
from engine.language.expressions.functions import FUNCTIONS
from engine.language.expressions.jsonata.analysis import AWS_FUNCTIONS
from tests.docs.pages import LANGUAGE, ROOT, Table, code, codes, contents

SCHEMA = json.loads((ROOT / "schemas" / "state-machine.schema.json").read_text())
SHAPES: dict[str, dict[str, Any]] = SCHEMA["definitions"]
STATES = [kind for kind in SHAPES if "const" in SHAPES[kind].get("properties", {}).get("Type", {})]

# Which table tells the fields of which part of the schema: its page and the heading it stands under.
TABLES = {
    "machine": ("machine", "The machine"),
    **{kind: (kind.lower(), kind) for kind in STATES},
    "Detent": ("detent", "Detent"),
    "Branch": ("parallel", "Fields of a branch"),
    "Processor": ("map", "Fields of a processor"),
    **{
        part: ("distributed-map", part)
        for part in ("ItemReader", "ReaderConfig", "ItemBatcher", "ResultWriter")
    },
    "Retrier": ("errors", "Retry"),
    "Catcher": ("errors", "Catch"),
}


def table(page: str, heading: str) -> Table:
    tables = contents(LANGUAGE / f"{page}.md")[1]
    (found,) = (each for each in tables if each.heading == heading and each.columns[0] == "Field")
    return found


def fields(page: str, heading: str) -> dict[str, list[str]]:
    """The rows of a table of fields, by field; a row can tell several."""
    told: dict[str, list[str]] = {}
    for row in table(page, heading).rows:
        for name in codes(row[0]):
            assert name not in told, f"{name} is told twice"
            told[name] = row
    return told


def properties(part: str) -> dict[str, Any]:
    found: dict[str, Any] = (SCHEMA if part == "machine" else SHAPES[part])["properties"]
    return found


@pytest.mark.parametrize("part", TABLES)
def test_every_field_of_the_schema_is_told_and_no_other(part):
    assert fields(*TABLES[part]).keys() == properties(part).keys()


def test_every_field_and_operator_of_a_rule_is_told_and_no_other():
    told = {**fields("choice", "Fields of a rule"), **fields("choice", "Operators")}
    assert told.keys() == properties("Rule").keys()
    assert fields("choice", "Operators").keys() == {*OPERATORS}


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d[\d,]*\d|\d", text))


@pytest.mark.parametrize("part", TABLES)
def test_bounds_and_choices_of_a_field_are_told_beside_it(part):
    told = fields(*TABLES[part])
    for name, shape in properties(part).items():
        cell = told[name][2]
        for bound in ("minimum", "maximum", "maxLength"):
            if bound in shape:
                assert f"{shape[bound]:,}" in numbers(cell), f"{name}: {bound}"
        for value in shape.get("enum", ()):
            assert value in cell, f"{name}: {value}"


@pytest.mark.parametrize("part", TABLES)
def test_a_field_that_must_be_there_is_told_to_be_required(part):
    told = fields(*TABLES[part])
    for name in (SCHEMA if part == "machine" else SHAPES[part]).get("required", ()):
        if name != "Type":
            assert told[name][3] == "required", name


SAMPLES: dict[str, str] = {
    "Pass": "{Type: Pass, End: true}",
    "Task": "{Type: Task, Resource: 'activity:a', End: true}",
    "Choice": "{Type: Choice, Choices: []}",
    "Wait": "{Type: Wait, End: true}",
    "Succeed": "{Type: Succeed}",
    "Fail": "{Type: Fail}",
    "Parallel": "{Type: Parallel, Branches: [], End: true}",
    "Map": "{Type: Map, End: true}",
}


def is_foreign(kind: str, field: str, language: str) -> bool:
    """Whether the engine says that the field belongs to the other language; the value must be of a right type for that."""
    state = {**yaml.safe_load(SAMPLES[kind]), "QueryLanguage": language}
    values = [state[field]] if field in state else ["$.x", {}, [], 1]
    return any(
        problem.code == "wrong_query_language" and problem.pointer == f"/States/A/{field}"
        for value in values
        for problem in check(json.dumps({"StartAt": "A", "States": {"A": {**state, field: value}}}))
    )


@pytest.mark.parametrize("kind", STATES)
def test_the_language_of_a_field_is_told_as_the_engine_has_it(kind):
    for name, row in fields(*TABLES[kind]).items():
        for language in ("JSONPath", "JSONata"):
            wanted = row[1] not in {"both", language}
            assert is_foreign(kind, name, language) == wanted, f"{name} in {language}"


def test_the_table_of_which_state_has_which_field_is_right():
    matrix = next(t for t in contents(LANGUAGE / "README.md")[1] if "Succeed" in t.columns)
    for row in matrix.rows:
        having = {kind for kind, cell in zip(matrix.columns, row, strict=True) if cell == "yes"}
        assert having == {kind for kind in STATES if code(row[0]) in properties(kind)}


def test_every_intrinsic_function_has_an_example():
    tables = contents(LANGUAGE / "intrinsic-functions.md")[1]
    called = {code(row[0]).partition("(")[0] for each in tables for row in each.rows}
    assert called == FUNCTIONS.keys()


def test_every_function_that_aws_adds_to_jsonata_has_an_example():
    tables = contents(LANGUAGE / "jsonata.md")[1]
    (functions,) = (each for each in tables if each.heading == "Functions")
    called = {code(row[0]).partition("(")[0] for row in functions.rows}
    assert called == {f"${name}" for name in AWS_FUNCTIONS} | {"$eval"}


def test_every_reserved_error_is_told():
    page = (LANGUAGE / "errors.md").read_text()
    assert [name for name in RESERVED_ERRORS if f"`{name}`" not in page] == []


def paths(part: Any, before: str = "") -> set[str]:
    """The leaves of the Context Object, as the table writes them."""
    if not part:
        return {before}
    return {leaf for name in part for leaf in paths(part[name], f"{before}.{name}".lstrip("."))}


def test_every_part_of_the_context_object_is_told_and_no_other():
    (told,) = (t for t in contents(LANGUAGE / "context-object.md")[1] if t.columns[1] == "Type")
    assert {name for row in told.rows for name in codes(row[0])} == paths(CONTEXT)
