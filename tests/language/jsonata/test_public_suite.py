"""The public JSONata suite, run by the evaluator that expressions run on, with the library's own semantics.

Cases lie beside the checkout or at `DETENT_SHARED`. What misses is listed with its reason, and nothing else may.
"""

from __future__ import annotations

import json
import math
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonatapy
import pytest
from jsonata_cases import compiled, scope_with

from engine.language.expressions.faults import InvalidExpression, SyntaxFault
from engine.language.expressions.jsonata.syntax import parse
from engine.language.expressions.scope import ExpressionError
from engine.language.expressions.templates import Template

SHARED = Path(os.environ.get("DETENT_SHARED") or Path(__file__).parents[4] / "shared")
SUITE = SHARED / "jsonata-suite"
TIME_MS = 2_000

MISSING = "the shared JSONata suite is not there (../shared, or DETENT_SHARED)"
_NO_CODE = "refused, with a message of jsonatapy's own that has no code"
_OTHER_CODE = "stopped at the limit, under the code that later versions of jsonata-js have for it"
KNOWN = {
    "comments/case002-83": _NO_CODE,
    "function-encodeUrl/case002-405": _NO_CODE,
    "function-encodeUrlComponent/case002-408": _NO_CODE,
    "tail-recursion/case002-1529": _OTHER_CODE,
    "tail-recursion/case005-1532": _OTHER_CODE,
    "tail-recursion/case006-1533": _OTHER_CODE,
}
# Through the engine's own frame; what reads a context item at the top level does not compile there.
_EVAL = "$eval is off"
_CONTEXT = "a function takes the context item for a missing argument, and there is none"
_LIMIT = "stopped at a limit that is AWS's"
FRAMED = {
    "context/case000-142": _CONTEXT,
    "encoding/case001-183": _CONTEXT,
    "encoding/case003-185": _CONTEXT,
    "function-each/case002-401": _CONTEXT,
    "function-eval/case000-420": _EVAL,
    "function-eval/case002-422": _EVAL,
    "function-eval/case003-423": _EVAL,
    "function-eval/case006-426": _EVAL,
    "function-eval/case007-427": _EVAL,
    "function-eval/case008-0-428": _EVAL,
    "function-eval/case008-1-429": _EVAL,
    "function-eval/case008-2-430": _EVAL,
    "function-eval/case008-3-431": _EVAL,
    "function-sift/case000-900": _CONTEXT,
    "function-sift/case002-902": _CONTEXT,
    "function-signatures/case038-943": _CONTEXT,
    "function-string/case022-1006": _CONTEXT,
    "function-string/case029-1013": _CONTEXT,
    "function-trim/case002-1113": _CONTEXT,
    "lambdas/case005-1239": _CONTEXT,
    "range-operator/case021-1428": _LIMIT,
    "range-operator/case022-1429": _LIMIT,
    "range-operator/case023-1430": _LIMIT,
    "range-operator/case024-1431": _LIMIT,
    "tail-recursion/case001-1528": _LIMIT,
    "tail-recursion/case002-1529": _LIMIT,
    "tail-recursion/case005-1532": _LIMIT,
    "tail-recursion/case006-1533": _LIMIT,
}


@lru_cache(maxsize=1)
def suite() -> dict[str, dict[str, Any]]:
    if not (SUITE / "cases.json").exists():
        return {}
    found = json.loads((SUITE / "cases.json").read_text())
    return {f"{case['group']}/{case['case']}-{at}": case for at, case in enumerate(found)}


@lru_cache(maxsize=1)
def datasets() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SUITE / "datasets.json").read_text())
    return found


def outcome(case: dict[str, Any]) -> tuple[str, Any]:
    """What comes out: ("code", code), ("undefined", None) or ("value", value)."""
    data = datasets()[case["dataset"]] if case.get("dataset") else case.get("data")
    try:
        text = jsonatapy.compile(case["expr"]).evaluate_json_or_none(
            None if data is None and "data" not in case else json.dumps(data),
            case.get("bindings") or None,
            timeout=min(case.get("timelimit", TIME_MS), TIME_MS),
            max_stack_depth=case.get("depth", 200),
        )
    except ValueError as error:
        words = str(error).replace(":", " ").split()
        return "code", next((w for w in words if len(w) == 5 and w[1:].isdigit()), str(error))
    return ("undefined", None) if text is None else ("value", json.loads(text))


def expected(case: dict[str, Any]) -> tuple[str, Any]:
    if "code" in case or "error" in case:
        return "code", case.get("code") or case["error"]["code"]
    return ("undefined", None) if case.get("undefinedResult") else ("value", case["result"])


def equal(left: Any, right: Any) -> bool:
    if isinstance(left, float | int) and isinstance(right, float | int):
        return (
            left is right
            if bool in {type(left), type(right)}
            else math.isclose(left, right, rel_tol=1e-14)
        )
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return bool(left == right)


def is_met(case: dict[str, Any]) -> bool:
    (kind, found), (wanted_kind, wanted) = outcome(case), expected(case)
    if case.get("unordered") and isinstance(found, list) and isinstance(wanted, list):
        found, wanted = (sorted(each, key=json.dumps) for each in (found, wanted))
    return kind == wanted_kind and equal(found, wanted)


@pytest.mark.skipif(not suite(), reason=MISSING)
def test_the_suite_passes_but_for_what_is_known():
    missed = {name for name, case in suite().items() if not is_met(case)}
    assert missed == set(KNOWN)


@pytest.mark.skipif(not suite(), reason=MISSING)
def test_the_suite_is_whole():
    assert len(suite()) == 1_686


@pytest.mark.skipif(not suite(), reason=MISSING)
def test_what_the_evaluator_reads_the_parser_reads_too():
    refused = set()
    for name, case in suite().items():
        if expected(case)[0] != "code":
            try:
                parse(case["expr"])
            except SyntaxFault:
                refused.add(name)
    assert not refused


def framed_outcome(template: Template, case: dict[str, Any]) -> tuple[str, Any]:
    """As `outcome`, by a compiled template; a function, which has no JSON form, counts as null."""
    try:
        found = template.evaluate({"input": None}, scope_with(case.get("bindings") or {}))
    except ExpressionError as error:
        told = error.cause.partition("' specified for the field 'Output' ")[2]
        if told == "returned nothing (undefined).":
            return "undefined", None
        if told == "returned an unsupported result type.":
            return "value", None
        return "code", told.removeprefix("threw an error during evaluation. ")[:5]
    return "value", found


@pytest.mark.skipif(not suite(), reason=MISSING)
def test_the_frame_and_the_guards_change_nothing_but_what_they_are_for():
    missed, played = set(), 0
    for name, case in suite().items():
        try:
            template = compiled("{% " + case["expr"] + " %}")
        except InvalidExpression:
            continue
        played += 1
        (kind, found), (wanted_kind, wanted) = framed_outcome(template, case), expected(case)
        if kind != wanted_kind or not equal(found, wanted):
            missed.add(name)
    assert missed == set(FRAMED)
    assert played == 1_039
