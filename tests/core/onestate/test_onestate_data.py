"""A state that is tested alone shows what each of its fields makes of the data, as far as the data came."""

from __future__ import annotations

import pytest

from tests.core.onestate.asked import DONE, Jumping, ask, made, mocked, seen

TASK = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "End": True}


async def test_a_task_in_jsonpath_shows_every_step():
    state = TASK | {
        "InputPath": "$.order",
        "Parameters": {"Message.$": "$.text"},
        "ResultSelector": {"id.$": "$.MessageId"},
        "ResultPath": "$.sent",
        "OutputPath": "$.sent",
    }
    order = {"order": {"text": "hi"}}
    answer = await ask(state, order, mock=mocked({"MessageId": "m"}))
    assert (answer.status, made(answer)) == ("SUCCEEDED", {"id": "m"})
    assert seen(answer) == {
        "input": order,
        "afterInputPath": {"text": "hi"},
        "afterParameters": {"Message": "hi"},
        "result": {"MessageId": "m"},
        "afterResultSelector": {"id": "m"},
        "afterResultPath": order | {"sent": {"id": "m"}},
    }


async def test_a_task_in_jsonata_shows_its_arguments_and_its_result():
    state = TASK | {
        "QueryLanguage": "JSONata",
        "Arguments": {"Message": "{% $states.input.n + 1 %}"},
        "Output": "{% $states.result.MessageId %}",
    }
    answer = await ask(state, {"n": 1}, mock=mocked({"MessageId": "m"}))
    assert made(answer) == "m"
    assert seen(answer) == {
        "input": {"n": 1},
        "afterArguments": {"Message": 2},
        "result": {"MessageId": "m"},
    }


async def test_nothing_is_shown_beyond_the_field_that_failed():
    answer = await ask(TASK | {"Parameters": {"x.$": "$.none"}}, {"a": 1}, mock=mocked({}))
    assert (answer.status, answer.error) == ("FAILED", "States.Runtime")
    assert answer.cause is not None
    assert answer.cause.startswith("The JSONPath '$.none' specified for the field 'x.$'")
    assert seen(answer) == {"input": {"a": 1}, "afterInputPath": {"a": 1}}


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        (
            {},
            {
                "afterInputPath": {"a": 1},
                "afterParameters": {"a": 1},
                "afterResultSelector": {"a": 1},
                "afterResultPath": {"a": 1},
            },
        ),
        (
            {"Result": 7, "Parameters": {"b": 2}, "ResultPath": "$.r"},
            {"result": 7, "afterResultSelector": 7, "afterResultPath": {"a": 1, "r": 7}},
        ),
    ],
)
async def test_a_pass_shows_parameters_or_its_result(fields, shown):
    answer = await ask({"Type": "Pass", "End": True, **fields}, {"a": 1})
    assert seen(answer) == {"input": {"a": 1}, **shown}


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsPresent": True, "Next": "There"}]},
        {"Type": "Succeed"},
        {"Type": "Wait", "Seconds": 0, "Next": "There"},
        {"Type": "Fail", "Error": "Broken"},
    ],
)
async def test_other_states_show_what_input_path_leaves_and_in_jsonata_only_the_input(state):
    assert seen(await ask(state, {"a": 1})) == {"input": {"a": 1}, "afterInputPath": {"a": 1}}
    if state["Type"] != "Choice":
        answer = await ask(state | {"QueryLanguage": "JSONata"}, {"a": 1})
        assert seen(answer) == {"input": {"a": 1}}


async def test_a_parallel_shows_neither_its_parameters_nor_its_result():
    state = {"Type": "Parallel", "Branches": [DONE], "Parameters": {"b": 2}, "End": True}
    answer = await ask(state, {"a": 1}, mock=mocked([3]))
    assert seen(answer) == {
        "input": {"a": 1},
        "afterResultSelector": [3],
        "afterResultPath": [3],
    }


async def test_variables_are_those_given_and_those_assigned():
    state = {
        "Type": "Pass",
        "QueryLanguage": "JSONata",
        "Assign": {"b": "{% $a + 1 %}"},
        "Output": "{% $a %}",
        "Next": "There",
    }
    answer = await ask(state, variables={"a": 1})
    assert (made(answer), answer.next) == (1, "There")
    assert seen(answer)["variables"] == {"a": 1, "b": 2}


async def test_a_wait_waits():
    clock = Jumping()
    answer = await ask({"Type": "Wait", "Seconds": 7, "Next": "There"}, clock=clock)
    assert (answer.status, answer.next, clock.slept) == ("SUCCEEDED", "There", 7)


async def test_the_state_of_a_definition_may_lie_inside_another():
    inner = {"StartAt": "Deep", "States": {"Deep": {"Type": "Pass", "Result": 1, "End": True}}}
    whole = {
        "StartAt": "P",
        "States": {"P": {"Type": "Parallel", "Branches": [inner], "End": True}},
    }
    assert made(await ask(whole, name="Deep")) == 1


async def test_the_context_is_made_up_where_none_is_given():
    state = {"Type": "Pass", "Parameters": {"c.$": "$$"}, "End": True}
    context = made(await ask(state, {"a": 1}))["c"]
    machine, name = context["StateMachine"]["Name"], context["Execution"]["Name"]
    assert context["Execution"]["Id"] == (
        f"arn:aws:states:eu-north-1:210987654321:express:{machine}:{name}"
    )
    assert context["Execution"]["Input"] == {"a": 1}
    assert context["Execution"]["RoleArn"] is None
    assert context["State"].keys() == {"Name", "EnteredTime"}


async def test_a_context_that_is_given_is_all_there_is():
    state = {"Type": "Pass", "Parameters": {"c.$": "$$"}, "End": True}
    given = {"Execution": {"Name": "n"}}
    assert made(await ask(state, context=given)) == {"c": given}


async def test_a_task_that_waits_for_a_token_has_the_one_of_the_context():
    state = {
        **TASK,
        "Resource": "arn:aws:states:::sns:publish.waitForTaskToken",
        "Parameters": {"t.$": "$$.Task.Token"},
    }
    answer = await ask(state, context={"Task": {"Token": "tok"}}, mock=mocked("any"))
    assert seen(answer)["afterParameters"] == {"t": "tok"}
