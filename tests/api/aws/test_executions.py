"""Executions over the Step Functions protocol, as boto3 sees them."""

from __future__ import annotations

import json
import time
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.conformance.served import served

ROLE = "arn:aws:iam::111122223333:role/r"
PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "No", "Cause": "never"}}}
ENDED = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}


@pytest.fixture(scope="module")
def sfn():
    with served() as url:
        yield boto3.client(
            "stepfunctions",
            endpoint_url=url,
            region_name="eu-west-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(
                inject_host_prefix=False,
                parameter_validation=False,
                retries={"total_max_attempts": 1},
            ),
        )


@pytest.fixture
def machine(sfn):
    """Makes a state machine, and returns its ARN."""

    def make(definition, *, kind="STANDARD", **given):
        return sfn.create_state_machine(
            name=f"m-{uuid.uuid4().hex[:8]}",
            definition=json.dumps(definition),
            roleArn=ROLE,
            type=kind,
            **given,
        )["stateMachineArn"]

    return make


def start(sfn, machine, **given):
    return sfn.start_execution(stateMachineArn=machine, **given)["executionArn"]


def end(sfn, execution):
    """The description of an execution once it has ended."""
    deadline = time.monotonic() + 30
    while True:
        found = sfn.describe_execution(executionArn=execution)
        if found["status"] in ENDED or time.monotonic() > deadline:
            return found
        time.sleep(0.02)


def refusal(call, **given):
    """Code and message of the error that a call ends with."""
    with pytest.raises(ClientError) as caught:
        call(**given)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


# Starting


def test_an_execution_knows_itself_and_is_known_by_arns_of_the_callers_region(sfn, machine):
    told = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    told["States"]["P"]["Parameters"] = {
        "id.$": "$$.Execution.Id",
        "role.$": "$$.Execution.RoleArn",
        "machine.$": "$$.StateMachine.Id",
    }
    arn = machine(told)
    execution = start(sfn, arn, name="one", input="7")
    found = end(sfn, execution)
    assert execution.split(":")[3] == "eu-west-1"
    assert json.loads(found["output"]) == {"id": execution, "role": ROLE, "machine": arn}
    assert (found["stateMachineArn"], found["name"], found["input"]) == (arn, "one", "7")
    assert (found["redriveStatus"], found["redriveStatusReason"]) == (
        "NOT_REDRIVABLE",
        "Execution is SUCCEEDED and cannot be redriven",
    )


def test_a_start_is_repeated_while_it_runs_and_refused_once_it_is_over_or_differs(sfn, machine):
    arn = machine(WAIT)
    first = sfn.start_execution(stateMachineArn=arn, name="one", input="{}")
    again = sfn.start_execution(stateMachineArn=arn, name="one", input="{}")
    assert (again["executionArn"], again["startDate"]) == (
        first["executionArn"],
        first["startDate"],
    )
    taken = ("ExecutionAlreadyExists", f"Execution Already Exists: '{first['executionArn']}'")
    given = {"stateMachineArn": arn, "name": "one"}
    assert refusal(sfn.start_execution, **given, input='{"a": 1}') == taken
    sfn.stop_execution(executionArn=first["executionArn"])
    assert refusal(sfn.start_execution, **given, input="{}") == taken


@pytest.mark.parametrize("text", ["", "no", "{"])
def test_an_input_that_is_no_json_starts_nothing(sfn, machine, text):
    arn = machine(PASS)
    code, message = refusal(sfn.start_execution, stateMachineArn=arn, input=text)
    assert code == "InvalidExecutionInput"
    assert message.startswith("Invalid State Machine Execution Input: '")
    assert sfn.list_executions(stateMachineArn=arn)["executions"] == []


def test_a_name_that_is_not_allowed_starts_nothing(sfn, machine):
    refused = refusal(sfn.start_execution, stateMachineArn=machine(PASS), name="a b")
    assert refused == ("InvalidName", "Invalid Name: 'a b'")


@pytest.mark.parametrize("qualifier", ["", ":7", ":live"])
def test_nothing_is_started_of_what_is_not_there(sfn, machine, qualifier):
    arn = (
        machine(PASS) if qualifier else "arn:aws:states:eu-west-1:1:stateMachine:none"
    ) + qualifier
    refused = refusal(sfn.start_execution, stateMachineArn=arn)
    assert refused == ("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")


def test_a_map_states_arn_starts_nothing(sfn, machine):
    code, _ = refusal(sfn.start_execution, stateMachineArn=machine(PASS) + "/Label")
    assert code == "ValidationException"


