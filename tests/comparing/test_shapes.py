"""Paths that the data of an execution cannot have."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from written import distributed, machine, mapped, parallel, states, task, wait

from engine.language.comparing.shapes import missing_paths
from engine.rehearsal import Rehearsal
from engine.rehearsal.answers import Succeed

ALL = ["States.ALL"]


def missing(built, state: str, data: Any, *, entered: bool = False) -> list[tuple[str, str, str]]:
    found = missing_paths(built, state, data, entered=entered)
    return [(each.state, each.field, each.path) for each in found]


def reading(path: str, **more: Any) -> dict[str, Any]:
    return task(Parameters={"p.$": path}, **{"ResultPath": None, **more})


def choice(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Type": "Choice", "Choices": list(rules), **more}


def jsonata(**more: Any) -> dict[str, Any]:
    return {"QueryLanguage": "JSONata", **more}


@pytest.mark.parametrize(
    ("fields", "field", "path"),
    [
        ({"InputPath": "$.x"}, "InputPath", "$.x"),
        ({"OutputPath": "$.x"}, "OutputPath", "$.x"),
        (
            distributed(states(I={}), ToleratedFailureCountPath="$.x"),
            "ToleratedFailureCountPath",
            "$.x",
        ),
        (
            distributed(states(I={}), ItemBatcher={"MaxItemsPerBatchPath": "$.x"}),
            "ItemBatcher/MaxItemsPerBatchPath",
            "$.x",
        ),
        ({"Parameters": {"deep": [{"p.$": "$.a.x"}]}}, "Parameters", "$.a.x"),
        ({"Parameters": {"p.$": "States.Format('{}', $.x)"}}, "Parameters", "$.x"),
        ({"Parameters": {"p.$": "$.x[*].y"}}, "Parameters", "$.x[*].y"),
        ({"Parameters": {"p.$": "$.list.x"}}, "Parameters", "$.list.x"),
        ({"Parameters": {"p.$": "$.a[0]"}}, "Parameters", "$.a[0]"),
        ({"Assign": {"v.$": "$.x"}}, "Assign", "$.x"),
        (task(TimeoutSecondsPath="$.x"), "TimeoutSecondsPath", "$.x"),
        (task(HeartbeatSecondsPath="$.x", TimeoutSeconds=9), "HeartbeatSecondsPath", "$.x"),
        ({"Type": "Wait", "SecondsPath": "$.x"}, "SecondsPath", "$.x"),
        ({"Type": "Wait", "TimestampPath": "$.x"}, "TimestampPath", "$.x"),
        (mapped(states(I={}), ItemsPath="$.x"), "ItemsPath", "$.x"),
        (mapped(states(I={}), MaxConcurrencyPath="$.x"), "MaxConcurrencyPath", "$.x"),
        (mapped(states(I={}), ItemSelector={"p.$": "$.x"}), "ItemSelector", "$.x"),
        ({"Type": "Fail", "ErrorPath": "$.x"}, "ErrorPath", "$.x"),
        ({"Type": "Succeed", "InputPath": "$.x"}, "InputPath", "$.x"),
        (jsonata(Output="{% $states.input.x %}"), "Output", "$states.input.x"),
        (jsonata(Output={"k": "{% 1 + $states.input.a.x %}"}), "Output", "$states.input.a.x"),
        (task(**jsonata(Arguments={"k": "{% $states.input.x %}"})), "Arguments", "$states.input.x"),
        ({"Type": "Wait", **jsonata(Seconds="{% $states.input.x %}")}, "Seconds",
         "$states.input.x"),
    ],
)  # fmt: skip
def test_what_a_state_reads_in_vain_is_reported_with_its_field(fields, field, path):
    data = {"a": {"b": 1}, "list": [1]}
    assert missing(machine(S=fields), "S", data) == [("S", field, path)]


@pytest.mark.parametrize(
    "fields",
    [
        {"Parameters": {"p.$": "$.a.b"}},
        {"Parameters": {"p.$": "$.null"}},
        {"Parameters": {"p.$": "$..x"}},
        {"Parameters": {"p.$": "$.list[7]"}},
        {"Parameters": {"p.$": "$$.Execution.Id", "q.$": "$$.Nothing.x"}},
        {"Parameters": {"p.$": "$variable.x"}},
        {"Parameters": {"p": "$.x"}},
        task(ResultSelector={"p.$": "$.x"}, Assign={"v.$": "$.x"}),
        {"InputPath": "$.a", "Parameters": {"p.$": "$.b"}},
        {"InputPath": "$.x", "Result": {}},
        jsonata(Output="{% $states.input.list.x %}"),
        jsonata(Output="{% $exists($states.input.x) %}"),
        jsonata(Output="{% $states.input.x ? 1 : 2 %}"),
        jsonata(Output="{% 'x' & $states.input.x %}"),
        jsonata(Output="{% $append($states.input.x, 1) %}"),
        task(**jsonata(Output="{% $states.result.x %}")),
    ],
)
def test_what_could_be_there_or_is_no_data_is_not_reported(fields):
    data = {"a": {"b": 1}, "list": [{"y": 1}], "null": None}
    assert missing(machine(S=fields), "S", data) == []


def test_states_further_on_are_looked_at_in_the_order_in_which_they_are_reached():
    built = machine(A=reading("$.x"), B=wait(), C=reading("$.y"))
    assert missing(built, "A", {}) == [("A", "Parameters", "$.x"), ("C", "Parameters", "$.y")]
    assert missing(built, "B", {}) == [("C", "Parameters", "$.y")]


def test_of_a_state_that_was_entered_only_what_comes_after_its_work_counts():
    built = machine(
        T=task(
            InputPath="$.x",
            Parameters={"p.$": "$.y"},
            ResultPath="$.result",
            OutputPath="$.z",
        )
    )
    assert missing(built, "T", {}, entered=True) == [("T", "OutputPath", "$.z")]
    waiting = machine(W={"Type": "Wait", "SecondsPath": "$.y", "InputPath": "$.x"})
    assert missing(waiting, "W", {}, entered=True) == [("W", "InputPath", "$.x")]
    spoken = machine(T=task(**jsonata(
        Arguments="{% $states.input.y %}", Output="{% $states.input.x %}"
    )))  # fmt: skip
    assert missing(spoken, "T", {}, entered=True) == [("T", "Output", "$states.input.x")]


def test_a_state_that_passes_at_once_is_looked_at_whole_even_if_entered():
    built = machine(P={"Parameters": {"p.$": "$.x"}})
    assert missing(built, "P", {}, entered=True) == [("P", "Parameters", "$.x")]


def test_a_state_that_is_entered_again_is_looked_at_whole():
    rule = {"Variable": "$.done", "BooleanEquals": True, "Next": "End"}
    built = machine(
        T=task(Parameters={"p.$": "$.x"}, ResultPath="$.done"), C=choice(rule, Default="T"), End={}
    )
    assert missing(built, "T", {}, entered=True) == [("T", "Parameters", "$.x")]


def test_a_result_put_into_the_data_is_there_and_anything_below_it_may_be():
    built = machine(A=task(ResultPath="$.a.r"), B=reading("$.a.r.deep"), C=reading("$.a.other"))
    assert missing(built, "A", {}) == [("C", "Parameters", "$.a.other")]


@pytest.mark.parametrize(
    "fields",
    [
        task(),
        task(ResultPath="$"),
        {"Result": {"k": 1}},
        {"Parameters": {"k": 1}},
        parallel(states(I={})),
        mapped(states(I={})),
        jsonata(Output={"k": 1}),
        task(**jsonata()),
    ],
)
def test_nothing_is_told_of_data_that_is_made_anew(fields):
    assert missing(machine(A=fields, B=reading("$.x")), "A", {"items": []}) == []


def test_a_path_is_missing_only_if_it_is_on_every_way():
    rule = {"Variable": "$.n", "NumericEquals": 1, "Next": "Left"}
    built = machine(
        C=choice(rule, Default="Right"),
        Left=task(ResultPath="$.left", Next="Both"),
        Right=task(ResultPath="$.right", Next="Both"),
        Both=reading("$.left"),
        Then=reading("$.none"),
    )
    assert missing(built, "C", {"n": 1}) == [("Then", "Parameters", "$.none")]
    assert missing(built, "Right", {}) == [
        ("Both", "Parameters", "$.left"),
        ("Then", "Parameters", "$.none"),
    ]


def test_a_caught_error_leads_on_with_the_data_as_it_was():
    catches = [
        {"ErrorEquals": ["a"], "ResultPath": "$.error", "Next": "Undo"},
        {"ErrorEquals": ALL, "Next": "Other"},
    ]
    built = machine(
        T=task(Catch=catches, End=True), Undo=reading("$.x", End=True), Other=reading("$.x")
    )
    assert missing(built, "T", {}, entered=True) == [("Undo", "Parameters", "$.x")]


def test_what_a_choice_tests_the_presence_of_may_be_there_from_then_on():
    tested = {"Variable": "$.x.y", "IsPresent": True}
    compared = {"Variable": "$.x.y", "StringEquals": "a"}
    built = machine(
        C=choice({"And": [tested, compared], "Next": "A"}, Default="A"),
        A=reading("$.x.y.z"),
        B=reading("$.x.other"),
        D=reading("$.other"),
    )
    assert missing(built, "C", {}) == [
        ("B", "Parameters", "$.x.other"),
        ("D", "Parameters", "$.other"),
    ]


def test_a_choice_that_compares_what_is_not_there_is_reported_with_its_rule():
    first = {"Variable": "$.a", "IsPresent": True, "Next": "End"}
    second = {"Variable": "$.a", "NumericGreaterThanPath": "$.x", "Next": "End"}
    built = machine(C=choice(first, second), End={})
    assert missing(built, "C", {}) == [("C", "Choices[1]", "$.x")]


def test_a_condition_in_jsonata_is_a_test_of_presence():
    rule = {"Condition": "{% $states.input.x.y = 1 %}", "Next": "A"}
    built = machine(
        C=choice(rule, Default="A", **jsonata()),
        A=jsonata(Assign={"v": "{% $states.input.x.y %}"}),
        B=jsonata(Assign={"v": "{% $states.input.other %}"}),
    )
    assert missing(built, "C", {}) == [("B", "Assign", "$states.input.other")]


def test_branches_begin_with_what_the_parallel_sees_unless_it_was_entered():
    built = machine(P=parallel(states(I=reading("$.x")), states(J=reading("$.a")), InputPath="$.p"))
    data = {"p": {"a": 1}, "x": 1}
    assert missing(built, "P", data) == [("I", "Parameters", "$.x")]
    assert missing(built, "P", data, entered=True) == []


def test_the_walk_ends_with_its_scope():
    built = machine(P=parallel(states(I=wait())), After=reading("$.x"))
    assert missing(built, "I", {}) == []


def test_a_round_comes_to_an_end():
    rule = {"Variable": "$.n", "NumericEquals": 1, "Next": "A"}
    built = machine(
        A={"InputPath": "$.deep", "ResultPath": "$.deep.deep"}, C=choice(rule, Default="Z"), Z={}
    )
    assert missing(built, "A", {"deep": {"deep": {}}, "n": 1}) == []


def test_a_walk_that_takes_too_long_tells_nothing(monkeypatch):
    built = machine(**{name: reading("$.x") for name in "ABCD"})
    assert len(missing(built, "A", {})) == 4
    monkeypatch.setattr("engine.language.comparing.shapes.VISITS_MAX", 3)
    assert missing(built, "A", {}) == []


# Against runs: what a run has read was there, so it cannot have been reported.

names = st.sampled_from("abc")
paths = st.lists(names, min_size=1, max_size=2).map(lambda steps: ".".join(("$", *steps)))
places = st.none() | paths | st.just("$")
templates = st.dictionaries(names.map(lambda name: f"{name}.$"), paths, min_size=1, max_size=2)
data = st.dictionaries(
    names, st.integers(0, 1) | st.dictionaries(names, st.integers(0, 1), max_size=3), max_size=3
)
common = {"InputPath": paths | st.just("$"), "OutputPath": paths | st.just("$")}
kinds = st.one_of(
    st.fixed_dictionaries({}, optional={"ResultPath": places, **common}),
    st.fixed_dictionaries({"Parameters": templates}, optional={"ResultPath": places, **common}),
    st.fixed_dictionaries({"Result": data}, optional={"ResultPath": places, **common}),
    st.fixed_dictionaries(
        {"Type": st.just("Task"), "Resource": st.just("activity:w")},
        optional={"Parameters": templates, "ResultPath": places, **common},
    ),
    st.fixed_dictionaries({"Type": st.just("Wait"), "SecondsPath": paths}, optional=common),
)
chains = st.lists(kinds, min_size=2, max_size=5)


@settings(max_examples=300, deadline=None)
@given(chains, data, data)
def test_what_a_run_has_read_was_not_reported(chain, start, result):
    test = {"Variable": "$.a.b", "IsPresent": True, "Next": "S1"}
    built = machine(
        C=choice(test, Default="S1"),
        **{f"S{number}": fields for number, fields in enumerate(chain, start=1)},
    )
    run = Rehearsal(built, start, answers=lambda _task: Succeed(result)).run()
    left = {each.details["name"] for each in run.records if each.type.endswith("StateExited")}
    reported = {each.state for each in missing_paths(built, "C", start, entered=False)}
    event(f"{len(left)} states left, {len(reported)} reported")
    assert not reported & (left - {"C"})
