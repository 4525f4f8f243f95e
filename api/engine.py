"""What the HTTP faces ask of the engine: one method per command and query, nothing else.

`engine.serve.Engine` satisfies `Engine`. Every method raises subclasses of `engine.errors.EngineError` and nothing
else on purpose; whatever else comes out is answered as an internal error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from engine.arns import Origin
from engine.clock import Clock
from engine.commands.activities import ActivityCommands
from engine.commands.copying import Copying
from engine.commands.map_runs import MapRunCommands
from engine.commands.migrations import MigrationCommands
from engine.commands.state_machines import StateMachineCommands
from engine.commands.state_tests import StateTests
from engine.core.events import SignalReceived
from engine.core.orders import PauseMode
from engine.documents import Document
from engine.errors import EngineError
from engine.language.resources.express import DefinitionType
from engine.store.finding.filter import Filter
from engine.views import (
    AliasPut,
    AliasView,
    Ask,
    BroadcastResult,
    Caller,
    ChangePage,
    DefinitionPage,
    DefinitionSummary,
    DefinitionText,
    ExecutionCount,
    ExecutionPage,
    ExecutionSummary,
    ExecutionView,
    Health,
    Heartbeat,
    HistoryPage,
    LeasedTask,
    Ordered,
    Outcome,
    Published,
    Settled,
    SignalFate,
    SignalPage,
    SignalResult,
    StartResult,
    VersionSummary,
)
from engine.views.described import DescribedExecution, ListedPage
from engine.views.starting import Start

Format = Literal["yaml", "json"]


class Orders(Protocol):
    """What an operator can do with one execution."""

    async def pause(
        self, caller: Caller, execution: str, ask: Ask, mode: PauseMode, /
    ) -> Ordered: ...

    async def resume(self, caller: Caller, execution: str, ask: Ask, /) -> Ordered: ...

    async def release(self, caller: Caller, execution: str, ask: Ask, /) -> Ordered: ...

    async def cancel(
        self,
        caller: Caller,
        execution: str,
        ask: Ask,
        error: str | None,
        cause: str | None,
        /,
    ) -> Ordered: ...

    async def terminate(
        self,
        caller: Caller,
        execution: str,
        ask: Ask,
        error: str | None,
        cause: str | None,
        /,
    ) -> Ordered: ...

    async def retry(
        self, caller: Caller, execution: str, ask: Ask, frame: str | None, /
    ) -> Ordered: ...

    async def skip(
        self,
        caller: Caller,
        execution: str,
        ask: Ask,
        /,
        *,
        frame: str,
        output: Document,
        next_state: str | None,
    ) -> Ordered: ...

    async def goto(
        self,
        caller: Caller,
        execution: str,
        ask: Ask,
        /,
        *,
        frame: str,
        state: str,
        data: Document | None,
    ) -> Ordered: ...

    async def set_data(
        self, caller: Caller, execution: str, ask: Ask, frame: str, data: Document, /
    ) -> Ordered: ...

    async def set_variables(
        self,
        caller: Caller,
        execution: str,
        ask: Ask,
        frame: str,
        variables: Mapping[str, Document],
        /,
    ) -> Ordered: ...

    async def redrive(
        self,
        caller: Caller,
        execution: str,
        ask: Ask,
        /,
        *,
        version: int | None,
        data: Document | None,
    ) -> Ordered: ...

    async def redrive_by_arn(self, caller: Caller, execution: str, ask: Ask, /) -> int: ...

    async def complete_task(
        self, caller: Caller, execution: str, ask: Ask, frame: str, output: Document, /
    ) -> ExecutionSummary: ...

    async def fail_task(
        self,
        caller: Caller,
        execution: str,
        ask: Ask,
        frame: str,
        error: str | None,
        cause: str | None,
        /,
    ) -> ExecutionSummary: ...


class Commands(Orders, Protocol):
    """What a caller can do."""

    async def publish(
        self,
        caller: Caller,
        name: str,
        text: bytes,
        text_format: Format | None,
        kind: DefinitionType | None,
        /,
    ) -> Published: ...

    async def delete_definition(self, caller: Caller, name: str, /) -> DefinitionSummary: ...

    async def start(
        self,
        caller: Caller,
        definition: str,
        /,
        *,
        name: str | None,
        input: Document,  # noqa: A002 - the specification's word
        version: int | None,
        synchronous: bool,
        alias: str | None,
        origin: Origin | None = None,
    ) -> StartResult: ...

    async def start_many(
        self, caller: Caller, definition: str, starts: Sequence[Start], /
    ) -> list[StartResult | EngineError]: ...

    async def set_alias(
        self, caller: Caller, definition: str, alias: str, routing: Sequence[tuple[int, int]], /
    ) -> AliasPut: ...

    async def remove_alias(self, caller: Caller, definition: str, alias: str, /) -> AliasView: ...

    async def finish(self, caller: Caller, execution: str, /) -> ExecutionSummary: ...

    async def signal(
        self,
        caller: Caller,
        execution: str,
        name: str,
        payload: Document,
        signal_id: str | None,
        ttl_ms: int | None,
        /,
    ) -> SignalResult: ...

    async def broadcast(
        self,
        caller: Caller,
        definition: str,
        name: str,
        payload: Document,
        /,
        *,
        signal_id: str | None,
        ttl_ms: int | None,
        attributes: Sequence[tuple[str, str]],
    ) -> BroadcastResult: ...

    async def start_with_signal(
        self,
        caller: Caller,
        definition: str,
        /,
        *,
        name: str | None,
        input: Document,  # noqa: A002 - the specification's word
        version: int | None,
        signal: SignalReceived,
        alias: str | None,
    ) -> StartResult: ...

    async def stop(
        self, caller: Caller, execution: str, error: str | None, cause: str | None, wait_ms: int, /
    ) -> ExecutionSummary: ...

    async def lease(
        self, caller: Caller, queue: str, /, *, most: int, wait_ms: int, lease_ms: int, worker: str
    ) -> list[LeasedTask]: ...

    async def settle(self, caller: Caller, outcome: Outcome, /) -> None: ...

    async def settle_many(
        self, caller: Caller, outcomes: Sequence[Outcome], /
    ) -> list[Settled]: ...

    async def heartbeat(
        self, caller: Caller, token: str, lease: str | None, lease_ms: int | None, /
    ) -> Heartbeat: ...


class Queries(Protocol):
    """What a caller can ask."""

    @property
    def incarnation(self) -> int: ...

    async def definitions(
        self, caller: Caller, limit: int, cursor: str | None, /
    ) -> DefinitionPage: ...

    async def definition(
        self, caller: Caller, name: str, version: int | None, /
    ) -> DefinitionText: ...

    async def versions(self, caller: Caller, name: str, /) -> list[VersionSummary]: ...

    async def aliases(self, caller: Caller, name: str, /) -> list[AliasView]: ...

    async def alias(self, caller: Caller, name: str, alias: str, /) -> AliasView: ...

    async def closed(self, caller: Caller, execution: str, wait_ms: int, /) -> ExecutionSummary: ...

    async def describe(self, caller: Caller, execution: str, wait_ms: int, /) -> ExecutionView: ...

    async def history(
        self,
        caller: Caller,
        execution: str,
        /,
        *,
        after: int | None,
        limit: int,
        descending: bool,
        wait_ms: int,
    ) -> HistoryPage: ...

    async def signals(
        self, caller: Caller, execution: str, limit: int, cursor: str | None, /
    ) -> SignalPage: ...

    async def signal(
        self, caller: Caller, execution: str, signal_id: str, wait_ms: int, /
    ) -> SignalFate: ...

    async def executions(
        self,
        caller: Caller,
        wanted: Filter,
        /,
        *,
        limit: int,
        cursor: str | None,
    ) -> ExecutionPage: ...

    async def count(self, caller: Caller, wanted: Filter, /) -> ExecutionCount: ...

    async def described(
        self, caller: Caller, execution: str, /, *, wait_ms: int = 0
    ) -> DescribedExecution: ...

    def now_ms(self) -> int: ...

    async def listed(
        self, caller: Caller, wanted: Filter, /, *, limit: int, cursor: str | None
    ) -> ListedPage: ...

    async def health(self) -> Health: ...

    async def metrics(self) -> str: ...


class FeedQueries(Protocol):
    """What a caller can ask of what becomes of all executions."""

    async def changes(
        self, caller: Caller, /, *, after: str | None, definition: str | None, wait_ms: int
    ) -> ChangePage: ...


class Engine(Protocol):
    """The engine as the faces see it."""

    @property
    def clock(self) -> Clock: ...

    @property
    def commands(self) -> Commands: ...

    @property
    def queries(self) -> Queries: ...

    @property
    def operations(self) -> MigrationCommands: ...

    @property
    def feed(self) -> FeedQueries: ...

    @property
    def copying(self) -> Copying: ...

    @property
    def state_machines(self) -> StateMachineCommands: ...

    @property
    def activities(self) -> ActivityCommands: ...

    @property
    def map_runs(self) -> MapRunCommands: ...

    @property
    def state_tests(self) -> StateTests: ...
