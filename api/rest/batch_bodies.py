"""What is sent to start many executions, and how each start is answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from api.rest.requests import Body, VersionNumber
from engine.commands.batches import STARTS_MAX
from engine.views import ExecutionSummary


class BatchedStart(Body, frozen=True):
    """One execution to start. Repeating it with the same name and input is safe."""

    name: (
        Annotated[
            str, Meta(description="The business key, unique per definition; made up if absent.")
        ]
        | None
    ) = None
    input: Annotated[
        Raw | UnsetType,
        Meta(description="Any JSON value; `{}` if absent.", examples=[{"order": 42}]),
    ] = UNSET
    version: VersionNumber | None = None
    alias: (
        Annotated[
            str, Meta(description="The alias that chooses the version; not beside `version`.")
        ]
        | None
    ) = None


class BatchBody(Body, frozen=True):
    """Executions to start, each by itself."""

    starts: Annotated[
        list[BatchedStart],
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
