"""What is sent to each execution of an operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from engine.core import orders
from engine.core.control.redriving import hindrance
from engine.core.events import MigrateRequested
from engine.core.execution import ROOT
from engine.documents import Document
from engine.errors import (
    DefinitionNotFound,
    ExecutionClosed,
    ExecutionNotFound,
    InvalidDefinition,
    OrderRefused,
    QuotaExceeded,
)
from engine.runtime.bulk.asked import Asked
from engine.runtime.bulk.routes import Routes
from engine.runtime.machines import Machines
from engine.store.finding.rows import Row
from engine.store.keys import ref_of
from engine.store.operating.orders import Orders
from engine.store.signals import Signals

GONE = "closed"  # it ended before it was told
REFUSED = "refused"


class Order(Protocol):
    """Tells one execution; answers None where the execution itself will answer, or what became of it at once."""

    async def send(self, row: Row) -> str | None:
        """May be repeated. Raises StoreUnavailable."""


Maker = Callable[[Asked, str], orders.Order]


def _who(asked: Asked, operation: str) -> tuple[str, str | None, str]:
    return asked.by, asked.reason, operation


def _document(asked: Asked, name: str) -> Document:
    return Document.from_text(asked.given[name].encode())


def _goto(asked: Asked, operation: str) -> orders.Order:
    data = _document(asked, "data") if "data" in asked.given else None
    return orders.GotoRequested(*_who(asked, operation), ROOT, asked.given["state"], data)


def _skip(asked: Asked, operation: str) -> orders.Order:
    output, following = _document(asked, "output"), asked.given.get("next")
    return orders.SkipRequested(*_who(asked, operation), ROOT, output, following)


def _variables(asked: Asked, operation: str) -> orders.Order:
    variables = {n: Document.of(v) for n, v in _document(asked, "variables").value.items()}
    return orders.VariablesSet(*_who(asked, operation), ROOT, variables)


def _stop(kind: type[orders.CancelRequested | orders.TerminateRequested]) -> Maker:
    def make(asked: Asked, operation: str) -> orders.Order:
        error, cause = asked.given.get("error"), asked.given.get("cause")
        return kind(*_who(asked, operation), error, cause)

    return make


# What an operator's verb asks of each execution; of several strands it is the execution's own that is meant.
VERBS: dict[str, Maker] = {
    "pause": lambda asked, at: orders.PauseRequested(
        *_who(asked, at), "catch_up" if asked.given.get("mode") == "catch_up" else "hold"
    ),
    "resume": lambda asked, at: orders.ResumeRequested(*_who(asked, at)),
    "cancel": _stop(orders.CancelRequested),
    "terminate": _stop(orders.TerminateRequested),
    "retry": lambda asked, at: orders.RetryRequested(*_who(asked, at)),
    "skip": _skip,
    "goto": _goto,
    "data": lambda asked, at: orders.DataSet(*_who(asked, at), ROOT, _document(asked, "data")),
    "variables": _variables,
}


class Verb:
    """Gives one order to each execution."""

    def __init__(self, namespace: str, operation: str, asked: Asked, signals: Signals) -> None:
        self._namespace = namespace
        self._operation = operation
        self._event: Any = VERBS[asked.kind](asked, operation)
        self._signals = signals

    async def send(self, row: Row) -> str | None:
        try:
            ref = ref_of(self._namespace, row.id)
            await self._signals.control(ref, self._event, operation=self._operation)
        except (ExecutionClosed, ExecutionNotFound):
            return GONE
        except QuotaExceeded:
            return REFUSED
        return None


class Redrive:
    """Opens closed executions again."""

    def __init__(
        self,
        namespace: str,
        operation: str,
        asked: Asked,
        store: Orders,
        machines: Machines,
        records_max: int,
    ) -> None:
        data = _document(asked, "input") if "input" in asked.given else None
        self._namespace = namespace
        self._version: int | None = asked.given.get("version")
        self._order = orders.RedriveRequested(*_who(asked, operation), data)
        self._store = store
        self._machines = machines
        self._records_max = records_max

    async def send(self, row: Row) -> str | None:
        ref = ref_of(self._namespace, row.id)
        if not await self._store.is_known(ref, self._order.operation):
            root, records = await self._store.root(ref)
            of = self._namespace, row.definition, self._version or row.version
            try:
                machine = await self._machines.get(*of)
            except (DefinitionNotFound, InvalidDefinition):
                return REFUSED
            if hindrance(machine, root, records, self._records_max) is not None:
                return REFUSED
        try:
            await self._store.redrive(
                ref, self._order, status=row.status, version=self._version, watch_ms=1
            )
        except ExecutionNotFound:
            return GONE
        except (OrderRefused, QuotaExceeded):
            return REFUSED
        return None


class Migration:
    """Moves executions to another version, or takes that back."""

    def __init__(
        self, namespace: str, operation: str, asked: Asked, routes: Routes, signals: Signals
    ) -> None:
        self._namespace = namespace
        self._operation = operation
        self._asked = asked
        self._routes = routes
        self._signals = signals

    async def send(self, row: Row) -> str | None:
        asked = self._asked
        mapping: dict[str, str] = {}
        explicit: frozenset[str] = frozenset()
        if not asked.back:
            route = await self._routes.from_version(row.version)
            mapping, explicit = route.mapping, route.explicit
        event = MigrateRequested(
            asked.version,
            mapping,
            explicit,
            asked.by,
            asked.reason,
            self._operation,
            asked.data,
            asked.back,
            0 if asked.back else row.version,
        )
        try:
            ref = ref_of(self._namespace, row.id)
            await self._signals.control(ref, event, operation=self._operation)
        except (ExecutionClosed, ExecutionNotFound):
            return GONE
        except QuotaExceeded:
            return REFUSED
        return None
