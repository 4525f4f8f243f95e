"""Map Runs: describe, list, update."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from api.aws.arguments import PAGE, arn, execution, invalid_token
from api.aws.call import Call, Handler
from api.aws.errors import AwsError, validation
from api.aws.machine_arns import no_resource
from engine import errors
from engine.arns import Arn, Place
from engine.views.map_runs import MapRunCounts, MapRunView

CLOSED = "Map Run is not running and cannot be updated"


async def describe_map_run(call: Call) -> dict[str, Any]:
    """One Map Run with its counts."""
    text = call.given["mapRunArn"]
    found = identified(text)
    with told(text):
        run = await call.engine.map_runs.describe(call.caller, identifier(found))
    members = _line(run, found.place) | {
        "status": run.status,
        "maxConcurrency": run.concurrency_max,
        "toleratedFailurePercentage": run.tolerated_percentage,
        "toleratedFailureCount": run.tolerated_count,
        "itemCounts": _counts(run.items),
        "executionCounts": _counts(run.executions),
        "redriveCount": run.redrives,
    }
    del members["stateMachineArn"]
    if run.redriven_ms is not None:
        members["redriveDate"] = run.redriven_ms / 1000
    return members


async def list_map_runs(call: Call) -> dict[str, Any]:
    """The Map Runs of an execution, newest first."""
    found = execution(call.given["executionArn"])
    parent = found.rest.replace("/", "~")
    try:
        await call.engine.queries.described(call.caller, parent)
        page = await call.engine.map_runs.of(
            call.caller,
            parent,
            limit=call.given.get("maxResults") or PAGE,
            cursor=call.given.get("nextToken"),
        )
    except errors.ExecutionNotFound:
        text = call.given["executionArn"]
        raise AwsError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{text}'") from None
    except errors.InvalidRequest:
        raise invalid_token() from None
    members: dict[str, Any] = {"mapRuns": [_line(run, found.place) for run in page.map_runs]}
    if page.next is not None:
        members["nextToken"] = page.next
    return members


async def update_map_run(call: Call) -> dict[str, Any]:
    """Change concurrency and tolerances of a Map Run that runs."""
    given = call.given
    with told(given["mapRunArn"]):
        await call.engine.map_runs.update(
            call.caller,
            identifier(identified(given["mapRunArn"])),
            concurrency_max=given.get("maxConcurrency"),
            tolerated_count=given.get("toleratedFailureCount"),
            tolerated_percentage=given.get("toleratedFailurePercentage"),
        )
    return {}


def identified(text: str) -> Arn:
    """A Map Run's ARN, taken apart. Raises AwsError InvalidArn."""
    found = arn(text, "mapRun")
    processor, colon, run = found.rest.partition(":")
    if not colon or not run or "/" not in processor or ":" in run:
        raise AwsError("InvalidArn", f"Invalid Arn: '{text}'")
    return found


def identifier(found: Arn) -> str:
    """The id of the Map Run with that ARN."""
    return found.rest.replace("/", "~")


@contextmanager
def told(text: str) -> Iterator[None]:
    """The engine's refusals in the protocol's words, of the Map Run with this ARN."""
    try:
        yield
    except errors.MapRunNotFound:
        raise no_resource(text) from None
    except errors.InvalidName:
        raise AwsError("InvalidArn", f"Invalid Arn: '{text}'") from None
    except errors.MapRunClosed:
        raise validation("CANNOT_UPDATE_COMPLETED_MAP_RUN", CLOSED) from None


def _line(run: MapRunView, place: Place) -> dict[str, Any]:
    processor, _, name = run.id.partition(":")
    members: dict[str, Any] = {
        "executionArn": place.execution(run.execution),
        "mapRunArn": place.map_run(processor, name),
        "stateMachineArn": place.machine(processor),
        "startDate": run.started_ms / 1000,
    }
    if run.stopped_ms is not None:
        members["stopDate"] = run.stopped_ms / 1000
    return members


def _counts(counts: MapRunCounts) -> dict[str, int]:
    return {
        "pending": counts.pending,
        "running": counts.running,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "timedOut": counts.timed_out,
        "aborted": counts.aborted,
        "total": counts.total,
        "resultsWritten": counts.results_written,
        "failuresNotRedrivable": counts.failures_not_redrivable,
        "pendingRedrive": counts.pending_redrive,
    }


HANDLERS: dict[str, Handler] = {
    "DescribeMapRun": describe_map_run,
    "ListMapRuns": list_map_runs,
    "UpdateMapRun": update_map_run,
}
