"""What a task that started an execution is told: that it was started, how it ended, or why it was refused.

The shapes are Step Functions': keys in PascalCase, times in milliseconds since 1970 (ISO text for the SDK integration).
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from engine.core.execution import Status
from engine.core.failures import CAUSE_CHARACTERS_MAX, RUNTIME, TASK_FAILED, TIMEOUT, Failure
from engine.core.records import iso
from engine.core.states.nested.sends import sdk_failure
from engine.core.states.nested.starts import DEPTH_MAX
from engine.documents import NULL, Document
from engine.language.machine import Resource

TOO_DEEP = Failure(
    "Detent.NestedTooDeep",
    f"{DEPTH_MAX} executions have started one another, one inside the other.",
)


BILLED_STEP_MS = 100  # Express executions are billed by this
BILLED_MEMORY_MB = (
    64  # the least that is ever billed; nothing measures the memory of one execution here
)


def billed_ms(lasted_ms: int) -> int:
    """The duration that an Express execution of so many milliseconds is billed for."""
    return -(-max(lasted_ms, 1) // BILLED_STEP_MS) * BILLED_STEP_MS


class Naming(Struct, frozen=True):
    """What executions and definitions are called in answers: their ids, behind a prefix where ARNs are wanted."""

    execution_prefix: str = ""
    definition_prefix: str = ""
    express_prefix: str = ""

    def execution(self, identifier: str) -> str:
        is_express = identifier.count(":") == 2
        return (self.express_prefix if is_express else self.execution_prefix) + identifier

    def definition(self, name: str) -> str:
        return self.definition_prefix + name


class End(Struct, frozen=True):
    """A child that has closed."""

    id: str
    status: Status
    input: Document
    started_ms: int
    stopped_ms: int
    output: Document | None = None
    error: str | None = None
    cause: str | None = None


class Answers:
    """Makes the answers that tasks get, naming things by `names`."""

    def __init__(self, names: Naming) -> None:
        self._names = names

    def started(
        self, resource: Resource, execution: str, started_ms: int, request_id: str
    ) -> Document:
        """The answer to a start. `request_id` is the same at every delivery of one start."""
        arn = self._names.execution(execution)
        if resource.service == "aws-sdk:sfn":
            return Document.of({"ExecutionArn": arn, "StartDate": iso(started_ms)})
        return Document.of(
            {
                "ExecutionArn": arn,
                "SdkHttpMetadata": {"HttpStatusCode": 200},
                "SdkResponseMetadata": {"RequestId": request_id},
                "StartDate": started_ms,
            }
        )

    def ended(self, resource: Resource, end: End) -> Document | Failure:
        """What a task that waited for its child comes to: its result, or its failure."""
        if resource.service == "workflow":
            return _own_outcome(end)
        described = self._described(end)
        if end.status != "SUCCEEDED":
            return Failure(TASK_FAILED, _bounded(described))
        if resource.action.endswith(":2"):
            described |= {"Input": end.input.value, "Output": (end.output or NULL).value}
        return Document.of(described)

    def ran(self, end: End) -> Document:
        """The answer to a call that has run an Express execution, whatever its end."""
        described = self._described(end) | {
            "BillingDetails": {
                "BilledDurationInMilliseconds": billed_ms(end.stopped_ms - end.started_ms),
                "BilledMemoryUsedInMB": BILLED_MEMORY_MB,
            },
            "Name": end.id.split(":")[1],
            "StartDate": iso(end.started_ms),
            "Status": "FAILED" if end.status == "ABORTED" else end.status,
            "StopDate": iso(end.stopped_ms),
        }
        return Document.of(dict(sorted(described.items())))

    def refused(self, resource: Resource, code: str, message: str, request_id: str) -> Failure:
        """Why a start was refused."""
        if resource.service == "aws-sdk:sfn":
            return sdk_failure(code, message, request_id)
        if resource.service == "workflow":
            return Failure(f"StepFunctions.{code}Exception", message)
        about = (
            f"(Service: AWSStepFunctions; Status Code: 400; Error Code: {code}; "
            f"Request ID: {request_id}; Proxy: null)"
        )
        return Failure(f"StepFunctions.{code}Exception", f"{message} {about}")

    def does_not_exist(self, target: str) -> str:
        shown = target if target.startswith("arn:") else self._names.definition(target)
        return f"State Machine Does Not Exist: '{shown}'"

    def already_exists(self, execution: str) -> str:
        return f"Execution Already Exists: '{self._names.execution(execution)}'"

    def _described(self, end: End) -> dict[str, Any]:
        """DescribeExecution of the child, its documents as text."""
        definition, _, name = end.id.partition(":")
        shown: dict[str, Any] = {
            "ExecutionArn": self._names.execution(end.id),
            "Input": end.input.text.decode(),
            "InputDetails": {"Included": True},
            "Name": name,
            "StartDate": end.started_ms,
            "StateMachineArn": self._names.definition(definition),
            "Status": end.status,
            "StopDate": end.stopped_ms,
        }
        if end.output is not None:
            shown |= {"Output": end.output.text.decode(), "OutputDetails": {"Included": True}}
        error = TIMEOUT if end.status == "TIMED_OUT" else end.error
        shown |= {k: v for k, v in (("Error", error), ("Cause", end.cause)) if v is not None}
        return dict(sorted(shown.items()))


def _bounded(described: dict[str, Any]) -> str:
    """The description as a cause: without the child's input, and without its own cause's end, where it is too long."""
    text = Document.of(described).text.decode()
    if len(text) > CAUSE_CHARACTERS_MAX:
        described = described | {"InputDetails": {"Included": False}}
        del described["Input"]
        text = Document.of(described).text.decode()
    excess = len(text) - CAUSE_CHARACTERS_MAX
    while excess > 0 and described.get("Cause"):
        described = described | {"Cause": described["Cause"][:-excess]}
        text = Document.of(described).text.decode()
        excess = len(text) - CAUSE_CHARACTERS_MAX
    return text


def _own_outcome(end: End) -> Document | Failure:
    """The outcome of `workflow:NAME`: the child's own. Its States.Runtime is no fault of the parent's, which may catch it."""
    match end.status:
        case "SUCCEEDED":
            return end.output or NULL
        case "TIMED_OUT":
            return Failure(TIMEOUT, f"The execution {end.id} timed out.")
        case "ABORTED":
            told = ": ".join(part for part in (end.error, end.cause) if part)
            return Failure(
                TASK_FAILED, f"The execution {end.id} was stopped." + f" {told}".rstrip()
            )
        case _:
            error = TASK_FAILED if end.error in (None, RUNTIME) else end.error
            return Failure(error, end.cause)
