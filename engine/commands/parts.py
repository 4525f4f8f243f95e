"""What every command works with."""

from __future__ import annotations

from collections.abc import Callable

from engine.commands.fitting import Fitting
from engine.documents import Document
from engine.errors import (
    InvalidRequest,
    PayloadTooLarge,
)
from engine.express.express import Express
from engine.queries.described import ArnQueries
from engine.runtime.dispatcher import Dispatcher
from engine.runtime.machines import Machines
from engine.settings import Settings
from engine.store.catalog import Catalog
from engine.store.catalog.aliases import Aliases
from engine.store.executions import Executions
from engine.store.operating.orders import Orders
from engine.store.signals import Signals
from engine.store.tasks import Tasks
from engine.telemetry import Counters

ERROR_CHARACTERS_MAX = 256  # as AWS Step Functions
CAUSE_CHARACTERS_MAX = 32_768


class Parts:
    """`offer(ref)` hints this process's advancer, if it has one, that an execution has something to do."""

    def __init__(
        self,
        executions: Executions,
        tasks: Tasks,
        signals: Signals,
        catalog: Catalog,
        machines: Machines,
        dispatcher: Dispatcher,
        queries: ArnQueries,
        settings: Settings,
        counters: Counters,
        offer: Callable[[str], None],
        express: Express,
        orders: Orders,
        aliases: Aliases,
    ) -> None:
        self._executions = executions
        self._tasks = tasks
        self._signals = signals
        self._catalog = catalog
        self._machines = machines
        self._dispatcher = dispatcher
        self._queries = queries
        self._settings = settings
        self._counters = counters
        self._offer = offer
        self._express = express
        self._orders = orders
        self._fitting = Fitting(machines)
        self._aliases = aliases

    def _admit(self, *documents: Document) -> None:
        """Before anything new is begun or accepted: StoreRefused while Redis might delete it, PayloadTooLarge."""
        self._queries.standing.admit()
        for document in documents:
            self._check_size(document)

    def _check_size(self, document: Document) -> None:
        if len(document.text) > self._settings.payload_bytes_max:
            raise PayloadTooLarge(
                f"{len(document.text)} bytes, at most {self._settings.payload_bytes_max} are allowed"
            )


def check_failure(error: str | None, cause: str | None) -> None:
    if error is not None and len(error) > ERROR_CHARACTERS_MAX:
        raise InvalidRequest(f"error has more than {ERROR_CHARACTERS_MAX} characters")
    if cause is not None and len(cause) > CAUSE_CHARACTERS_MAX:
        raise InvalidRequest(f"cause has more than {CAUSE_CHARACTERS_MAX} characters")
