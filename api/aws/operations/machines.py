"""State machines: create, update, describe, list, delete."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from api.aws.arguments import PAGE, arn, execution, invalid_token, tags_of
from api.aws.call import Call, Handler
from api.aws.errors import AwsError
from api.aws.machine_arns import existing, machine_arn, no_machine, unlabelled, unqualified
from api.aws.refusals import invalid_definition
from api.aws.revisions import attributes, described
from engine.commands.state_machines import Made
from engine.commands.state_machines.rules import InvalidConfiguration
from engine.errors import (
    DefinitionAlreadyExists,
    DefinitionNotFound,
    ExecutionNotFound,
    InvalidDefinition,
    InvalidName,
    QuotaExceeded,
)
from engine.names import check_name
from engine.views import Published

NOTHING_GIVEN = "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified"
CHANGES = (
    "definition",
    "roleArn",
    "loggingConfiguration",
    "tracingConfiguration",
    "encryptionConfiguration",
)


async def create_state_machine(call: Call) -> dict[str, Any]:
    given = call.given
    name = given["name"]
    shown = call.place.machine(name)
    _check_description(given)
    try:
        with _accepted():
            made = await call.engine.state_machines.create(
                call.caller,
                name,
                given["definition"].encode(),
                given.get("type", "STANDARD"),
                attributes(given),
                tags=tags_of(given),
                publish=given.get("publish", False),
                description=given.get("versionDescription", ""),
            )
    except InvalidName:
        raise AwsError("InvalidName", f"Invalid Name: '{name}'") from None
    except DefinitionAlreadyExists:
        message = f"State Machine Already Exists: '{shown}'"
        raise AwsError("StateMachineAlreadyExists", message) from None
    except QuotaExceeded:
        raise AwsError("TooManyTags", f"Too many tags: '{shown}'", resourceName=shown) from None
    return {
        "stateMachineArn": shown,
        "creationDate": made.at_ms / 1000,
        **_published(shown, made),
    }


async def update_state_machine(call: Call) -> dict[str, Any]:
    given = call.given
    if not any(name in given for name in CHANGES):
        raise AwsError("MissingRequiredParameter", NOTHING_GIVEN)
    _check_description(given)
    machine = unqualified(given["stateMachineArn"])
    text = given.get("definition")
    try:
        with _accepted(), existing(machine.text):
            made = await call.engine.state_machines.update(
                call.caller,
                machine.definition,
                None if text is None else text.encode(),
                attributes(given),
                publish=given.get("publish", False),
                description=given.get("versionDescription", ""),
            )
    except QuotaExceeded as error:
        raise AwsError("ServiceQuotaExceededException", str(error)) from None
    if made.is_new:
        await _after_publish(call, made)
    members = {"updateDate": made.at_ms / 1000, **_published(machine.text, made)}
    return members | ({"revisionId": made.revision.id} if made.is_new else {})


async def describe_state_machine(call: Call) -> dict[str, Any]:
    machine = machine_arn(call.given["stateMachineArn"])
    if machine.alias:
        raise no_machine(machine.text)
    commands = call.engine.state_machines
    with existing(machine.text):
        revision, at_ms, published = await commands.described(
            call.caller, machine.definition, machine.number
        )
    compiled = await commands.machine(call.caller, revision)
    if machine.label and machine.label not in compiled.processors:
        raise no_machine(machine.text)
    members = {
        "stateMachineArn": machine.text,
        "name": machine.definition,
        "status": "ACTIVE",
        "type": revision.type,
        "creationDate": at_ms / 1000,
        **described(revision, compiled, metadata_only=_metadata_only(call)),
    }
    if published is not None and published.description:
        members["description"] = published.description
    return members | ({"label": machine.label} if machine.label else {})


async def describe_state_machine_for_execution(call: Call) -> dict[str, Any]:
    """The revision that an execution runs on, also where it was replaced or its state machine deleted."""
    found = execution(call.given["executionArn"])
    identifier = found.rest.replace("/", "~", 1)
    commands = call.engine.state_machines
    try:
        running = await call.engine.queries.described(call.caller, identifier, wait_ms=0)
        definition, _, label = running.definition.partition("~")
        revision = await commands.revision(call.caller, definition, running.version)
    except (ExecutionNotFound, DefinitionNotFound, InvalidName):
        message = f"Execution Does Not Exist: '{call.given['executionArn']}'"
        raise AwsError("ExecutionDoesNotExist", message) from None
    compiled = await commands.machine(call.caller, revision)
    members = {
        "stateMachineArn": found.place.machine(running.definition),
        "name": definition,
        "updateDate": revision.created_ms / 1000,
        **described(revision, compiled, metadata_only=_metadata_only(call)),
    }
    return members | ({"label": label} if label else {})


async def delete_state_machine(call: Call) -> dict[str, Any]:
    """Deleted at once, and as often as is asked for. What runs goes on."""
    machine = unlabelled(call.given["stateMachineArn"])
    if not machine.qualifier:
        with suppress(InvalidName):  # there is nothing of that name
            await call.engine.state_machines.delete(call.caller, machine.definition)
    return {}


async def list_state_machines(call: Call) -> dict[str, Any]:
    after = _name_of(call.given.get("nextToken"))
    most = call.given.get("maxResults") or PAGE
    found, following = await call.engine.state_machines.state_machines(call.caller, after, most)
    entries = [
        {
            "stateMachineArn": call.place.machine(each.name),
            "name": each.name,
            "type": each.type,
            "creationDate": each.created_ms / 1000,
        }
        for each in found
    ]
    token = base64.b64encode(call.place.machine(following).encode()).decode()
    return {"stateMachines": entries, **({"nextToken": token} if following else {})}


def _name_of(token: str | None) -> str:
    """The name that a page begins with. A token is an ARN in base64, so that it stays good whatever comes and goes."""
    if token is None:
        return ""
    try:
        found = arn(base64.b64decode(token, validate=True).decode(), "stateMachine")
        return check_name(found.rest, "definition")
    except (ValueError, AwsError, InvalidName):
        raise invalid_token() from None


def _metadata_only(call: Call) -> bool:
    return bool(call.given.get("includedData") == "METADATA_ONLY")


def _published(shown: str, made: Made) -> dict[str, str]:
    if made.published is None:
        return {}
    return {"stateMachineVersionArn": f"{shown}:{made.published.number}"}


def _check_description(given: dict[str, Any]) -> None:
    if given.get("versionDescription") and not given.get("publish"):
        message = "Version description can only be set when publish is true"
        raise AwsError("ValidationException", message)


async def _after_publish(call: Call, made: Made) -> None:
    """Running executions stay where they are, unless the definition itself says that they follow."""
    revision = made.revision
    published = Published(
        revision.definition, revision.version, "", "", changed=True, type=revision.type
    )
    await call.engine.operations.after_publish(call.caller, published, None)


@contextmanager
def _accepted() -> Iterator[None]:
    """Says in AWS's words why a definition or a configuration is refused."""
    try:
        yield
    except InvalidDefinition as error:
        raise invalid_definition(error) from None
    except InvalidConfiguration as error:
        message = f"Invalid {error.which} Configuration: {error.told}"
        raise AwsError(f"Invalid{error.which}Configuration", message) from None


HANDLERS: dict[str, Handler] = {
    "CreateStateMachine": create_state_machine,
    "UpdateStateMachine": update_state_machine,
    "DescribeStateMachine": describe_state_machine,
    "DescribeStateMachineForExecution": describe_state_machine_for_execution,
    "DeleteStateMachine": delete_state_machine,
    "ListStateMachines": list_state_machines,
}
