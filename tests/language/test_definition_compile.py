"""The compiled machine: defaults, what each state reads, and the same machine from either notation."""

from __future__ import annotations

import json
import time

import pytest
import yaml
from language_cases import real_definitions

from engine.documents import Document
from engine.language import examine, read
from engine.language.expressions.paths import Path
from engine.language.expressions.scope import Scope
from engine.language.machine import (
    DISCARD,
    Catcher,
    Choice,
    Fail,
    Map,
    Parallel,
    Pass,
    Retrier,
    Succeed,
    Task,
    Wait,
)
from engine.language.version import canonical, content_hash

DEFINITION = """
Comment: An order.
StartAt: Charge
TimeoutSeconds: 3600
States:
  Charge:
    Type: Task
    Resource: activity:charge
    InputPath: $.order
    OutputPath: null
    Parameters: {id.$: $.id, run.$: $$.Execution.Id}
    ResultSelector: {paid.$: $.ok}
    ResultPath: $.payment
    TimeoutSeconds: 60
    HeartbeatSecondsPath: $.beat
    Retry:
    - {ErrorEquals: [Declined, Busy], IntervalSeconds: 2, MaxAttempts: 0, BackoffRate: 1.5, MaxDelaySeconds: 9, JitterStrategy: FULL}
    - {ErrorEquals: [States.ALL]}
    Catch:
    - {ErrorEquals: [States.Timeout], Next: Failed, ResultPath: null}
    - {ErrorEquals: [States.ALL], Next: Failed, ResultPath: $.error}
    Next: Decide
  Decide:
    Type: Choice
    Choices:
    - {Variable: $$.Execution.Input.fast, BooleanEquals: true, Next: Items}
    Default: Pause
  Pause: {Type: Wait, SecondsPath: $.delay, Next: Items}
  Items:
    Type: Map
    ItemsPath: $.items
    MaxConcurrency: 0
    ItemSelector: {item.$: $$.Map.Item.Value}
    ItemProcessor:
      StartAt: Both
      States:
        Both:
          Type: Parallel
          Branches:
          - {StartAt: Left, States: {Left: {Type: Pass, Result: [1, null], End: true}}}
          - {StartAt: Right, States: {Right: {Type: Pass, Parameters: {n.$: $$.Map.Item.Index}, ResultPath: null, End: true}}}
          End: true
    Next: Done
  Done: {Type: Succeed, InputPath: null}
  Failed: {Type: Fail, Error: Order, CausePath: $.error.Cause}
"""


@pytest.fixture(scope="module")
def machine():
    return read(DEFINITION)


def test_the_machine_has_every_state_at_every_depth(machine):
    assert machine.start_at == "Charge"
    assert machine.comment == "An order."
    assert machine.timeout_seconds == 3600
    kinds = {name: type(state) for name, state in machine.states.items()}
    assert kinds == {
        "Charge": Task, "Decide": Choice, "Pause": Wait, "Items": Map, "Done": Succeed, "Failed": Fail,
        "Both": Parallel, "Left": Pass, "Right": Pass,
    }  # fmt: skip
    assert all(state.type == type(state).__name__ for state in machine.states.values())
    assert machine.parents == {"Both": "Items", "Left": "Both", "Right": "Both"}
    assert (
        machine.states["Right"].pointer
        == "/States/Items/ItemProcessor/States/Both/Branches/1/States/Right"
    )


def test_a_task_keeps_what_was_written_and_fills_in_the_defaults(machine):
    state = machine.states["Charge"]
    assert state.next == "Decide"
    assert state.input_path.text == "$.order"
    assert state.output_path is DISCARD
    assert state.timeout_seconds == 60
    assert isinstance(state.heartbeat_seconds, Path)
    assert state.retry == (
        Retrier(
            error_equals=frozenset({"Declined", "Busy"}),
            interval_seconds=2,
            attempts_max=0,
            backoff_rate=1.5,
            delay_seconds_max=9,
            jitter_full=True,
        ),
        Retrier(error_equals=frozenset({"States.ALL"})),
    )
    timeout, everything = state.catch
    assert timeout == Catcher(
        error_equals=frozenset({"States.Timeout"}), next="Failed", result_path=DISCARD
    )
    assert everything.result_path.text == "$.error"


def test_the_expressions_of_a_task_are_ready_to_evaluate(machine):
    scope = Scope(lambda: {"Execution": {"Id": "e1"}}, entropy=None)
    state = machine.states["Charge"]
    assert state.parameters.evaluate({"id": 7}, scope) == {"id": 7, "run": "e1"}
    assert state.result_selector.evaluate({"ok": True}, scope) == {"paid": True}
    assert state.result_path.put({"a": 1}, 2) == {"a": 1, "payment": 2}


def test_what_is_left_out_is_none(machine):
    state = machine.states["Pause"]
    assert state.timestamp is None
    assert state.seconds.text == "$.delay"
    assert (state.input_path, state.output_path) == (None, None)
    assert machine.states["Left"].result == Document.of([1, None])
    assert machine.states["Right"].result is None
    assert machine.states["Left"].result_path is None
    assert machine.states["Right"].result_path is DISCARD


def test_scopes_name_the_state_they_start_at_and_ends_have_no_next(machine):
    assert machine.states["Items"].processor == "Both"
    assert machine.states["Items"].concurrency_max == 0
    assert machine.states["Both"].branches == ("Left", "Right")
    ends = {name for name, state in machine.states.items() if state.next is None}
    assert ends == {"Decide", "Done", "Failed", "Both", "Left", "Right"}
    assert machine.states["Decide"].default == "Pause"
    assert [rule.next for rule in machine.states["Decide"].rules] == ["Items"]


