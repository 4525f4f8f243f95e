"""What is sent to start many executions, and how each start is answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from api.rest.requests import Body, NewExecution
from engine.commands.batches import STARTS_MAX
from engine.views import ExecutionSummary


class BatchBody(Body, frozen=True):
    """Executions to start, each by itself."""

    starts: Annotated[
        list[NewExecution],
        Meta(min_length=1, max_length=STARTS_MAX, description="Answered in this order."),
    ]


class BatchedAnswer(Struct, frozen=True):
    """What became of one start: an execution, or the problem that a single start would be answered with."""

    result: Annotated[
        Literal["started", "existed", "refused"],
        Meta(description="`existed`: it runs already, with the same name and input."),
    ]
    execution: ExecutionSummary | UnsetType = UNSET
    problem: Annotated[
        dict[str, Any] | UnsetType,
        Meta(
            description="Why it was refused, with the `code` and the `status` that a single start is answered with. "
            "Of 429 and 503 repeating that start may help."
        ),
    ] = UNSET


class Batched(Struct, frozen=True):
    """An answer for each start, in the order sent."""

    results: list[BatchedAnswer]
