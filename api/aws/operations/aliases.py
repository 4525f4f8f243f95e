"""Aliases of a state machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from api.aws.arguments import page
from api.aws.call import Call, Handler
from api.aws.errors import AwsError, validation
from api.aws.machine_arns import MachineArn, existing, no_machine, no_resource, unlabelled
from engine.commands.state_machines.rules import InvalidRouting
from engine.errors import AliasAlreadyExists, AliasNotFound, DefinitionNotFound, QuotaExceeded

REFUSED = "INVALID_ROUTING_CONFIGURATION"
NOTHING_GIVEN = "Either the description or the routingConfiguration must be specified"
EXISTS = "Failed to create alias because an alias with the same name and a different routing configuration already exists."

Item = dict[str, Any]


async def create_state_machine_alias(call: Call) -> dict[str, Any]:
    given = call.given
    machine, routing = _routing(given["routingConfiguration"])
    try:
        with _told(given["routingConfiguration"]):
            made = await call.engine.state_machines.create_alias(
                call.caller,
                machine.definition,
                given["name"],
                routing,
                given.get("description", ""),
            )
    except AliasAlreadyExists:
        raise AwsError("ConflictException", EXISTS) from None
    except QuotaExceeded as error:
        raise AwsError("ServiceQuotaExceededException", str(error)) from None
    shown = machine.place.machine(machine.definition, made.name)
    return {"stateMachineAliasArn": shown, "creationDate": made.created_ms / 1000}


async def update_state_machine_alias(call: Call) -> dict[str, Any]:
    given = call.given
    alias = _alias(call)
    routing = None
    if "routingConfiguration" in given:
        machine, routing = _routing(given["routingConfiguration"])
        if machine.definition != alias.definition:
            message = f"The versions are not of the alias's state machine: '{alias.text}'"
            raise validation(REFUSED, message)
    elif "description" not in given:
        raise validation("MISSING_REQUIRED_PARAMETER", NOTHING_GIVEN)
    with _found(alias), _told(given.get("routingConfiguration", ())):
        at_ms = await call.engine.state_machines.update_alias(
            call.caller, alias.definition, alias.alias, routing, given.get("description")
        )
    return {"updateDate": at_ms / 1000}


async def describe_state_machine_alias(call: Call) -> dict[str, Any]:
    alias = _alias(call)
    with _found(alias):
        found = await call.engine.state_machines.published_alias(
            call.caller, alias.definition, alias.alias
        )
    routing = [
        {
            "stateMachineVersionArn": alias.place.machine(alias.definition, number),
            "weight": weight,
        }
        for number, weight in found.routing
    ]
    members = {
        "stateMachineAliasArn": alias.text,
        "name": found.name,
        "routingConfiguration": routing,
        "creationDate": found.created_ms / 1000,
        "updateDate": found.updated_ms / 1000,
    }
    return members | ({"description": found.description} if found.description else {})


async def list_state_machine_aliases(call: Call) -> dict[str, Any]:
    """All of a state machine, or those that lead to a published version."""
    machine = unlabelled(call.given["stateMachineArn"])
    if machine.alias:
        raise no_machine(machine.text)
    with existing(machine.text):
        found = await call.engine.state_machines.published_aliases(
            call.caller, machine.definition, machine.number
        )
    entries, more = page(
        call.given,
        found,
        key=lambda each: f"{each.created_ms:015d} {each.name}",
        listing=f"aliases {machine.definition}:{machine.number}",
    )
    place = machine.place
    return {
        "stateMachineAliases": [
            {
                "stateMachineAliasArn": place.machine(machine.definition, each.name),
                "creationDate": each.created_ms / 1000,
            }
            for each in entries
        ],
        **more,
    }


async def delete_state_machine_alias(call: Call) -> dict[str, Any]:
    alias = _alias(call)
    with _found(alias):
        await call.engine.state_machines.delete_alias(call.caller, alias.definition, alias.alias)
    return {}


def _alias(call: Call) -> MachineArn:
    found = unlabelled(call.given["stateMachineAliasArn"])
    if not found.alias:
        raise AwsError("InvalidArn", f"Invalid Arn: '{found.text}'")
    return found


def _routing(given: Sequence[Item]) -> tuple[MachineArn, list[tuple[int, int]]]:
    """The state machine that versions are of, and (number, weight) of each."""
    versions = [unlabelled(each["stateMachineVersionArn"]) for each in given]
    wanted = "Routing configuration must contain"
    if not all(version.number for version in versions):
        raise validation(REFUSED, f"{wanted} state machine version ARNs. {_received(given)}")
    if len({version.definition for version in versions}) > 1:
        raise validation(REFUSED, f"{wanted} versions of one state machine. {_received(given)}")
    weights = (each["weight"] for each in given)
    pairs = zip(versions, weights, strict=True)
    return versions[0], [(int(version.number), weight) for version, weight in pairs]


def _received(given: Sequence[Item]) -> str:
    return f"Received: [{', '.join(each['stateMachineVersionArn'] for each in given)}]"


@contextmanager
def _told(given: Sequence[Item]) -> Iterator[None]:
    """Says in AWS's words why a routing is refused, or that it leads to what is not there."""
    try:
        yield
    except InvalidRouting as error:
        message = (
            "Routing configuration must contain distinct state machine version ARNs. "
            f"{_received(given)}"
        )
        if error.reason == "weights":
            weights = ", ".join(str(each["weight"]) for each in given)
            message = f"Sum of routing configuration weights must equal 100. Received: [{weights}]"
        raise validation(REFUSED, message) from None
    except DefinitionNotFound:
        if not given:
            raise
        raise no_resource(given[0]["stateMachineVersionArn"]) from None


@contextmanager
def _found(alias: MachineArn) -> Iterator[None]:
    try:
        yield
    except (AliasNotFound, DefinitionNotFound):
        raise no_resource(alias.text) from None


HANDLERS: dict[str, Handler] = {
    "CreateStateMachineAlias": create_state_machine_alias,
    "UpdateStateMachineAlias": update_state_machine_alias,
    "DescribeStateMachineAlias": describe_state_machine_alias,
    "ListStateMachineAliases": list_state_machine_aliases,
    "DeleteStateMachineAlias": delete_state_machine_alias,
}
