"""How a setting is declared: its value's kind, unit, bounds, and the reason for its default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class InvalidSettings(ValueError):
    """The settings cannot be used; `problems` has one sentence for each that is wrong."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "Settings refused:\n" + "\n".join(f"  - {problem}" for problem in problems)
        )


@dataclass(frozen=True, slots=True)
class Knob:
    """What is known of a setting besides its value. Numbers are in `unit`; bounds are inclusive."""

    unit: str
    reason: str
    read: Callable[[str], Any]
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # other variables that are read when the setting's own is absent


def text_knob(default: Any, unit: str, reason: str, **more: Any) -> Any:
    return made(default, Knob(unit, reason, str, **more))


def path_knob(default: Any, unit: str, reason: str) -> Any:
    return made(default, Knob(unit, reason, lambda text: Path(text).expanduser()))


def count_knob(default: int, unit: str, reason: str, low: int, high: int) -> Any:
    return made(default, Knob(unit, reason, int, low, high))


def seconds_knob(default: float, reason: str, low: float, high: float) -> Any:
    return made(default, Knob("seconds", reason, float, low, high))


def secret_knob(default: Any, unit: str, reason: str, **more: Any) -> Any:
    return field(default=default, repr=False, metadata={"knob": Knob(unit, reason, str, **more)})


def made(default: Any, knob: Knob) -> Any:
    return field(default=default, metadata={"knob": knob})
