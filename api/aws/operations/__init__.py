"""The operations, by name: one module for each thing that they are about."""

from __future__ import annotations

from api.aws.call import Handler
from api.aws.operations import (
    activities,
    aliases,
    executions,
    history,
    machines,
    map_runs,
    tags,
    tasks,
    testing,
    validation,
    versions,
)

HANDLERS: dict[str, Handler] = {
    **activities.HANDLERS,
    **aliases.HANDLERS,
    **executions.HANDLERS,
    **history.HANDLERS,
    **machines.HANDLERS,
    **map_runs.HANDLERS,
    **tags.HANDLERS,
    **tasks.HANDLERS,
    **testing.HANDLERS,
    **validation.HANDLERS,
    **versions.HANDLERS,
}
