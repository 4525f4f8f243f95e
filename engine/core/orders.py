"""Orders: what an operator, or an operation on many executions, asks of one execution. All of them are control events.

Each says who asked (`by`), why (`reason`, where a reason was given), and which `operation` waits for the answer: "" for
none, else the transition that applies the order answers with exactly one `effects.Tally` of it: "done", or "refused"
with a reason code from `engine.core.control.refusals`. An order that is refused changes nothing and leaves no record.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.core.execution import FrameId
from engine.documents import Document

PauseMode = Literal["hold", "catch_up"]


class Order(Struct, frozen=True, array_like=True):
    """What all orders say."""

    by: str
    reason: str | None
    operation: str


class PauseRequested(Order, frozen=True, tag="pause"):
    """Begin nothing until resumed. Timers `hold` (what is left of them is kept), or `catch_up` (they apply at resume)."""

    mode: PauseMode = "hold"


class ResumeRequested(Order, frozen=True, tag="resume"):
    """Go on after a pause."""


class ReleaseRequested(Order, frozen=True, tag="release"):
    """Go on after having been set aside; whoever delivers an order lets the execution out, and this one asks for no more."""


class CancelRequested(Order, frozen=True, tag="cancel"):
    """Stop gracefully: what the root strand does fails as Detent.Cancelled, and a Catch of that name may compensate.

    `error` and `cause` are what the execution ends with where nothing catches it.
    """

    error: str | None = None
    cause: str | None = None


class TerminateRequested(Order, frozen=True, tag="terminate"):
    """End the execution as ABORTED, at once: nothing catches it."""

    error: str | None = None
    cause: str | None = None


class RetryRequested(Order, frozen=True, tag="retry"):
    """Begin the next attempt now, of one strand that waits for its next, or of all (frame None)."""

    frame: FrameId | None = None


class SkipRequested(Order, frozen=True, tag="skip"):
    """Leave the state that a strand rests in with `output`, for the state's Next, or for `next` where that is given."""

    frame: FrameId
    output: Document
    next: str | None = None


class GotoRequested(Order, frozen=True, tag="goto"):
    """Leave the state that a strand rests in for another of the same scope, with `data`, or with the data it has."""

    frame: FrameId
    state: str
    data: Document | None = None


class DataSet(Order, frozen=True, tag="data"):
    """Replace the data that a strand rests with: the raw input of its state."""

    frame: FrameId
    data: Document


class VariablesSet(Order, frozen=True, tag="variables"):
    """Set variables of a strand's own scope, as Assign would."""

    frame: FrameId
    variables: dict[str, Document]


class RedriveRequested(Order, frozen=True, tag="redrive"):
    """Go on from where a closed execution failed, with `data` in place of what the failed root strand had."""

    data: Document | None = None
