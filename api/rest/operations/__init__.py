"""The table of everything the REST face offers."""

from __future__ import annotations

from api.rest.operation import Operation
from api.rest.operations import (
    aliases,
    batches,
    bulk,
    copies,
    definitions,
    executions,
    following,
    health,
    map_runs,
    migrations,
    orders,
    signals,
    tasks,
)

# The busiest come first: routes are tried in this order.
OPERATIONS: tuple[Operation, ...] = (
    *tasks.OPERATIONS,
    *executions.OPERATIONS,
    *batches.OPERATIONS,
    *orders.OPERATIONS,
    *signals.OPERATIONS,
    *following.OPERATIONS,
    *map_runs.OPERATIONS,
    *definitions.OPERATIONS,
    *aliases.OPERATIONS,
    *migrations.OPERATIONS,
    *bulk.OPERATIONS,
    *copies.OPERATIONS,
    *health.OPERATIONS,
)


def by_path() -> dict[str, list[Operation]]:
    """The operations of every path, in the table's order."""
    paths: dict[str, list[Operation]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, []).append(operation)
    return paths
