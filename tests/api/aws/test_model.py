"""Requests are checked against the service model before an operation sees them, in the words of AWS's front end."""

from __future__ import annotations

import pytest

from api.aws.errors import AwsError
from api.aws.model import check, operations


def refusal(operation, given):
    with pytest.raises(AwsError) as caught:
        check(operation, given)
    return caught.value.code, caught.value.message


def test_the_service_has_37_operations():
    assert len(operations()) == 37


def test_members_that_are_null_or_unknown_are_left_out():
    given = {"name": "pack", "tags": None, "colour": "red"}
    assert check("CreateActivity", given) == {"name": "pack"}


@pytest.mark.parametrize(
    ("operation", "given", "told"),
    [
        (
            "CreateActivity",
            {},
            "Value null at 'name' failed to satisfy constraint: Member must not be null",
        ),
        (
            "ListActivities",
            {"maxResults": 1001},
            (
                "Value '1001' at 'maxResults' failed to satisfy constraint: "
                "Member must have value less than or equal to 1000"
            ),
        ),
        (
            "CreateActivity",
            {"name": ""},
            (
                "Value '' at 'name' failed to satisfy constraint: "
                "Member must have length greater than or equal to 1"
            ),
        ),
        (
            "ListExecutions",
            {"statusFilter": "LOST"},
            (
                "Value 'LOST' at 'statusFilter' failed to satisfy constraint: Member must satisfy enum value set: "
                "[SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]"
            ),
        ),
        (
            "UpdateStateMachineAlias",
            {
                "stateMachineAliasArn": "a",
                "routingConfiguration": [{"stateMachineVersionArn": "v", "weight": 30}] * 3,
            },
            (
                f"Value '[{', '.join(['RoutingConfigurationListItem(stateMachineVersionArn=v, weight=30)'] * 3)}]' at "
                "'routingConfiguration' failed to satisfy constraint: Member must have length less than or equal to 2"
            ),
        ),
    ],
)
def test_a_broken_constraint_is_told_with_value_and_member(operation, given, told):
    code, message = refusal(operation, given)
    assert code == "ValidationException"
    assert message == f"1 validation error detected: {told}"


def test_all_broken_constraints_are_told_at_once():
    _, message = refusal("CreateStateMachine", {"name": ""})
    assert message.startswith("3 validation errors detected: ")


def test_what_is_secret_is_not_repeated():
    _, message = refusal("SendTaskFailure", {"taskToken": "t", "error": "e" * 257})
    assert "eee" not in message


@pytest.mark.parametrize("given", [[], "x", 1, {"name": 1}, {"name": ["x"]}, {"maxResults": True}])
def test_a_member_of_another_type_is_a_serialization_error(given):
    operation = "ListActivities" if given == {"maxResults": True} else "CreateActivity"
    assert refusal(operation, given)[0] == "SerializationException"
