"""Small ways to write a machine and to run it, for the tests of the core."""

from __future__ import annotations

import json
from typing import Any

from engine.language import read
from engine.language.machine import Machine
from engine.rehearsal import Rehearsal, Result

JSON = dict[str, Any]


def machine(states: JSON, start: str | None = None, **more: Any) -> Machine:
    """A machine of these states, starting at the first."""
    return read(json.dumps({"StartAt": start or next(iter(states)), "States": states, **more}))


def run(states: JSON, input: Any = None, *, top: JSON | None = None, **more: Any) -> Result:  # noqa: A002
    """The run of these states, with whatever the rehearsal takes."""
    result = Rehearsal(machine(states, **(top or {})), input, **more).run()
    assert result.left_behind == []
    return result


def scope(**states: JSON) -> JSON:
    """A branch or processor of these states, starting at the first."""
    return {"StartAt": next(iter(states)), "States": states}


def mapped(processor: JSON, **more: Any) -> JSON:
    return {"Type": "Map", "ItemProcessor": processor, "End": True, **more}


def chain(result: Result) -> list[str]:
    """The history as "id<previous type"."""
    return [f"{record.id}<{record.previous} {record.type}" for record in result.records]
