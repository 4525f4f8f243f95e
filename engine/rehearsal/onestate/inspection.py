"""What a test of a state shows of the way its data took. Which fields a state shows is AWS's choice, as measured.

Fields that a state does not have are shown where the data comes past their place, as the data that they leave alone;
those after a failure are not. A Parallel and a Map show no Parameters and no result, in JSONata hardly anything is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.documents import Document
from engine.language.machine import Pass, State

_MAP = {
    "ItemsPointer": "afterItemsPointer",
    "ItemSelector": "afterItemSelector",
    "ItemBatcher": "afterItemBatcher",
    "MaxConcurrency": "maxConcurrency",
    "ToleratedFailureCount": "toleratedFailureCount",
    "ToleratedFailurePercentage": "toleratedFailurePercentage",
}
_INPUT = {"InputPath": "afterInputPath"}
_RESULT = {"ResultSelector": "afterResultSelector", "ResultPath": "afterResultPath"}
_WORK = {"Result": "result"}
_PARAMETERS = {"Parameters": "afterParameters"}

# By query language and type of state: the notes that are shown, and what AWS calls them.
_SHOWN: dict[tuple[str, str], dict[str, str]] = {
    ("JSONPath", "Pass"): {**_INPUT, **_PARAMETERS, **_WORK, **_RESULT},
    ("JSONPath", "Task"): {**_INPUT, **_PARAMETERS, **_WORK, **_RESULT},
    ("JSONPath", "Map"): {**_INPUT, "Items": "afterItemsPath", **_MAP, **_RESULT},
    ("JSONPath", "Parallel"): _RESULT,
    ("JSONPath", "Choice"): _INPUT,
    ("JSONPath", "Wait"): _INPUT,
    ("JSONPath", "Succeed"): _INPUT,
    ("JSONPath", "Fail"): _INPUT,
    ("JSONata", "Task"): {"Arguments": "afterArguments", **_WORK},
    ("JSONata", "Map"): _MAP,
}


def inspection(
    state: State,
    raw: Document,
    notes: Mapping[str, Any],
    variables: Mapping[str, Document],
    error_details: Mapping[str, int],
) -> dict[str, Any]:
    """Documents and numbers, by AWS's names. `variables` are those that are set once the state has been left."""
    shown = _SHOWN.get((state.query_language, state.type), {})
    if isinstance(state, Pass) and state.query_language == "JSONPath":
        notes = _steps(state, raw, notes)
    found: dict[str, Any] = {"input": raw}
    for note, name in shown.items():
        value = notes.get(note)
        if isinstance(value, list | dict):
            value = Document.of(value)
        if value is not None:
            found[name] = value
    if variables:
        found["variables"] = Document.of({name: each.value for name, each in variables.items()})
    if error_details:
        found["errorDetails"] = dict(error_details)
    return found


def _steps(state: Pass, raw: Document, noted: Mapping[str, Any]) -> dict[str, Any]:
    """All steps of a Pass as far as it came: it notes only those that it has a field for, and Result is in the definition.

    It shows a ResultSelector, which it cannot have, and beside Result no input (measured).
    """
    notes = dict(noted)
    if state.result is not None:
        notes["Result"] = notes["ResultSelector"] = state.result
    else:
        if state.input_path is None:
            notes["InputPath"] = raw
        if state.parameters is None and "InputPath" in notes:
            notes["Parameters"] = notes["InputPath"]
        notes["ResultSelector"] = notes.get("Parameters")
    if state.result_path is None:
        notes["ResultPath"] = notes["ResultSelector"]
    return notes
