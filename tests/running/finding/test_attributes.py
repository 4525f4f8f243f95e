"""Search attributes: what of an execution's data sets them, and when."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import structs

from engine.core.attributes import updated
from engine.core.draft import Draft
from engine.core.events import Advance, Begin, SignalReceived, StopRequested
from engine.core.execution import Execution
from engine.core.limits import DEFAULT
from engine.core.transition import transition
from engine.documents import Document
from engine.language import read
from engine.language.expressions.scope import ENDURING
from engine.language.machine import Machine

ASK = {"Ask": {"Type": "Task", "Resource": "signal:go", "End": True}}


def machine(states: dict[str, Any], **declared: str) -> Machine:
    detent = {"Detent": {"SearchAttributes": declared}} if declared else {}
    return read(json.dumps({"StartAt": next(iter(states)), "States": states, **detent}))


def begun(of: Machine, given: Any) -> Execution:
    execution = Execution("d:n", "d", "n", 1, b"seed" * 4, 1000, input=Document.of(given))
    return transition(of, execution, Begin(), 1000).execution


def gone_on(of: Machine, execution: Execution) -> Execution:
    while execution.ready:
        execution = transition(of, execution, Advance(execution.ready[0]), 1000).execution
    return execution


def found(value: Any, before: dict[str, Any] | None = None) -> Any:
    declared = machine(ASK, a="$.a").keeping.search_attributes
    return updated(declared, Document.of({"a": value}), before or {}).get("a")


@pytest.mark.parametrize("value", ["text", "", 7, -1, 2**64 - 1, -(2**63), 1.5, True, False])
def test_a_text_a_number_or_a_boolean_sets_the_attribute(value):
    assert found(value) == value
    assert type(found(value)) is type(value)


@pytest.mark.parametrize("value", [None, [], {}, [1], {"x": 1}, 10**400])
def test_anything_else_leaves_the_attribute_as_it_was(value):
    assert found(value) is None
    assert found(value, {"a": "before"}) == "before"


def test_of_a_text_the_first_128_characters_count_and_of_a_large_number_the_nearest_double():
    assert found("é" * 200) == "é" * 128
    assert found(2**64) == float(2**64)
    assert found(-(2**63) - 1) == -float(2**63)


def test_true_and_1_are_two_values_though_python_has_them_equal():
    assert found(True, {"a": 1}) is True
    assert found(1, {"a": True}) == 1


def test_the_same_values_again_change_nothing_so_that_no_index_is_written():
    declared = machine(ASK, a="$.a", b="$.b").keeping.search_attributes
    before = {"a": 1}
    assert updated(declared, Document.of({"a": 1}), before) is before


def test_attributes_are_those_of_the_input_from_the_first_transition_on():
    begun_ = begun(machine(ASK, customer="$.customer.id"), {"customer": {"id": "c-7"}})
    assert begun_.attributes == {"customer": "c-7"}


def test_an_execution_that_is_stopped_before_it_begins_has_those_of_its_input():
    of = machine(ASK, a="$.a")
    execution = Execution("d:n", "d", "n", 1, b"seed" * 4, 1000, input=Document.of({"a": 1}))
    stopped = transition(of, execution, StopRequested(), 1000).execution
    assert (stopped.status, stopped.attributes) == ("ABORTED", {"a": 1})


def test_each_state_that_hands_on_other_data_and_the_output_set_them_anew():
    states = {
        "A": {"Type": "Pass", "Parameters": {"step": "b", "kept.$": "$.kept"}, "Next": "B"},
        "B": {"Type": "Pass", "Parameters": {"step": "end"}, "End": True},
    }
    of = machine(states, step="$.step", kept="$.kept")
    first = begun(of, {"step": "a", "kept": 1})
    assert first.attributes == {"step": "a", "kept": 1}
    second = transition(of, first, Advance("0"), 1000).execution
    assert second.attributes == {"step": "b", "kept": 1}
    closed = gone_on(of, second)
    assert (closed.status, closed.attributes) == ("SUCCEEDED", {"step": "end", "kept": 1})


def test_what_a_signal_brings_sets_them():
    states = {"Ask": {"Type": "Task", "Resource": "signal:go", "ResultPath": "$.by", "Next": "End"}}
    of = machine(states | {"End": {"Type": "Succeed"}}, by="$.by.name")
    waiting = begun(of, {})
    assert waiting.attributes == {}
    event = SignalReceived("go", "1", Document.of({"name": "ann"}))
    assert transition(of, waiting, event, 1000).execution.attributes == {"by": "ann"}


def test_data_inside_branches_counts_only_once_it_is_handed_on():
    branch = {
        "StartAt": "I",
        "States": {"I": {"Type": "Pass", "Result": {"a": "in"}, "End": True}},
    }
    states = {
        "P": {"Type": "Parallel", "Branches": [branch], "OutputPath": "$[0]", "Next": "End"},
        "End": {"Type": "Succeed"},
    }
    of = machine(states, a="$.a")
    execution = begun(of, {"a": "out"})
    seen = [execution.attributes["a"]]
    while execution.ready:
        execution = transition(of, execution, Advance(execution.ready[0]), 1000).execution
        seen.append(execution.attributes["a"])
    assert sorted(set(seen), key=seen.index) == ["out", "in"]
    assert seen.index("in") >= 2


def test_a_definition_without_attributes_keeps_the_very_same_value_and_reads_no_data():
    of = machine(ASK)
    unread = Document.from_text(b"this is not JSON")
    execution = Execution("d:n", "d", "n", 1, b"seed" * 4, 1000, input=unread)
    draft = Draft(of, execution, 1000, DEFAULT, ENDURING)
    assert draft.finish().execution.attributes is execution.attributes


def test_an_execution_that_moves_to_a_version_with_other_attributes_has_them_at_once():
    old, new = machine(ASK), machine(ASK, a="$.a")
    execution = begun(old, {"a": 1})
    draft = Draft(old, execution, 1000, DEFAULT, ENDURING)
    draft.version, draft.machine = 2, new
    assert draft.finish().execution.attributes == {"a": 1}
    back = Draft(new, structs.replace(execution, attributes={"a": 1}), 1000, DEFAULT, ENDURING)
    back.version, back.machine = 1, old
    assert back.finish().execution.attributes == {"a": 1}
