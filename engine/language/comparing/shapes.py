"""Stand-in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.language.machine import Machine


@dataclass
class Missing:
    state: str
    field: str
    path: str


def missing_paths(machine: Machine, state: str, data: Any, *, entered: bool) -> list[Missing]:
    return []
