"""Published versions of a state machine."""

from __future__ import annotations

from typing import Any

from api.aws.arguments import PAGE, invalid_token, next_token, place_of
from api.aws.call import Call, Handler
from api.aws.errors import AwsError
from api.aws.machine_arns import existing, unlabelled, unqualified
from engine.errors import InvalidRequest, QuotaExceeded, RevisionConflict, VersionInUse
from engine.queries.paging import moment_of


async def publish_state_machine_version(call: Call) -> dict[str, Any]:
    given = call.given
    machine = unqualified(given["stateMachineArn"])
    try:
        with existing(machine.text):
            published = await call.engine.state_machines.publish(
                call.caller,
                machine.definition,
                revision=given.get("revisionId", ""),
                description=given.get("description", ""),
            )
    except RevisionConflict as error:
        message = (
            f"Failed to publish the State Machine version for revision {given['revisionId']}. "
            f"The current State Machine revision is {error.facts['current']}."
        )
        raise AwsError("ConflictException", message) from None
    except QuotaExceeded as error:
        raise AwsError("ServiceQuotaExceededException", str(error)) from None
    return _entry(machine.text, published.number, published.created_ms)


async def list_state_machine_versions(call: Call) -> dict[str, Any]:
    machine = unlabelled(call.given["stateMachineArn"])
    listing = f"versions {machine.definition}"
    before = _number(place_of(call.given.get("nextToken"), listing))
    most = call.given.get("maxResults") or PAGE
    shown = machine.place.machine(machine.definition)
    found, following = await call.engine.state_machines.publications(
        call.caller, machine.definition, before, most
    )
    entries = [_entry(shown, each.number, each.created_ms) for each in found]
    more = {} if following is None else {"nextToken": next_token(listing, str(following))}
    return {"stateMachineVersions": entries, **more}


async def delete_state_machine_version(call: Call) -> dict[str, Any]:
    """Done also where there is no such version, or no such state machine."""
    text = call.given["stateMachineVersionArn"]
    machine = unlabelled(text)
    if not machine.number:
        raise AwsError("ValidationException", f"The ARN is no state machine version's: '{text}'")
    try:
        await call.engine.state_machines.unpublish(
            call.caller, machine.definition, int(machine.number)
        )
    except VersionInUse as error:
        message = (
            "Version to be deleted must not be referenced by an alias. "
            f"Current list of aliases referencing this version: [{', '.join(error.facts['aliases'])}]"
        )
        raise AwsError("ConflictException", message) from None
    return {}


def _entry(shown: str, number: int, created_ms: int) -> dict[str, Any]:
    return {"stateMachineVersionArn": f"{shown}:{number}", "creationDate": created_ms / 1000}


def _number(place: str | None) -> int | None:
    """The number below which a page begins."""
    if place is None:
        return None
    try:
        return moment_of(place)
    except InvalidRequest:
        raise invalid_token() from None


HANDLERS: dict[str, Handler] = {
    "PublishStateMachineVersion": publish_state_machine_version,
    "ListStateMachineVersions": list_state_machine_versions,
    "DeleteStateMachineVersion": delete_state_machine_version,
}
