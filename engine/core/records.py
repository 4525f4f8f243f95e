"""History records: their types, their details, and the shape in which callers see them.

The vocabulary is Step Functions'; https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html.
In a record's `details` the keys are already AWS's; Documents become JSON strings when shown, assignedVariables maps names
to Documents. Words of our own:

- SignalReceived (signalReceivedEventDetails: name, id, input): a signal was accepted. It follows record 0, like
  everything that comes from outside the strands.
- SignalConsumed (signalConsumedEventDetails: name, id, state): a state has taken it. It lies in the state's strand, between
  TaskScheduled and what becomes of the task.
- SignalExpired (signalExpiredEventDetails: name, id): its time was over before a state took it. It follows record 0.
- SignalsLeftOver (signalsLeftOverEventDetails: count, and names: name to count, of 100 names at most): the execution ends,
  and nobody has taken these. It follows record 0 and stands right before the terminal record, which nothing follows.
- ExecutionMigrated (executionMigratedEventDetails: fromVersion, toVersion, by, reason, migration, rolledBack, moved): the
  execution was moved to another version; moved maps the states that strands have left to those they are in now. It
  follows record 0 too.
- A `signal:NAME` state is told in the words of a service task with resourceType "signal" and resource NAME:
  TaskStateEntered, TaskScheduled, then TaskSucceeded (its output is the payload) or TaskTimedOut, TaskStateExited.
- What an operator does says who (by) and why (reason): ExecutionPaused, ExecutionResumed, ExecutionReleased, ExecutionCancelRequested,
  ExecutionTerminateRequested, ExecutionRedriven (AWS's own, with redriveCount) follow record 0; StateRetried,
  StateSkipped, StateRedirected, StateInputSet, StateVariablesSet and TaskSettledByHand stand in the strand they are
  about. A state that was skipped, or left for another, has no StateExited.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from engine.core.effects import Record
from engine.documents import Document
from engine.language.machine import Task

_STATES = ("Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map")
ENTERED = {state: f"{state}StateEntered" for state in _STATES}
EXITED = {state: f"{state}StateExited" for state in _STATES}
ABORTED = {state: f"{state}StateAborted" for state in ("Task", "Wait", "Parallel", "Map")}
STARTED = {"Parallel": "ParallelStateStarted", "Map": "MapStateStarted"}
SUCCEEDED = {"Parallel": "ParallelStateSucceeded", "Map": "MapStateSucceeded"}
FAILED = {"Parallel": "ParallelStateFailed", "Map": "MapStateFailed"}
CLOSED = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "TIMED_OUT": "ExecutionTimedOut",
    "ABORTED": "ExecutionAborted",
}

_FAMILY = {"activity": "Activity", "lambda": "LambdaFunction", "service": "Task"}

# The key of a record type's details; a type that is in neither table has none.
DETAILS = {
    **dict.fromkeys(ENTERED.values(), "stateEnteredEventDetails"),
    **dict.fromkeys(EXITED.values(), "stateExitedEventDetails"),
    **{
        kind: kind[0].lower() + kind[1:] + "EventDetails"
        for kind in (
            "ExecutionStarted",
            *CLOSED.values(),
            *("ActivityScheduled", "ActivityStarted", "ActivitySucceeded"),
            *("ActivityFailed", "ActivityTimedOut"),
            *("LambdaFunctionScheduled", "LambdaFunctionSucceeded"),
            *("LambdaFunctionFailed", "LambdaFunctionTimedOut"),
            *(
                "TaskScheduled",
                "TaskStarted",
                "TaskSubmitted",
                "TaskSucceeded",
                "TaskFailed",
                "TaskTimedOut",
            ),
            *("MapStateStarted", "MapIterationStarted", "MapIterationSucceeded"),
            *("MapIterationFailed", "MapIterationAborted"),
            *("MapRunStarted", "MapRunRedriven", "MapRunFailed"),
            "EvaluationFailed",
            *("SignalReceived", "SignalConsumed", "SignalExpired", "SignalsLeftOver"),
            "ExecutionMigrated",
            *("ExecutionPaused", "ExecutionResumed", "ExecutionRedriven", "ExecutionReleased"),
            *("ExecutionCancelRequested", "ExecutionTerminateRequested"),
            *("StateRetried", "StateSkipped", "StateRedirected"),
            *("StateInputSet", "StateVariablesSet", "TaskSettledByHand"),
        )
    },
}


def task_record(state: Task, what: str, **details: Any) -> tuple[str, dict[str, Any]]:
    """Type and details of a record about a task: `what` is Scheduled, Started, Submitted, Succeeded, Failed or TimedOut.

    A service's records name it; an activity's and a Lambda function's do not. Details that are None are left out.
    """
    resource = state.resource
    kept = {key: value for key, value in details.items() if value is not None}
    if resource.family == "service":
        kept = {"resourceType": resource.service, "resource": resource.action, **kept}
    elif what == "Scheduled":
        kept = {"resource": resource.uri, **kept}
    return _FAMILY[resource.family] + what, kept


def scheduled(
    state: Task, parameters: Document, timeout: int | None, heartbeat: int | None
) -> dict[str, Any]:
    """The details of a Scheduled record, in seconds; a service calls its input parameters."""
    key = "parameters" if state.resource.family == "service" else "input"
    return {key: parameters, "timeoutInSeconds": timeout, "heartbeatInSeconds": heartbeat}


def iso(at_ms: int) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC, with milliseconds."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def render(record: Record) -> dict[str, Any]:
    """A record as GetExecutionHistory shows it, with the time as ISO text and payloads as JSON strings."""
    shown: dict[str, Any] = {
        "id": record.id,
        "previousEventId": record.previous,
        "timestamp": iso(record.at_ms),
        "type": record.type,
    }
    key = DETAILS.get(record.type)
    if key is not None:
        details: dict[str, Any] = {}
        for name, value in record.details.items():
            if name == "assignedVariables":
                details[name] = {key: each.text.decode() for key, each in value.items()}
                details["assignedVariablesDetails"] = {"truncated": False}
            elif isinstance(value, Document):
                details[name] = value.text.decode()
                if name in {"input", "output"}:
                    details[name + "Details"] = {"truncated": False}
            else:
                details[name] = value
        shown[key] = details
    return shown
