"""Short ways to write two versions of a definition."""

from __future__ import annotations

import json
from typing import Any

from engine.language import read
from engine.language.machine import Machine

JSON = dict[str, Any]


def states(**written: JSON) -> JSON:
    """A scope of these states, in this order: each goes on to the next where nothing else is said."""
    names = list(written)
    filled = {}
    for at, (name, fields) in enumerate(written.items()):
        own = {"Type": "Pass", **fields}
        if not {"Next", "End"} & own.keys() and own["Type"] not in {"Choice", "Succeed", "Fail"}:
            own |= {"Next": names[at + 1]} if at + 1 < len(names) else {"End": True}
        filled[name] = own
    return {"StartAt": names[0], "States": filled}


def machine(**written: JSON) -> Machine:
    return read(json.dumps(states(**written)))


def task(resource: str = "activity:work", **more: Any) -> JSON:
    return {"Type": "Task", "Resource": resource, **more}


def wait(seconds: int = 60, **more: Any) -> JSON:
    return {"Type": "Wait", "Seconds": seconds, **more}


def parallel(*branches: JSON, **more: Any) -> JSON:
    return {"Type": "Parallel", "Branches": list(branches), **more}


def mapped(processor: JSON, **more: Any) -> JSON:
    return {"Type": "Map", "ItemProcessor": processor, **more}
