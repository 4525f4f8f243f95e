"""Requests that no SDK makes: each is refused as what it is, and costs no more than its size."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.aws.credentials import credential
from api.aws.errors import AwsError
from api.aws.model import VIOLATIONS_MAX, check

TARGET = "AWSStepFunctions."


def answer(url, operation, body, **headers):
    """Status and members of the answer to a body that is sent as it is."""
    asked = {"x-amz-target": TARGET + operation, "content-type": "application/x-amz-json-1.0"}
    request = urllib.request.Request(url, data=body, headers={**asked, **headers})
    try:
        with urllib.request.urlopen(request) as found:
            return found.status, json.loads(found.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.parametrize(
    "body",
    [
        b"none",
        b"[]",
        b'{"nextToken":"\xff"}',
        b'{"nextToken":"\\ud800"}',
        b'{"maxResults":NaN}',
        b'{"maxResults":1e999}',
        b'{"maxResults":' + b"9" * 100_000 + b"}",
        b'{"nextToken":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_a_body_that_is_no_request_is_refused_as_one(served_url, body):
    status, told = answer(served_url, "ListStateMachines", body)
    assert (status, told["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize("token", ["é", "", "YQ==", "x" * 1024])
def test_a_token_that_no_list_gave_is_refused(refused, token):
    code, _ = refused("list_state_machines", nextToken=token) if token else ("InvalidToken", "")
    assert code == "InvalidToken"


def test_the_violations_told_are_bounded():
    given = {"resourceArn": "a", "tags": [{"key": ""}] * 10_000}
    with pytest.raises(AwsError) as caught:
        check("TagResource", given)
    assert caught.value.message.startswith(f"{VIOLATIONS_MAX} validation errors detected")
    assert caught.value.message.count("Member must have") == VIOLATIONS_MAX


def test_a_trace_header_is_ascii():
    given = {"stateMachineArn": "a", "traceHeader": "Root=1-5e1b4151"}
    assert check("StartExecution", given) == given
    with pytest.raises(AwsError, match="regular expression pattern"):
        check("StartExecution", given | {"traceHeader": "é"})


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("RedriveExecution", {"executionArn": "a", "clientToken": "one two"}),
        ("CreateStateMachineAlias", {"name": "live\n", "routingConfiguration": []}),
    ],
)
def test_a_pattern_describes_the_whole_value(operation, given):
    with pytest.raises(AwsError, match="regular expression pattern"):
        check(operation, given)


def test_members_that_are_null_or_unknown_are_left_out_at_any_depth():
    mock = {"result": None, "errorOutput": {"error": "E", "cause": None, "colour": "red"}}
    given = {"definition": "{}", "mock": mock, "variables": None}
    assert check("TestState", given) == {
        "definition": "{}",
        "mock": {"errorOutput": {"error": "E"}},
    }
    given = {"name": "n", "tags": [{"key": "k", "value": None}]}
    assert check("CreateActivity", given) == {"name": "n", "tags": [{"key": "k"}]}


@pytest.mark.parametrize(
    "given",
    [b"AWS4-HMAC-SHA256 " + b" " * 1_000_000, b"AWS4-HMAC-SHA256 " + b"Credential=" * 100_000],
)
def test_reading_an_authorization_takes_time_by_its_length_alone(given):
    assert credential(given) is None


@pytest.mark.parametrize("number", ["0", "01", "\u0661", "\u00b2", "9" * 30])
def test_a_published_version_has_one_name(sfn, refused, make, number):
    arn = make(publish=True)
    assert sfn.describe_state_machine(stateMachineArn=f"{arn}:1")["name"]
    named = f"{arn}:{number}"
    for method in ("describe_state_machine", "start_execution", "list_state_machine_aliases"):
        assert refused(method, stateMachineArn=named)[0] == "StateMachineDoesNotExist", method


def test_a_token_goes_on_in_its_own_list_only(sfn, refused, make):
    first = make(publish=True)
    for comment in "ab":
        changed = json.dumps(
            {"Comment": comment, "StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
        )
        sfn.update_state_machine(stateMachineArn=first, definition=changed, publish=True)
    token = sfn.list_state_machine_versions(stateMachineArn=first, maxResults=1)["nextToken"]
    execution = sfn.start_execution(stateMachineArn=first)["executionArn"]
    assert sfn.list_state_machine_versions(stateMachineArn=first, nextToken=token)
    others = [
        ("get_execution_history", {"executionArn": execution}),
        ("list_state_machine_aliases", {"stateMachineArn": first}),
        ("list_activities", {}),
        ("list_state_machine_versions", {"stateMachineArn": first + "x"}),
    ]
    for method, given in others:
        assert refused(method, nextToken=token, **given)[0] == "InvalidToken", method


def test_pages_of_aliases_leave_none_out_where_one_before_is_deleted(sfn, make):
    arn = make(publish=True)
    routing = [{"stateMachineVersionArn": f"{arn}:1", "weight": 100}]
    made = [
        sfn.create_state_machine_alias(name=each, routingConfiguration=routing)[
            "stateMachineAliasArn"
        ]
        for each in ("a", "b", "c", "d")
    ]
    page = sfn.list_state_machine_aliases(stateMachineArn=arn, maxResults=2)
    sfn.delete_state_machine_alias(stateMachineAliasArn=made[0])
    rest = sfn.list_state_machine_aliases(stateMachineArn=arn, nextToken=page["nextToken"])
    told = [each["stateMachineAliasArn"] for each in rest["stateMachineAliases"]]
    assert told == made[2:]


def test_an_activity_that_no_worker_could_poll_is_not_made(refused):
    assert refused("create_activity", name="@states")[0] == "InvalidName"


def test_each_of_many_updates_publishes_what_it_has_made(sfn, make):
    arn = make()

    def update(number):
        text = json.dumps(
            {"Comment": f"{number}", "StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
        )
        made = sfn.update_state_machine(stateMachineArn=arn, definition=text, publish=True)
        return text, made["stateMachineVersionArn"]

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(update, range(16)))
    assert len({version for _, version in made}) == len(made)
    for text, version in made:
        assert sfn.describe_state_machine(stateMachineArn=version)["definition"] == text
