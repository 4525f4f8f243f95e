"""What operators send: one struct per order, on top of what all of them can say."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, UnsetType

from api.rest.requests import Body, Cause, Error, VersionNumber

Frame = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1024,
        description="The strand; `0` is the execution itself, `0/2` the third branch or iteration in it.",
        examples=["0"],
    ),
]
StateName = Annotated[
    str, Meta(min_length=1, max_length=80, description="A state of the strand's own scope.")
]


class OrderBody(Body, frozen=True):
    """Why something is done, and under which id."""

    reason: (
        Annotated[
            str, Meta(max_length=32_768, description="Why; kept in history beside who asked.")
        ]
        | None
    ) = None
    id: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=128,
                description="An order of this id is applied once, and answered alike for an hour; made up if absent.",
            ),
        ]
        | None
    ) = None


class PauseBody(OrderBody, frozen=True, kw_only=True):
    """How an execution is paused."""

    mode: Annotated[
        Literal["hold", "catch_up"],
        Meta(
            description="`hold`: timers stand still and keep what is left of them. `catch_up`: they go on, and what has "
            "fallen due is applied at resume."
        ),
    ] = "hold"


class TerminateBody(OrderBody, frozen=True, kw_only=True):
    """What the execution ends with."""

    error: Error | None = None
    cause: Cause | None = None


class RetryBody(OrderBody, frozen=True, kw_only=True):
    """Which strand tries again."""

    frame: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=1024,
                description="The strand that waits for its next attempt; all of them if absent.",
            ),
        ]
        | None
    ) = None


class SkipBody(OrderBody, frozen=True, kw_only=True):
    """What a skipped state hands on."""

    frame: Frame = "0"
    output: Annotated[
        Raw | UnsetType,
        Meta(
            description="The state's output as it goes to the next one; `{}` if absent.",
            examples=[{"paid": True}],
        ),
    ] = UNSET
    next: StateName | None = None


class GotoBody(OrderBody, frozen=True, kw_only=True):
    """Where a strand is sent."""

    state: StateName
    frame: Frame = "0"
    data: Annotated[
        Raw | UnsetType,
        Meta(description="What the state works with; what the strand has if absent."),
    ] = UNSET


class DataBody(OrderBody, frozen=True, kw_only=True):
    """What a strand works with from now on."""

    data: Annotated[Raw, Meta(description="Any JSON value.", examples=[{"order": 42}])]
    frame: Frame = "0"


class VariablesBody(OrderBody, frozen=True, kw_only=True):
    """Variables of a strand's own scope."""

    variables: Annotated[
        dict[str, Raw],
        Meta(min_length=1, description="Name to value.", examples=[{"attempts": 0}]),
    ]
    frame: Frame = "0"


class RedriveBody(OrderBody, frozen=True, kw_only=True):
    """How a closed execution goes on."""

    version: VersionNumber | None = None
    data: Annotated[
        Raw | UnsetType,
        Meta(description="What the state that failed works with; what it had if absent."),
    ] = UNSET


class CompleteTaskBody(OrderBody, frozen=True, kw_only=True):
    """A task's result, given in its worker's place."""

    frame: Frame = "0"
    output: Annotated[
        Raw | UnsetType,
        Meta(description="Any JSON value; null if absent.", examples=[{"paid": True}]),
    ] = UNSET


class FailTaskBody(OrderBody, frozen=True, kw_only=True):
    """A task's failure, given in its worker's place."""

    frame: Frame = "0"
    error: Error | None = None
    cause: Cause | None = None
