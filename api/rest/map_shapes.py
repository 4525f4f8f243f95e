"""Map Runs as the REST face shows them, and what it is asked to change of one."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from api.rest.requests import Body
from engine.clock import iso
from engine.views.map_runs import MapRunCounts, MapRunView


class MapRun(Struct, frozen=True, omit_defaults=True):
    """One Map Run."""

    id: Annotated[str, Meta(description="`<definition>~<label>:<uuid>`.")]
    execution: Annotated[str, Meta(description="The execution that it belongs to.")]
    state: Annotated[str, Meta(description="The Map state.")]
    status: Annotated[
        Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"],
        Meta(description="ABORTED also while its children are being stopped."),
    ]
    started: Annotated[str, Meta(description="When it began.")]
    items: Annotated[MapRunCounts, Meta(description="Items by what has become of their children.")]
    executions: Annotated[MapRunCounts, Meta(description="Children by what has become of them.")]
    max_concurrency: Annotated[
        int, Meta(description="Children that may run at once; 0 is no limit of the author's.")
    ]
    tolerated_failure_count: Annotated[
        int, Meta(description="Items that may fail without the run failing.")
    ]
    tolerated_failure_percentage: Annotated[float, Meta(description="The same, of all items.")]
    redrives: Annotated[int, Meta(description="How often it was redriven.")] = 0
    stopped: Annotated[str | None, Meta(description="When it ended.")] = None
    redriven: Annotated[str | None, Meta(description="When it was redriven last.")] = None


class MapRunList(Struct, frozen=True, omit_defaults=True):
    """A page of Map Runs, newest first."""

    map_runs: Annotated[list[MapRun], Meta(description="Newest first.")]
    next: Annotated[
        str | None, Meta(description="The cursor of the next page; absent on the last.")
    ] = None


class MapRunBody(Body, frozen=True):
    """What a Map Run is to keep to from now on; what is absent stays as it is."""

    max_concurrency: (
        Annotated[
            int, Meta(ge=0, le=10_000, description="Children that may run at once; 0 is no limit.")
        ]
        | None
    ) = None
    tolerated_failure_count: (
        Annotated[
            int,
            Meta(ge=0, le=100_000_000, description="Items that may fail without the run failing."),
        ]
        | None
    ) = None
    tolerated_failure_percentage: (
        Annotated[float, Meta(ge=0, le=100, description="The same, of all items.")] | None
    ) = None


def shown(run: MapRunView) -> MapRun:
    """A Map Run in the form of the face."""
    return MapRun(
        run.id,
        run.execution,
        run.state,
        run.status,
        iso(run.started_ms),
        run.items,
        run.executions,
        run.concurrency_max,
        run.tolerated_count,
        run.tolerated_percentage,
        run.redrives,
        None if run.stopped_ms is None else iso(run.stopped_ms),
        None if run.redriven_ms is None else iso(run.redriven_ms),
    )


_COUNTS = {
    "pending": 2, "running": 1, "succeeded": 4, "failed": 1, "timed_out": 0, "aborted": 0, "total": 8,
    "results_written": 5, "failures_not_redrivable": 0, "pending_redrive": 0,
}  # fmt: skip
EXAMPLE = {
    "id": "order~Each:9b1d3e0a-6f0a-4b0e-9d5c-0f6a4d1c2b3a",
    "execution": "order:42",
    "state": "Each",
    "status": "RUNNING",
    "started": "2026-11-24T09:30:00.000Z",
    "items": _COUNTS,
    "executions": _COUNTS,
    "max_concurrency": 1,
    "tolerated_failure_count": 2,
    "tolerated_failure_percentage": 0.0,
}
EXAMPLES = {"map_runs": [EXAMPLE]}