def test_each_state_tells_what_of_the_context_it_reads(machine):
    assert {name for name, state in machine.states.items() if state.uses_execution_input} == {
        "Decide"
    }
    assert {name for name, state in machine.states.items() if state.uses_map_item} == {
        "Items",
        "Right",
    }
    assert machine.states["Items"].processor_uses_map_item


@pytest.mark.parametrize(
    ("fields", "execution_input", "map_item"),
    [
        ({"Parameters": {"a.$": "$$"}}, True, True),
        ({"Parameters": {"a.$": "$$.Execution"}}, True, False),
        ({"Parameters": {"a.$": "$$.Execution.Input.x"}}, True, False),
        ({"Parameters": {"a.$": "$$.Execution.Id"}}, False, False),
        ({"Parameters": {"a": [{"b.$": "States.Format('{}', $$.Map.Item.Index)"}]}}, False, True),
        ({"InputPath": "$$.Execution.Input"}, True, False),
        ({"OutputPath": "$$.Map"}, False, True),
        ({"Parameters": {"a": "$$"}, "Result": {"a.$": "$$"}}, False, False),
    ],
)
def test_a_pass_state_tells_what_of_the_context_it_reads(fields, execution_input, map_item):
    state = {"Type": "Pass", **fields, "End": True}
    made = read(json.dumps({"StartAt": "A", "States": {"A": state}}))
    assert (made.states["A"].uses_execution_input, made.states["A"].uses_map_item) == (
        execution_input,
        map_item,
    )


def test_a_map_whose_processor_reads_no_item_says_so():
    text = DEFINITION.replace("$$.Map.Item.Index", "$$.State.Name")
    assert not read(text).states["Items"].processor_uses_map_item


def test_variables_are_told_of_the_states_of_distributed_processors_too():
    inner = {"Type": "Pass", "Parameters": {"b.$": "$b"}, "End": True}
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    first = {"Type": "Pass", "Assign": {"b": 1}, "Next": "I"}
    processor = {"ProcessorConfig": config, "StartAt": "J", "States": {"J": first, "I": inner}}
    selector = {"a.$": "$a"}
    outer = {"Type": "Map", "ItemProcessor": processor, "ItemSelector": selector, "End": True}
    start = {"Type": "Pass", "Assign": {"a": 1}, "Next": "M"}
    made = read(json.dumps({"StartAt": "S", "States": {"S": start, "M": outer}}))
    assert made.variable_references == {"M": ["a"], "I": ["b"]}


def test_older_names_of_map_fields_mean_the_same():
    text = DEFINITION.replace("ItemSelector:", "Parameters:").replace("ItemProcessor:", "Iterator:")
    state = read(text).states["Items"]
    assert state.processor == "Both"
    assert state.item_selector is not None


def test_lambda_invoke_needs_the_function_it_invokes():
    def problems(parameters):
        state = {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            **parameters,
            "End": True,
        }
        text = json.dumps({"StartAt": "A", "States": {"A": state}})
        return [(p.code, p.pointer) for p in examine(text)[1]]

    assert problems({"Parameters": {"FunctionName": "f"}}) == []
    assert problems({"Parameters": {"FunctionName.$": "$.f"}}) == []
    assert problems({"Parameters": {"Payload": 1}}) == [("missing_field", "/States/A/Parameters")]
    assert problems({}) == [("missing_field", "/States/A")]


def test_yaml_and_json_of_one_definition_are_the_same_machine():
    document = yaml.safe_load(DEFINITION)
    texts = [
        DEFINITION,
        json.dumps(document),
        json.dumps(document, indent=4, sort_keys=True, ensure_ascii=True),
        yaml.safe_dump(document, default_flow_style=False),
        "# a comment\n" + DEFINITION.replace("\n", "\r\n"),
    ]
    assert len({read(text).content_hash for text in texts}) == 1


def test_every_value_counts_for_the_hash_and_order_in_objects_does_not():
    assert content_hash({"a": 1, "b": [1, 2]}) == content_hash({"b": [1, 2], "a": 1})
    values = [
        {"a": 1},
        {"a": 1.0},
        {"a": "1"},
        {"a": True},
        {"a": None},
        {"a": [1]},
        {"b": 1},
        {},
        [{"a": 1}],
    ]
    assert len({content_hash(value) for value in values}) == len(values)
    assert canonical({"é": "😀", "a": [1, {}]}) == '{"a":[1,{}],"é":"😀"}'.encode()
    assert len(content_hash({})) == 64


def test_shared_definitions_hash_the_same_from_both_notations():
    definitions = [entry["definition"] for entry in real_definitions()]
    if not definitions:
        pytest.skip("the shared definitions are not beside the project")
    compared = 0
    for document in definitions:
        made, _ = examine(json.dumps(document))
        again, _ = examine(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), "yaml")
        assert (made is None) == (again is None)
        if made is not None and again is not None:
            assert made.content_hash == again.content_hash
            compared += 1
    assert compared >= 25


def hundred_states() -> str:
    states = {
        f"S{n}": {
            "Type": "Task",
            "Resource": "activity:work",
            "Parameters": {"a.$": "$.a", "b": {"c.$": "$$.Execution.Id", "d": [1, 2, 3]}},
            "ResultPath": "$.r",
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2}],
            "Next": f"S{n + 1}",
        }
        for n in range(100)
    }
    return yaml.safe_dump({"StartAt": "S0", "States": {**states, "S100": {"Type": "Succeed"}}})


def test_a_hundred_states_are_checked_in_well_under_a_tenth_of_a_second():
    text = hundred_states()
    read(text)  # the schema is loaded once
    took = []
    for _ in range(5):
        begun = time.process_time()
        read(text)
        took.append(time.process_time() - begun)
    assert min(took) < 0.1
