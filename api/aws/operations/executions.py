"""Executions: start, describe, list, stop, redrive."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import UNSET

from api.aws.arguments import PAGE, execution, invalid_token, moment
from api.aws.call import Call, Handler
from api.aws.errors import AwsError, validation
from api.aws.machine_arns import MachineArn, no_machine, unlabelled
from api.aws.operations import map_runs
from api.aws.rendering import description, seconds, summary, synchronous
from api.rest.receive import Stopping
from engine import errors
from engine.arns import Origin
from engine.commands.state_machines import Target
from engine.documents import EMPTY_OBJECT, Document
from engine.language.diagnostics.input_faults import input_fault
from engine.store.finding.filter import Filter
from engine.views import Ask, StartResult

STOP_WAIT_MS = (
    5000  # most executions close within milliseconds; a large one goes on after the answer
)
REDRIVE_WAIT_MS = 5000  # for the transition that says when
SYNC_WAIT_MS = 310_000  # an Express execution lasts five minutes at most
UNSUPPORTED = "This operation is not supported by this type of state machine"


# Starting


async def start_execution(call: Call) -> dict[str, Any]:
    """Start, once per name: repeated with the same input while it runs, the same answer."""
    started = await _start(call, synchronous=False)
    place = unlabelled(call.given["stateMachineArn"]).place
    return {
        "executionArn": place.execution(started.execution.id),
        "startDate": moment(started.execution.started),
    }


async def start_sync_execution(call: Call) -> dict[str, Any]:
    """Start an Express execution and answer with its end, whatever that is."""
    started = await _start(call, synchronous=True)
    identifier, described = started.execution.id, call.engine.queries.described
    if started.execution.status == "RUNNING":
        try:
            found = await call.hold(described(call.caller, identifier, wait_ms=SYNC_WAIT_MS))
        except Stopping:
            await call.engine.commands.finish(call.caller, identifier)
            found = await described(call.caller, identifier)
    else:
        found = await described(call.caller, identifier)
    members = synchronous(found, call.place, with_data=_with_data(call))
    if "traceHeader" in call.given:
        members["traceHeader"] = call.given["traceHeader"]
    return members


async def _target(call: Call, machine: MachineArn, execution_name: str = "") -> Target:
    """What a state machine's ARN leads to: the definition, the version, and its role."""
    with told(machine.text):
        return await call.engine.state_machines.target(
            call.caller, machine.definition, machine.qualifier, execution_name
        )


async def _start(call: Call, *, synchronous: bool) -> StartResult:
    given, machine = call.given, unlabelled(call.given["stateMachineArn"])
    # Made here where none is given: by its name an alias chooses among its versions.
    name = given.get("name") or str(uuid.uuid4())
    target = await _target(call, machine, name)
    if synchronous and target.type != "EXPRESS":
        raise AwsError("StateMachineTypeNotSupported", UNSUPPORTED)
    origin = Origin(machine.place, target.role, target.published, target.alias)
    try:
        return await call.engine.commands.start(
            call.caller,
            target.definition,
            name=name,
            input=_input(given.get("input")),
            version=target.version,
            synchronous=synchronous,
            alias=None,
            origin=origin,
        )
    except errors.ExecutionAlreadyExists:
        known = machine.place.execution(f"{target.definition}:{name}")
        raise AwsError("ExecutionAlreadyExists", f"Execution Already Exists: '{known}'") from None
    except errors.DefinitionNotFound:
        raise no_machine(machine.text) from None
    except errors.InvalidName:
        raise AwsError("InvalidName", f"Invalid Name: '{name}'") from None
    except errors.PayloadTooLarge as error:
        raise _no_input(str(error)) from None
    except errors.QuotaExceeded as error:
        raise AwsError("ExecutionLimitExceeded", str(error)) from None


def _input(text: str | None) -> Document:
    if text is None:
        return EMPTY_OBJECT
    try:
        return Document.parse(text)
    except errors.InvalidDocument:
        raise _no_input(input_fault(text)) from None


def _no_input(why: str) -> AwsError:
    return AwsError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{why}'")


# One execution


async def describe_execution(call: Call) -> dict[str, Any]:
    """One execution with its data."""
    found = execution(call.given["executionArn"])
    with told(call.given["executionArn"]):
        described = await call.engine.queries.described(call.caller, found.identifier)
    return description(described, found.place, with_data=_with_data(call))


