"""What a caller can do. Each command checks its arguments, then does one atomic deed in the store.

A command that returns has been made durable in the mode's sense; one that raises has changed nothing, except
OutcomeUnknown, which says so: all of them may be repeated safely.
"""

from __future__ import annotations

from engine.commands.batches import BatchCommands
from engine.commands.broadcasts import BroadcastCommands
from engine.commands.definitions import DefinitionCommands
from engine.commands.redriving import RedriveCommands
from engine.commands.tasks import TaskCommands


class Commands(DefinitionCommands, BatchCommands, RedriveCommands, BroadcastCommands, TaskCommands):
    """All of them, by what they are about."""


__all__ = ["Commands"]
