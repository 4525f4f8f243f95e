"""What cannot be published as EXPRESS, where it stands, and in whose words."""

from __future__ import annotations

import json

import pytest

from engine.language import examine
from engine.language.machine import Machine, Resource, Task
from engine.language.resources.express import examine_as, express_problems

INVOKE = "arn:aws:states:::lambda:invoke"


def told(definition: str | bytes, form=None):
    machine, problems = examine_as("EXPRESS", definition, form)
    assert (machine is None) == any(problem.severity == "error" for problem in problems)
    return [(p.code, p.pointer, p.message) for p in problems if p.severity == "error"]


def one(resource: str) -> str:
    task = {"Type": "Task", "Resource": resource, "End": True}
    if resource.startswith(INVOKE):
        task["Parameters"] = {"FunctionName": "f"}
    if ":startExecution" in resource:
        task["Parameters"] = {"StateMachineArn": "arn:aws:states:us-east-1:1:stateMachine:m"}
    return json.dumps({"StartAt": "T", "States": {"T": task}})


@pytest.mark.parametrize(
    ("resource", "code", "message"),
    [
        (
            "arn:aws:states:us-east-1:000000000000:activity:pay",
            "express_unsupported",
            "Express state machine does not support Activity ARN",
        ),
        (
            "activity:pay",
            "express_unsupported",
            "Express state machine does not support Activity ARN",
        ),
        (
            INVOKE + ".waitForTaskToken",
            "express_unsupported",
            "Express state machine does not support '.waitForTaskToken' service integration",
        ),
        (
            "https://example.com/x.waitForTaskToken",
            "express_unsupported",
            "Express state machine does not support '.waitForTaskToken' service integration",
        ),
        (
            "arn:aws:states:::states:startExecution.sync",
            "express_unsupported",
            "Express state machine does not support '.sync' service integration",
        ),
        (
            "arn:aws:states:::states:startExecution.sync:2",
            "express_unsupported",
            "Express state machine does not support '.sync:2' service integration",
        ),
        (
            "signal:go",
            "express_signal",
            "An Express execution cannot wait for a signal: nobody can address it.",
        ),
    ],
)
def test_a_resource_that_somebody_outside_would_have_to_answer_is_refused(resource, code, message):
    assert told(one(resource)) == [(code, "/States/T/Resource", message)]
    assert examine(one(resource))[0] is not None


@pytest.mark.parametrize(
    "resource",
    [
        INVOKE,
        "arn:aws:lambda:us-east-1:000000000000:function:pay",
        "https://example.com/x",
        "https://example.com/a.sync",
    ],
)
def test_a_request_that_is_answered_at_once_is_not(resource):
    assert told(one(resource)) == []


@pytest.mark.parametrize("suffix", [".sync", ".sync:2"])
def test_waiting_for_another_services_job_is_refused_by_the_suffix(suffix):
    uri = "arn:aws:states:::states:startExecution" + suffix
    resource = Resource(uri=uri, kind="queue", name="x", family="service")
    state = Task(name="T", type="Task", pointer="/States/T", resource=resource)
    [problem] = express_problems(Machine(start_at="T", states={"T": state}), one(uri))
    assert problem.message == (
        f"Express state machine does not support '{suffix}' service integration"
    )
    assert (problem.pointer, problem.line) == ("/States/T/Resource", 1)


def test_every_one_is_reported_with_its_place_however_deep_it_lies():
    text = """StartAt: Both
States:
  Both:
    Type: Parallel
    Branches:
      - StartAt: A
        States:
          A: {Type: Task, Resource: "activity:a", End: true}
      - StartAt: B/b
        States:
          B/b: {Type: Task, Resource: "signal:b", End: true}
    End: true
"""
    _, problems = examine_as("EXPRESS", text, "yaml")
    assert [(p.code, p.pointer, p.line) for p in problems] == [
        ("express_unsupported", "/States/Both/Branches/0/States/A/Resource", 8),
        ("express_signal", "/States/Both/Branches/1/States/B~1b/Resource", 11),
    ]


def test_other_mistakes_are_reported_as_for_a_standard_definition():
    text = one("activity:pay").replace('"End": true', '"Next": "Nowhere"')
    assert told(text) == [(p.code, p.pointer, p.message) for p in examine(text)[1]]


def mapping(execution_type: str, inner: dict, field: str = "ItemProcessor") -> str:
    """A distributed Map whose children have one state."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": execution_type}
    processor = {"ProcessorConfig": config, "StartAt": "I", "States": {"I": inner}}
    return json.dumps(
        {"StartAt": "M", "States": {"M": {"Type": "Map", field: processor, "End": True}}}
    )


NO_MAP_RUN = (
    "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines"
)


@pytest.mark.parametrize("field", ["ItemProcessor", "Iterator"])
def test_an_express_definition_has_no_distributed_map(field):
    text = mapping("EXPRESS", {"Type": "Succeed"}, field)
    where = f"/States/M/{field}/ProcessorConfig/Mode"
    assert told(text) == [("express_unsupported", where, NO_MAP_RUN)]


@pytest.mark.parametrize("execution_type", ["STANDARD", "EXPRESS"])
def test_children_are_held_to_their_own_type_and_not_to_their_parents(execution_type):
    task = {"Type": "Task", "Resource": "activity:pay", "End": True}
    machine, problems = examine_as("STANDARD", mapping(execution_type, task), None)
    found = [(p.pointer, p.message) for p in problems if p.severity == "error"]
    is_express = execution_type == "EXPRESS"
    assert (machine is None) == is_express
    assert found == is_express * [
        (
            "/States/M/ItemProcessor/States/I/Resource",
            "Express state machine does not support Activity ARN",
        )
    ]


def test_a_distributed_map_inside_express_children_is_refused():
    inner = json.loads(mapping("STANDARD", {"Type": "Succeed"}))["States"]["M"]
    inner["ItemProcessor"] |= {"StartAt": "J", "States": {"J": {"Type": "Succeed"}}}
    machine, problems = examine_as("STANDARD", mapping("EXPRESS", inner), None)
    where = "/States/M/ItemProcessor/States/I/ItemProcessor/ProcessorConfig/Mode"
    assert machine is None
    assert [p.pointer for p in problems] == [where]
