"""An execution as callers see it who know it by ARNs: moments in milliseconds since 1970, names as its starter gave them."""

from __future__ import annotations

from msgspec import Struct

from engine.core.control.redrivable import Standing
from engine.core.execution import Names, Status
from engine.documents import Document


class ListedExecution(Struct, frozen=True, kw_only=True):
    """One execution in a line. `published` is the number of the published version that started it, 0 for none."""

    id: str
    definition: str
    name: str
    status: Status
    started_ms: int
    stopped_ms: int | None
    names: Names | None  # None: it was not started by an ARN
    published: int
    alias: str
    redrives: int
    redriven_ms: int  # 0: never
    map_run: str = ""  # id of the Map Run that it is a child of, "DEF~LABEL:RUN"
    items: int = 0  # of the Map Run, that it stands for


class DescribedExecution(ListedExecution, frozen=True, kw_only=True):
    """One execution with its data. `version` is the definition's that it is pinned to."""

    version: int
    input: Document
    output: Document | None
    error: str | None
    cause: str | None
    redrive: Standing


class ListedPage(Struct, frozen=True):
    """Newest first. A page may be short and still have a `next`."""

    executions: list[ListedExecution]
    next: str | None
