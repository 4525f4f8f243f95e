"""A Map Run as callers see it. Moments are milliseconds since 1970."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.core.execution import Names


class MapRunCounts(Struct, frozen=True, kw_only=True):
    """Of a run's children, or of the items that they stand for.

    `pending` have not been started, `pending_redrive` wait for a redrive to begin them again; `total` is all of them, as
    far as it is known while items are read. `results_written` are counted, or exported where the run exports results.
    """

    pending: int
    running: int
    succeeded: int
    failed: int
    timed_out: int
    aborted: int
    total: int
    results_written: int
    failures_not_redrivable: int
    pending_redrive: int


class MapRunView(Struct, frozen=True, kw_only=True):
    """One Map Run. `id` is "DEFINITION~LABEL:RUN", `execution` its parent."""

    id: str
    execution: str
    definition: str
    label: str
    state: str
    names: Names | None  # the parent's, where it goes by ARNs
    status: Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"]
    started_ms: int
    stopped_ms: int | None
    concurrency_max: int  # 0: no limit
    tolerated_count: int
    tolerated_percentage: float
    items: MapRunCounts
    executions: MapRunCounts
    redrives: int
    redriven_ms: int | None


class MapRunPage(Struct, frozen=True):
    """Newest first. A page may be short and still have a `next`."""

    map_runs: list[MapRunView]
    next: str | None
