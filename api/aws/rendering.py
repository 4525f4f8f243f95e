"""Executions as the protocol shows them. Pure: views in, members of an answer out."""

from __future__ import annotations

from typing import Any

from api.aws.arguments import moment
from engine.arns import Place, place_of
from engine.core.states.nested.answers import BILLED_MEMORY_MB, billed_ms
from engine.views.described import DescribedExecution, ListedExecution


def summary(found: ListedExecution, place: Place) -> dict[str, Any]:
    """A line of ListExecutions. `place` is where an execution is that has no ARN of its own."""
    place = place_of(found.names) or place
    members: dict[str, Any] = {
        "executionArn": place.execution(found.id),
        "stateMachineArn": place.machine(found.definition),
        "name": found.name,
        "status": found.status,
        "startDate": seconds(found.started_ms),
        "redriveCount": found.redrives,
    }
    if found.stopped_ms is not None:
        members["stopDate"] = seconds(found.stopped_ms)
    if found.redriven_ms:
        members["redriveDate"] = seconds(found.redriven_ms)
    if found.published:
        members["stateMachineVersionArn"] = place.machine(found.definition, found.published)
    if found.alias:
        members["stateMachineAliasArn"] = place.machine(found.definition, found.alias)
    if found.map_run:
        members["mapRunArn"] = place.map_run(*found.map_run.split(":"))
        members["itemCount"] = found.items
    return members


def description(found: DescribedExecution, place: Place, *, with_data: bool) -> dict[str, Any]:
    """DescribeExecution. Without data neither input nor output is told."""
    members = summary(found, place) | {
        **_data(found, with_data=with_data),
        **_failure(found),
        "redriveStatus": found.redrive.status,
    }
    members.pop("itemCount", None)  # told in lists only
    if found.redrive.reason:
        members["redriveStatusReason"] = found.redrive.reason
    return members


def synchronous(found: DescribedExecution, place: Place, *, with_data: bool) -> dict[str, Any]:
    """StartSyncExecution of an execution that has ended. One that was stopped has failed, for whoever waits."""
    stopped_ms = found.stopped_ms or found.started_ms
    place = place_of(found.names) or place
    return {
        "executionArn": place.execution(found.id),
        "stateMachineArn": place.machine(found.definition),
        "name": found.name,
        "status": "FAILED" if found.status == "ABORTED" else found.status,
        "startDate": seconds(found.started_ms),
        "stopDate": seconds(stopped_ms),
        **_data(found, with_data=with_data),
        **_failure(found),
        "billingDetails": {
            "billedDurationInMilliseconds": billed_ms(stopped_ms - found.started_ms),
            "billedMemoryUsedInMB": BILLED_MEMORY_MB,
        },
    }


def _data(found: DescribedExecution, *, with_data: bool) -> dict[str, Any]:
    documents = {"input": found.input, "output": found.output}
    members: dict[str, Any] = {}
    for name, document in documents.items():
        if document is None:
            continue
        if with_data:
            members[name] = document.text.decode()
        members[f"{name}Details"] = {"included": with_data}
    return members


def _failure(found: DescribedExecution) -> dict[str, str]:
    told = {"error": found.error, "cause": found.cause}
    return {name: text for name, text in told.items() if text is not None}


# History

_DATA = frozenset({"input", "output", "parameters", "assignedVariables"})
_ABOUT_DATA = frozenset({"inputDetails", "outputDetails", "assignedVariablesDetails"})


def event(shown: dict[str, Any], *, with_data: bool) -> dict[str, Any]:
    """A record of the history, its time in seconds. Without data, no input, output, parameters or variables are told."""
    members = shown | {"timestamp": moment(shown["timestamp"])}
    if with_data:
        return members
    return {
        name: {k: v for k, v in value.items() if k not in _DATA | _ABOUT_DATA}
        if isinstance(value, dict)
        else value
        for name, value in members.items()
    }


def seconds(at_ms: int) -> float:
    """Milliseconds since 1970 as JSON 1.0 writes a timestamp."""
    return at_ms / 1000