def test_an_execution_tells_the_version_and_the_alias_that_started_it(sfn, machine):
    arn = machine(PASS, publish=True)
    version = f"{arn}:1"
    routing = [{"stateMachineVersionArn": version, "weight": 100}]
    alias = sfn.create_state_machine_alias(name="live", routingConfiguration=routing)
    alias = alias["stateMachineAliasArn"]
    plain, by_version, by_alias = (end(sfn, start(sfn, a)) for a in (arn, version, alias))
    assert not {"stateMachineVersionArn", "stateMachineAliasArn"} & plain.keys()
    assert by_version["stateMachineVersionArn"] == version
    assert "stateMachineAliasArn" not in by_version
    assert (by_alias["stateMachineVersionArn"], by_alias["stateMachineAliasArn"]) == (
        version,
        alias,
    )
    (started, *_) = sfn.get_execution_history(executionArn=by_alias["executionArn"])["events"]
    details = started["executionStartedEventDetails"]
    assert (details["stateMachineVersionArn"], details["stateMachineAliasArn"]) == (version, alias)
    listed = {
        which: {e["executionArn"] for e in sfn.list_executions(stateMachineArn=which)["executions"]}
        for which in (arn, version, alias)
    }
    three = [each["executionArn"] for each in (plain, by_version, by_alias)]
    assert listed == {arn: {*three}, version: {*three[1:]}, alias: {three[2]}}


# Listing


def test_executions_are_listed_newest_first_in_pages_of_any_size(sfn, machine):
    arn = machine(PASS)
    started = []
    for _ in range(7):
        started.append(start(sfn, arn))
        end(sfn, started[-1])
    found, token = [], {}
    for size in (3, 1, 100):
        page = sfn.list_executions(stateMachineArn=arn, maxResults=size, **token)
        found += [each["executionArn"] for each in page["executions"]]
        token = {"nextToken": page["nextToken"]} if "nextToken" in page else {}
    assert found == started[::-1]
    assert token == {}


def test_executions_are_listed_by_status(sfn, machine):
    arn = machine(FAIL)
    failed = end(sfn, start(sfn, arn))["executionArn"]
    by = {
        status: [
            each["executionArn"]
            for each in sfn.list_executions(stateMachineArn=arn, statusFilter=status)["executions"]
        ]
        for status in ("FAILED", "RUNNING", "SUCCEEDED")
    }
    assert by == {"FAILED": [failed], "RUNNING": [], "SUCCEEDED": []}


@pytest.mark.parametrize(
    "more",
    [{"statusFilter": "PENDING_REDRIVE"}, {"redriveFilter": "REDRIVEN"}, {"mapRunArn": "arn"}],
)
def test_what_is_for_map_runs_is_refused_of_a_state_machine(sfn, machine, more):
    code, _ = refusal(sfn.list_executions, stateMachineArn=machine(PASS), **more)
    assert code == "ValidationException"


def test_a_token_that_was_not_given_out_is_refused(sfn, machine):
    arn = machine(PASS)
    refused = ("InvalidToken", "Invalid Token: 'Invalid token'")
    assert refusal(sfn.list_executions, stateMachineArn=arn, nextToken="x" * 20) == refused
    execution = start(sfn, arn)
    assert refusal(sfn.get_execution_history, executionArn=execution, nextToken="x" * 9) == refused


# One execution


def test_a_stopped_execution_tells_why_and_is_stopped_once(sfn, machine):
    execution = start(sfn, machine(WAIT))
    stopped = sfn.stop_execution(executionArn=execution, error="E", cause="C")["stopDate"]
    found = end(sfn, execution)
    assert (found["status"], found["error"], found["cause"]) == ("ABORTED", "E", "C")
    again = sfn.stop_execution(executionArn=execution, error="other")["stopDate"]
    assert again == stopped == found["stopDate"]
    assert sfn.describe_execution(executionArn=execution)["error"] == "E"


def test_a_failed_execution_is_redriven_once_per_client_token(sfn, machine):
    execution = start(sfn, machine(FAIL))
    assert end(sfn, execution)["redriveStatus"] == "REDRIVABLE"
    first = sfn.redrive_execution(executionArn=execution, clientToken="a")["redriveDate"]
    found = end(sfn, execution)
    assert (found["redriveCount"], found["redriveDate"]) == (1, first)
    assert sfn.redrive_execution(executionArn=execution, clientToken="a")["redriveDate"] == first
    assert end(sfn, execution)["redriveCount"] == 1
    sfn.redrive_execution(executionArn=execution)
    assert end(sfn, execution)["redriveCount"] == 2
    events = sfn.get_execution_history(executionArn=execution)["events"]
    redriven = [e for e in events if e["type"] == "ExecutionRedriven"]
    assert [e["executionRedrivenEventDetails"]["redriveCount"] for e in redriven] == [1, 2]


def test_an_execution_that_runs_is_not_redriven(sfn, machine):
    execution = start(sfn, machine(WAIT))
    refused = refusal(sfn.redrive_execution, executionArn=execution)
    said = "Execution is RUNNING and cannot be redriven"
    assert refused == ("ExecutionNotRedrivable", said)
    sfn.stop_execution(executionArn=execution)


