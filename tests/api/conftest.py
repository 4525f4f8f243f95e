"""A real server that speaks the Step Functions protocol, for all tests of a session, and boto3 at it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.conformance.served import served

ROLE = "arn:aws:iam::123456789012:role/orders"
REGION = "eu-central-1"

_names = itertools.count()


@pytest.fixture(scope="session")
def served_url() -> Iterator[str]:
    """The address of the server."""
    with served() as url:
        yield url


@pytest.fixture(scope="session")
def sfn(served_url: str) -> Any:
    """A boto3 client that checks what it sends, and does not repeat what fails."""
    return boto3.client(
        "stepfunctions",
        region_name=REGION,
        endpoint_url=served_url,
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def refused(sfn: Any) -> Callable[..., tuple[str, str]]:
    """The code and the message that a call of the method fails with."""

    def refusal(method: str, **given: Any) -> tuple[str, str]:
        with pytest.raises(sfn.exceptions.ClientError) as caught:
            getattr(sfn, method)(**given)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    return refusal


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"machine-{next(_names)}"


def text(comment: str = "one", **state: Any) -> str:
    """A definition of one Pass state."""
    states = {"Only": {"Type": "Pass", "End": True, **state}}
    return json.dumps({"Comment": comment, "StartAt": "Only", "States": states})


@pytest.fixture
def make(sfn: Any, name: str) -> Callable[..., str]:
    """Makes a state machine, of a name that no other test uses; its ARN."""

    def made(**given: Any) -> str:
        asked = {"name": name, "definition": text(), "roleArn": ROLE, **given}
        arn: str = sfn.create_state_machine(**asked)["stateMachineArn"]
        return arn

    return made
