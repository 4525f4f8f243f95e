"""What is asked of a single state, and what is answered. https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.arns import Place
from engine.documents import EMPTY_OBJECT, Document

Validation = Literal["STRICT", "PRESENT", "NONE"]
Status = Literal["SUCCEEDED", "FAILED", "RETRIABLE", "CAUGHT_ERROR"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MockedError:
    """The failure that the state's work is to come to."""

    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mock:
    """What stands for the state's work: the text of a JSON value, or an error. One of them only, which `checks` sees to.

    `validation` says how a result is compared with what the service's API answers: STRICT also asks for the required
    members, NONE asks for nothing.
    """

    result: str | None = None
    error: MockedError | None = None
    validation: Validation = "STRICT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is supposed to have happened before the state's work comes to its end."""

    retries: int | None = None  # of the retrier that names the mocked error
    caused_by: str | None = None  # the state inside a Map or Parallel that the mocked error is of
    failed_iterations: int | None = None  # of a Map
    reader_data: str | None = None  # what a distributed Map's ItemReader reads, in its own format

    def given(self) -> dict[str, object]:
        """Those parts that are given, by AWS's names for them."""
        told = {
            "RetrierRetryCount": self.retries,
            "ErrorCausedByState": self.caused_by,
            "MapIterationFailureCount": self.failed_iterations,
            "MapItemReaderData": self.reader_data,
        }
        return {name: value for name, value in told.items() if value is not None}


NOTHING_BEFORE = Situation()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One test of a state.

    definition  JSON: the state alone, or a whole definition where `state` names the one that is meant
    context     the Context Object, as given; None: one is made up, whose ARNs lie in `place`
    role        ARN of the role; without one, no task is performed
    """

    definition: str
    place: Place
    state: str | None = None
    input: Document = EMPTY_OBJECT
    variables: Mapping[str, Document] = field(default_factory=dict)
    context: Document | None = None
    mock: Mock | None = None
    situation: Situation = NOTHING_BEFORE
    role: str | None = None
    reveals_secrets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of the state.

    output      of one that SUCCEEDED, and what the catcher makes of a CAUGHT_ERROR
    error       of all others, with the cause; bare, without the words about the place that executions put before it
    inspection  what the state's fields made of the data, by AWS's names: Documents, numbers, and `errorDetails`
    """

    status: Status
    output: Document | None = None
    next: str | None = None
    error: str | None = None
    cause: str | None = None
    inspection: Mapping[str, Any] = field(default_factory=dict)
