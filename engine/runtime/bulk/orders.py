"""What is sent to each execution of an operation."""

from __future__ import annotations

from typing import Protocol

from engine.core.events import MigrateRequested
from engine.errors import ExecutionClosed, ExecutionNotFound, QuotaExceeded
from engine.runtime.bulk.asked import Asked
from engine.runtime.bulk.routes import Routes
from engine.store.finding.rows import Row
from engine.store.keys import ref_of
from engine.store.signals import Signals

GONE = "closed"  # it ended before it was told
REFUSED = "refused"


class Order(Protocol):
    """Tells one execution; answers None where the execution itself will answer, or what became of it at once."""

    async def send(self, row: Row) -> str | None:
        """May be repeated. Raises StoreUnavailable."""


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
        )
        try:
            ref = ref_of(self._namespace, row.id)
            await self._signals.control(ref, event, operation=self._operation)
        except (ExecutionClosed, ExecutionNotFound):
            return GONE
        except QuotaExceeded:
            return REFUSED
        return None
