"""Failures of states: what they are called, what a catcher hands on, and which names in ErrorEquals match them."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from msgspec import Struct

from engine.core.execution import Frame
from engine.documents import Document
from engine.language.expressions.scope import ExpressionError
from engine.language.schema.payload import Fault

ALL = "States.ALL"
RUNTIME = "States.Runtime"
TIMEOUT = "States.Timeout"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
TASK_FAILED = "States.TaskFailed"
QUERY_EVALUATION_ERROR = "States.QueryEvaluationError"
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
CANCELLED = "Detent.Cancelled"
SIGNAL_INVALID = "Detent.SignalInvalid"
CAUSE_CHARACTERS_MAX = (
    32_768  # as AWS Step Functions; a cause can quote a whole input and a whole path
)


class Failure(Struct, frozen=True):
    """Why a state failed. A missed heartbeat is recorded as States.Timeout (measured), but has its own name too.

    `location` is the field whose JSONata expression failed ("" where it is none in particular), which has a record of its own.
    One that is `cancelled` is a graceful stop, whatever its error is called: Detent.Cancelled matches it and nothing else does.
    """

    error: str | None
    cause: str | None
    heartbeat: bool = False
    location: str | None = None
    cancelled: bool = False

    @property
    def is_fatal(self) -> bool:
        """States.Runtime ends the whole execution; no Retry or Catch sees it (measured)."""
        return self.error == RUNTIME and not self.cancelled

    def is_matched_by(self, error_equals: AbstractSet[str]) -> bool:
        """Whether an ErrorEquals list names this failure.

        States.TaskFailed is every error but States.Timeout and States.DataLimitExceeded. States.ALL does catch
        States.DataLimitExceeded: AWS's documentation says otherwise, its behaviour was measured.
        """
        if self.cancelled:
            return CANCELLED in error_equals
        if self.is_fatal:
            return False
        if ALL in error_equals or (self.error is not None and self.error in error_equals):
            return True
        if self.heartbeat and HEARTBEAT_TIMEOUT in error_equals:
            return True
        return TASK_FAILED in error_equals and self.error not in (TIMEOUT, DATA_LIMIT_EXCEEDED)

    def output(self) -> Document:
        """The error output a catcher hands on. A failure with a name and no cause shows the cause as ""."""
        cause = self.cause if self.cause is not None or self.error is None else ""
        return Document.of({"Error": self.error, "Cause": cause})


def timed_out(*, heartbeat: bool = False) -> Failure:
    """A task's or signal's time-out, or a missed heartbeat; neither has a cause (measured)."""
    return Failure(TIMEOUT, None, heartbeat)


def result_too_large(what: str) -> Failure:
    """The output of a state or task exceeds the payload limit."""
    text = "returned a result with a size exceeding the maximum number of bytes service limit."
    return Failure(DATA_LIMIT_EXCEEDED, f"The state/task '{what}' {text}")


def signal_invalid(name: str, faults: Iterable[Fault]) -> Failure:
    """A signal's payload is not as the Schema of the state that has taken it wants it."""
    told = "; ".join(f"{fault.pointer or 'the payload'}: {fault.message}" for fault in faults)
    cause = f"The payload of signal {name} does not fit: {told}"
    return Failure(SIGNAL_INVALID, cause[:CAUSE_CHARACTERS_MAX])


def parameters_too_large(what: str) -> Failure:
    """The parameters of a task, or the input of a child, exceed the payload limit."""
    text = "provided parameters with a size exceeding the maximum number of bytes service limit."
    return Failure(DATA_LIMIT_EXCEEDED, f"The state/task '{what}' {text}")


def variables_too_large(what: str) -> Failure:
    """A variable, those of one Assign, or all of the execution exceed their limit."""
    text = "assigned variables with a size exceeding the maximum number of bytes service limit."
    return Failure(DATA_LIMIT_EXCEEDED, f"The state/task '{what}' {text}")


def of_expression(error: ExpressionError, frame: Frame) -> Failure:
    """An expression failed; AWS tells where in these words, once, from the innermost state."""
    place = f"An error occurred while executing the state '{frame.state}' (entered at the event id #{frame.entered}). "
    cause = (place + error.cause)[:CAUSE_CHARACTERS_MAX]
    location = error.location if error.error == QUERY_EVALUATION_ERROR else None
    return Failure(error.error, cause, location=location)
