"""What workers and those who settle tasks send."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Raw, UnsetType, field

from api.rest.requests import (
    EXCHANGE_RESULTS_MAX,
    Body,
    Cause,
    Error,
    LeaseSeconds,
    LeaseSecret,
    WaitSeconds,
    Worker,
)


class LeaseBody(Body, frozen=True):
    """A worker's request for tasks."""

    max: Annotated[int, Meta(ge=1, le=100, description="How many tasks to take at most.")] = 1
    wait_seconds: WaitSeconds = 0
    lease_seconds: LeaseSeconds | None = None
    worker: Worker = ""


class ResultBody(Body, frozen=True):
    """The outcome of one task: `output`, or `error` with an optional `cause`."""

    token: Annotated[str, Meta(min_length=1, max_length=2048, description="The task's token.")]
    lease: LeaseSecret | None = None
    output: Annotated[
        Raw | UnsetType,
        Meta(description="The task's result, any JSON value.", examples=[{"paid": True}]),
    ] = UNSET
    error: Error | None = None
    cause: Cause | None = None


class ExchangeBody(Body, frozen=True):
    """Outcomes of finished tasks, and a request for new ones."""

    results: Annotated[
        list[ResultBody],
        Meta(
            max_length=EXCHANGE_RESULTS_MAX,
            description="Made durable before any task is handed out.",
        ),
    ] = field(default_factory=list)
    max: Annotated[
        int, Meta(ge=0, le=100, description="How many tasks to take at most; 0 only settles.")
    ] = 0
    wait_seconds: WaitSeconds = 0
    lease_seconds: LeaseSeconds | None = None
    worker: Worker = ""


class SucceedBody(Body, frozen=True):
    """A task's result."""

    output: Annotated[
        Raw | UnsetType,
        Meta(description="Any JSON value; null if absent.", examples=[{"paid": True}]),
    ] = UNSET
    lease: LeaseSecret | None = None


class FailBody(Body, frozen=True):
    """A task's failure; Retry and Catch of the state decide what follows."""

    error: Error | None = None
    cause: Cause | None = None
    lease: LeaseSecret | None = None


class HeartbeatBody(Body, frozen=True):
    """A sign of life."""

    lease: LeaseSecret | None = None
    lease_seconds: LeaseSeconds | None = None
