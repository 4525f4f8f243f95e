"""Definitions as state machines of AWS Step Functions: revisions, published versions, aliases, tags.

A *revision* is a version of the definition, with what its author said besides the text (role, logging, ...). Some
revisions are *published*, under numbers of their own; aliases lead to these. What belongs to the machine and not to a
revision is its profile (engine/store/catalog/profiles.py).
"""

from __future__ import annotations

from engine.commands.state_machines.starting import Starting
from engine.commands.state_machines.values import Attributes, Revision, Target

__all__ = ["Attributes", "Revision", "StateMachineCommands", "Target"]


class StateMachineCommands(Starting):
    """All of them, by what they are about."""
