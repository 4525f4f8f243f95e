"""What is known of a setting besides its value, and the fields that settings are declared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


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


# Each declares a field of Settings; `reason` says why its default is what it is.


def a_text(default: Any, unit: str, reason: str, **more: Any) -> Any:
    return a_knob(default, Knob(unit, reason, str, **more))


def a_path(default: Any, unit: str, reason: str) -> Any:
    return a_knob(default, Knob(unit, reason, lambda text: Path(text).expanduser()))


def a_count(default: int, unit: str, reason: str, low: int, high: int) -> Any:
    return a_knob(default, Knob(unit, reason, int, low, high))


def a_seconds(default: float, reason: str, low: float, high: float) -> Any:
    return a_knob(default, Knob("seconds", reason, float, low, high))


def a_secret(default: Any, unit: str, reason: str, **more: Any) -> Any:
    return field(default=default, repr=False, metadata={"knob": Knob(unit, reason, str, **more)})


def a_knob(default: Any, knob: Knob) -> Any:
    return field(default=default, metadata={"knob": knob})
