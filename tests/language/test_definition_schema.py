"""The published schema: what editors see, and that it says no more and no less than the engine."""

from __future__ import annotations

import json

import jsonschema
from language_cases import ROOT

from engine.language import check
from engine.language.expressions.conditions import OPERATORS
from tests.language.refusals.distributed import ACCEPTED

SCHEMA = json.loads((ROOT / "schemas" / "state-machine.schema.json").read_text(encoding="utf-8"))
TYPES = SCHEMA["definitions"]["State"]["properties"]["Type"]["enum"]


def test_the_schema_is_valid_and_knows_exactly_the_operators_of_the_engine():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    fields = set(SCHEMA["definitions"]["Condition"]["properties"])
    assert fields == {*OPERATORS, "And", "Or", "Not", "Variable", "Comment"}
    alternatives = {one["required"][0] for one in SCHEMA["definitions"]["OneOperator"]["oneOf"]}
    assert alternatives == {*OPERATORS, "And", "Or", "Not"}
    assert set(SCHEMA["definitions"]["Rule"]["properties"]) == fields | {
        "Next",
        "Condition",
        "Output",
        "Assign",
    }


def test_every_field_of_a_state_is_described_for_editors():
    definitions = SCHEMA["definitions"]
    for kind in TYPES:
        for name, field in definitions[kind]["properties"].items():
            target = definitions[field["$ref"].rpartition("/")[2]] if "$ref" in field else field
            assert target.get("description"), (kind, name)
    for kind in ("ItemReader", "ReaderConfig", "ItemBatcher", "ResultWriter"):
        for name, field in definitions[kind]["properties"].items():
            target = definitions[field["$ref"].rpartition("/")[2]] if "$ref" in field else field
            assert target.get("description"), (kind, name)


def test_the_schema_takes_every_distributed_map_that_the_engine_takes():
    validator = jsonschema.Draft7Validator(SCHEMA)
    for title, definition in ACCEPTED.items():
        assert [error.message for error in validator.iter_errors(definition)] == [], title


def test_the_schema_and_the_engine_agree_on_its_own_examples():
    for example in SCHEMA["examples"]:
        assert check(json.dumps(example)) == ()
