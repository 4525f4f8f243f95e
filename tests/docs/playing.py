"""Plays what the documentation shows through the rehearsal, and tells in what way it comes out as it is told."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from engine.core.events import SignalReceived
from engine.core.records import render
from engine.documents import Document
from engine.language import check, read
from engine.language.expressions.values import equal
from engine.rehearsal import Answer, Fail, Given, Rehearsal, Result, Silence, Succeed
from tests.docs.pages import EXPRESSIONS, Block, Table, code

_PREFIX = re.compile(
    r"An error occurred while executing the state '[^']+' \(entered at the event id #\d+\)\. "
)
_ANSWER = re.compile(
    r"(gives|fails with) `([^`]*)`(?: \(`([^`]*)`\))?(?: after (\d+) s)?|(stays silent)"
)
_SIGNAL = re.compile(r"Signal `([^`]+)` after (\d+) s: `(.*)`")


def whole(text: str) -> dict[str, Any]:
    """A block as a definition. States that it leads to and does not show become ends."""
    document: dict[str, Any] = yaml.safe_load(text)
    if "StartAt" in document:
        return document
    named = {
        target
        for state in document.values()
        for part in (state, *state.get("Catch", ()), *state.get("Choices", ()))
        for target in (part.get("Next"), part.get("Default"))
        if target
    }
    ends = {name: {"Type": "Succeed"} for name in sorted(named - document.keys())}
    return {"StartAt": next(iter(document)), "States": {**document, **ends}}


class Expected:
    """What the list of an example says."""

    def __init__(self, told: list[str]) -> None:
        self.input: Any = {}
        self.answers: dict[str, list[Answer]] = {}
        self.given: list[Given] = []
        self.gets: dict[str, list[Any]] = {}
        self.outcome: dict[str, Any] = {}
        for item in told:
            self._read(item)

    def _read(self, item: str) -> None:
        if signal := _SIGNAL.fullmatch(item):
            event = SignalReceived(signal[1], "", Document.of(json.loads(signal[3])))
            self.given.append(Given(event, int(signal[2]) * 1000))
            return
        what, _, rest = item.partition(": ")
        if what == "Input":
            self.input = json.loads(code(rest))
        elif what in {"Output", "Waits", "Exits with", "Records", "Output like"}:
            self.outcome[what] = json.loads(code(rest))
        elif what in {"Error", "Cause", "Status"}:
            self.outcome[what] = code(rest)
        elif what.endswith(" gets"):
            self.gets.setdefault(code(what), []).append(json.loads(code(rest)))
        else:
            answers = [_answer(found) for found in _ANSWER.finditer(rest)]
            assert answers, f"not understood: {item}"
            assert what.startswith("`"), f"not understood: {item}"
            self.answers[code(what)] = answers


def _answer(found: re.Match[str]) -> Answer:
    what, value, cause, seconds, silent = found.groups()
    after_ms = int(seconds or 0) * 1000
    if silent:
        return Silence()
    if what == "gives":
        return Succeed(json.loads(value), after_ms)
    return Fail(value, cause, after_ms)


def play(definition: dict[str, Any], expected: Expected) -> Result:
    return Rehearsal(
        read(json.dumps(definition)),
        expected.input,
        answers=expected.answers,
        given=expected.given,
    ).run()


def told(result: Result) -> dict[str, Any]:
    """What can be said of a run, in the words of the lists."""
    exits = [shown.get("stateExitedEventDetails", {}) for shown in map(render, result.records)]
    assigned = [
        {name: json.loads(text) for name, text in details["assignedVariables"].items()}
        for details in exits
        if "assignedVariables" in details
    ]
    return {
        "Output": result.output,
        "Output like": result.output,
        "Error": result.error,
        "Cause": _PREFIX.sub("", result.cause or ""),
        "Status": result.status,
        "Waits": [wait / 1000 for wait in result.waits_ms],
        "Exits with": assigned,
        "Records": result.types,
    }


def differences(block: Block) -> list[str]:
    """In what an example comes out differently from what its list says."""
    expected = Expected(block.told)
    if not {"Output", "Output like", "Error", "Status"} & expected.outcome.keys():
        return [f"its list tells no outcome: {block.told}"]
    definition = whole(block.text) if block.kind == "yaml" else _evaluating("JSONata", block.text)
    if block.kind == "jsonata":
        expected.input = block.input
    result = play(definition, expected)
    seen = told(result)
    if block.kind == "jsonata" and result.status == "SUCCEEDED":
        seen["Output"] = result.output["r"]
    found = [
        f"{what}: told {value!r}, found {seen[what]!r}"
        for what, value in expected.outcome.items()
        if not _agree(value, seen[what], like=what == "Output like")
    ]
    if "Error" not in expected.outcome and result.error is not None:
        found.append(f"{result.error}: {result.cause}")
    for state, inputs in expected.gets.items():
        got = [task.input.value for task in result.tasks if task.state == state]
        if got != inputs:
            found.append(f"{state} gets {got}, not {inputs}")
    if result.left_behind:
        found.append(f"left behind: {result.left_behind}")
    return found


def _evaluating(language: str, text: str) -> dict[str, Any]:
    """A definition whose output has, as r, what an expression yields."""
    if language == "JSONPath":
        state: dict[str, Any] = {"Parameters": {"r.$": text}}
    else:
        state = {"QueryLanguage": "JSONata", "Output": {"r": f"{{% {text} %}}"}}
    return {"StartAt": "A", "States": {"A": {"Type": "Pass", **state, "End": True}}}


def misfit(table: Table, row: list[str]) -> str:
    """How an expression comes out differently from what its row says; "" where it does not."""
    text, wanted = code(row[0]), row[-1]
    definition = _evaluating(EXPRESSIONS[table.columns[0]], text)
    if wanted.startswith("refused"):
        problems = "\n".join(problem.message for problem in check(json.dumps(definition)))
        return "" if problems and _part(wanted) in problems else f"{text}: {problems or 'accepted'}"
    expected = Expected([])
    expected.input = table.input
    result = play(definition, expected)
    if wanted.startswith("fails"):
        cause = f"{result.error}: {result.cause}"
        return (
            ""
            if result.status == "FAILED" and _part(wanted) in cause
            else f"{text}: {cause} {result.output}"
        )
    if result.status != "SUCCEEDED":
        return f"{text}: {result.error} {result.cause}"
    found = result.output["r"]
    is_same = _agree(json.loads(code(wanted)), found, like=wanted.startswith("like"))
    return "" if is_same else f"{text}: {json.dumps(found)}, not {wanted}"


def _part(wanted: str) -> str:
    """What a cause or message has to hold."""
    return code(wanted) if "`" in wanted else ""


def _agree(told_value: Any, found: Any, *, like: bool) -> bool:
    if like:
        shape = re.compile(r"[0-9a-f]")
        return shape.sub("0", json.dumps(told_value)) == shape.sub("0", json.dumps(found))
    return equal(told_value, found)
