"""Every path, template and rule that people wrote in public definitions compiles.

Reads the definitions in `../shared`, or where DETENT_SHARED points; skipped without them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.language.expressions.conditions import compile_condition
from engine.language.expressions.paths import parse_path, parse_reference_path
from engine.language.expressions.templates import compile_template, compile_value

ROOT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("DETENT_SHARED", ROOT.parent / "shared"))
DEFINITIONS = SHARED / "real-definitions" / "definitions.json"

TEMPLATES = ("Parameters", "ItemSelector", "ResultSelector", "BatchInput")
PATHS = ("InputPath", "OutputPath")
REFERENCES = (
    "ResultPath",
    "ItemsPath",
    "SecondsPath",
    "TimestampPath",
    "TimeoutSecondsPath",
    "HeartbeatSecondsPath",
    "MaxConcurrencyPath",
)


def compile_field(name: str, value: Any) -> int:
    """Compile what the field holds; return how many expressions that were."""
    if name == "Choices":
        return len([compile_condition(rule) for rule in value])
    if name in TEMPLATES:
        compile_template(value, field=name)
    elif name in PATHS and value is not None:
        parse_path(value)
    elif name in REFERENCES and value is not None:
        parse_reference_path(value)
    elif name in ("ErrorPath", "CausePath"):
        compile_value(value, field=name)
    else:
        return 0
    return 1


def fields(node: Any, language: str) -> Iterator[tuple[str, Any]]:
    """The fields of states in JSONPath mode, at every depth."""
    if isinstance(node, list):
        for element in node:
            yield from fields(element, language)
    if not isinstance(node, dict):
        return
    language = node.get("QueryLanguage", language)
    for name, value in node.items():
        if language == "JSONPath":
            yield name, value
        if name not in (*TEMPLATES, "Choices"):
            yield from fields(value, language)


@pytest.mark.skipif(not DEFINITIONS.exists(), reason=f"{DEFINITIONS} is not there")
def test_all_expressions_of_the_public_definitions_compile():
    compiled, refused = 0, []
    for entry in json.loads(DEFINITIONS.read_text()):
        for name, value in fields(entry["definition"], "JSONPath"):
            try:
                compiled += compile_field(name, value)
            except ValueError as error:
                refused.append((entry["source"], name, str(error)))
    assert refused == []
    assert compiled > 1000