@pytest.mark.parametrize(
    "operation",
    ["describe_execution", "stop_execution", "redrive_execution", "get_execution_history"],
)
def test_of_an_execution_that_is_not_there_nothing_is_told(sfn, machine, operation):
    arn = machine(PASS).replace(":stateMachine:", ":execution:") + ":none"
    refused = refusal(getattr(sfn, operation), executionArn=arn)
    assert refused == ("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")


# History


def test_a_history_is_read_in_pages_in_both_directions(sfn, machine):
    execution = start(sfn, machine(PASS))
    end(sfn, execution)
    for reverse in (False, True):
        numbers, token = [], {}
        for _ in range(2):
            page = sfn.get_execution_history(
                executionArn=execution, maxResults=3, reverseOrder=reverse, **token
            )
            numbers += [each["id"] for each in page["events"]]
            token = {"nextToken": page["nextToken"]} if "nextToken" in page else {}
        assert numbers == sorted(range(1, 5), reverse=reverse)
        assert token == {}


def test_a_history_without_data_tells_the_states_and_no_data(sfn, machine):
    execution = start(sfn, machine(PASS), input='{"a": "secret"}')
    end(sfn, execution)
    found = sfn.get_execution_history(executionArn=execution, includeExecutionData=False)["events"]
    assert "secret" not in json.dumps(found, default=str)
    assert found[1]["stateEnteredEventDetails"] == {"name": "P"}


# Express


def test_a_synchronous_execution_is_answered_with_its_end_whatever_that_is(sfn, machine):
    ran = sfn.start_sync_execution(
        stateMachineArn=machine(PASS, kind="EXPRESS"), input='{"a": 1}', name="n"
    )
    assert (ran["status"], ran["output"], ran["name"]) == ("SUCCEEDED", '{"a": 1}', "n")
    assert ran["billingDetails"] == {
        "billedDurationInMilliseconds": ran["billingDetails"]["billedDurationInMilliseconds"],
        "billedMemoryUsedInMB": 64,
    }
    failed = sfn.start_sync_execution(stateMachineArn=machine(FAIL, kind="EXPRESS"))
    assert (failed["status"], failed["error"], failed["cause"]) == ("FAILED", "No", "never")
    assert failed["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_standard_execution_is_not_started_synchronously(sfn, machine):
    refused = refusal(sfn.start_sync_execution, stateMachineArn=machine(PASS))
    said = "This operation is not supported by this type of state machine"
    assert refused == ("StateMachineTypeNotSupported", said)


def test_express_executions_are_neither_listed_nor_described(sfn, machine):
    arn = machine(PASS, kind="EXPRESS")
    one, two = (start(sfn, arn, name="n") for _ in range(2))
    assert one != two
    assert one.split(":")[5:8] == ["express", arn.rpartition(":")[2], "n"]
    code, _ = refusal(sfn.list_executions, stateMachineArn=arn)
    assert code == "StateMachineTypeNotSupported"
    refused = ("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'")
    for operation in ("describe_execution", "stop_execution", "get_execution_history"):
        assert refusal(getattr(sfn, operation), executionArn=one) == refused


# Nested executions


def starts(target, how="", **more):
    parameters = {"StateMachineArn": target, **more}
    task = {"Type": "Task", "Resource": f"arn:aws:states:::states:startExecution{how}"}
    return {"StartAt": "T", "States": {"T": {**task, "Parameters": parameters, "End": True}}}


def test_a_child_is_started_by_an_alias_and_knows_where_it_is(sfn, machine):
    tells = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    tells["States"]["P"]["Parameters"] = {"id.$": "$$.Execution.Id"}
    child = machine(tells, publish=True)
    routing = [{"stateMachineVersionArn": f"{child}:1", "weight": 100}]
    alias = sfn.create_state_machine_alias(name="live", routingConfiguration=routing)
    alias = alias["stateMachineAliasArn"]
    found = end(sfn, start(sfn, machine(starts(alias, ".sync:2", Name="c"))))
    told = json.loads(found["output"])
    expected = child.replace(":stateMachine:", ":execution:") + ":c"
    assert told["ExecutionArn"] == told["Output"]["id"] == expected
    assert told["StateMachineArn"] == child
    made = sfn.describe_execution(executionArn=expected)
    assert (made["stateMachineAliasArn"], made["stateMachineVersionArn"]) == (alias, f"{child}:1")


def test_a_version_that_was_not_published_fails_the_task(sfn, machine):
    child = machine(PASS)
    found = end(sfn, start(sfn, machine(starts(f"{child}:3"))))
    assert found["error"] == "StepFunctions.StateMachineDoesNotExistException"
    assert f"'{child}:3'" in found["cause"]


def test_an_express_child_is_called_by_an_express_arn(sfn, machine):
    child = machine(PASS, kind="EXPRESS")
    found = end(sfn, start(sfn, machine(starts(child, Name="c"))))
    told = json.loads(found["output"])["ExecutionArn"]
    assert told.split(":")[5:8] == ["express", child.rpartition(":")[2], "c"]
