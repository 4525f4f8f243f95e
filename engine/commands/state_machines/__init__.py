"""Definitions as state machines of AWS Step Functions: revisions, published versions, aliases, tags.

A *revision* is a version of the definition, with what its author said besides the text (role, logging, ...). Some
revisions are *published*, under numbers of their own; aliases lead to these. What belongs to the machine and not to a
revision is its profile (engine/store/catalog/profiles.py).
"""

from __future__ import annotations

from engine.commands.state_machines.aliasing import Aliasing
from engine.commands.state_machines.making import Made
from engine.commands.state_machines.tagging import Tagging
from engine.commands.state_machines.values import Attributes, Revision, Target

__all__ = ["Attributes", "Made", "Revision", "StateMachineCommands", "Target"]


class StateMachineCommands(Aliasing, Tagging):
    """All of them, by what they are about."""