async def stop_execution(call: Call) -> dict[str, Any]:
    """End it as ABORTED; one that has ended stays as it is."""
    given = call.given
    found = execution(given["executionArn"])
    engine, identifier = call.engine, found.identifier
    with told(given["executionArn"]):
        try:
            ended = await engine.commands.stop(
                call.caller, identifier, given.get("error"), given.get("cause"), STOP_WAIT_MS
            )
        except errors.ExecutionClosed:
            ended = await engine.queries.closed(call.caller, identifier, 0)
    if ended.stopped is UNSET:  # a large one goes on closing
        return {"stopDate": seconds(engine.queries.now_ms())}
    return {"stopDate": moment(ended.stopped)}


async def redrive_execution(call: Call) -> dict[str, Any]:
    """Go on from where it failed, once per client token."""
    given = call.given
    found = execution(given["executionArn"])
    identifier = found.identifier
    ask = Ask(id=given.get("clientToken"), wait_ms=REDRIVE_WAIT_MS)
    with told(given["executionArn"]):
        redriven_ms = await call.engine.commands.redrive_by_arn(call.caller, identifier, ask)
    return {"redriveDate": seconds(redriven_ms)}


# Many executions


async def list_executions(call: Call) -> dict[str, Any]:
    """Those of a state machine, one of its versions or aliases, or of a Map Run: newest first."""
    given = call.given
    if ("stateMachineArn" in given) == ("mapRunArn" in given):
        message = "Exactly one of stateMachineArn and mapRunArn must be given."
        raise validation("MISSING_REQUIRED_PARAMETER", message)
    wanted = await _of_map_run(call) if "mapRunArn" in given else await _of_machine(call)
    try:
        page = await call.engine.queries.listed(
            call.caller,
            wanted,
            limit=given.get("maxResults") or PAGE,
            cursor=given.get("nextToken"),
        )
    except errors.InvalidRequest:
        raise invalid_token() from None
    run = {"mapRunArn": given["mapRunArn"]} if "mapRunArn" in given else {}
    if given.get("statusFilter") == "PENDING_REDRIVE":
        run["status"] = "PENDING_REDRIVE"
    members: dict[str, Any] = {
        "executions": [summary(each, call.place) | run for each in page.executions]
    }
    if page.next is not None:
        members["nextToken"] = page.next
    return members


async def _of_machine(call: Call) -> Filter:
    for name, refused in (("statusFilter", "PENDING_REDRIVE"), ("redriveFilter", None)):
        asked = call.given.get(name)
        if asked is not None and refused in {asked, None}:
            message = f"{name} {asked} is for the executions of a Map Run: give a mapRunArn."
            raise AwsError("ValidationException", message)
    target = await _target(call, unlabelled(call.given["stateMachineArn"]))
    if target.type == "EXPRESS":
        raise AwsError("StateMachineTypeNotSupported", UNSUPPORTED)
    return _filter(call, target.definition, published=target.published, alias=target.alias)


async def _of_map_run(call: Call) -> Filter:
    """The children of a Map Run."""
    asked, redrive = call.given.get("statusFilter"), call.given.get("redriveFilter")
    text = call.given["mapRunArn"]
    with map_runs.told(text):
        return await call.engine.map_runs.children(
            call.caller,
            map_runs.identifier(map_runs.identified(text)),
            status=None if asked == "PENDING_REDRIVE" else asked,
            is_redriven=None if redrive is None else redrive == "REDRIVEN",
            is_waiting=asked == "PENDING_REDRIVE",
        )


def _filter(call: Call, definition: str, *, published: int = 0, alias: str = "") -> Filter:
    asked, redrive = call.given.get("statusFilter"), call.given.get("redriveFilter")
    return Filter(
        definition=definition,
        status=None if asked == "PENDING_REDRIVE" else asked,
        published=published or None,
        alias=alias or None,
        is_redriven=None if redrive is None else redrive == "REDRIVEN",
    )


# What they share


def _with_data(call: Call) -> bool:
    return bool(call.given.get("includedData") != "METADATA_ONLY")


@contextmanager
def told(text: str) -> Iterator[None]:
    """The engine's refusals in the protocol's words, of an operation on the resource with this ARN."""
    try:
        yield
    except errors.ExecutionNotFound:
        raise AwsError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{text}'") from None
    except (errors.DefinitionNotFound, errors.AliasNotFound):
        raise no_machine(text) from None
    except errors.InvalidName:
        raise AwsError("InvalidArn", f"Invalid Arn: '{text}'") from None
    except errors.OrderRefused as error:
        raise AwsError("ExecutionNotRedrivable", error.detail or str(error)) from None
    except errors.QuotaExceeded as error:
        raise AwsError("ExecutionLimitExceeded", str(error)) from None


HANDLERS: dict[str, Handler] = {
    "DescribeExecution": describe_execution,
    "ListExecutions": list_executions,
    "RedriveExecution": redrive_execution,
    "StartExecution": start_execution,
    "StartSyncExecution": start_sync_execution,
    "StopExecution": stop_execution,
}
