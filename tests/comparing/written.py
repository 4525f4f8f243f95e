"""Short ways to write two versions of a definition."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from engine.language import read
from engine.language.machine import Machine

JSON = dict[str, Any]

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("DETENT_SHARED", ROOT.parent / "shared"))
SHIPPED = sorted((ROOT / "definitions").glob("*.yaml"))


def real_definitions() -> list[JSON]:
    """Definitions that people wrote; empty where the shared folder is absent."""
    path = SHARED / "real-definitions" / "definitions.json"
    entries = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return [entry["definition"] for entry in entries]


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


def distributed(processor: JSON, **more: Any) -> JSON:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return mapped({**processor, "ProcessorConfig": config}, **more)


def renamed(document: JSON, names: dict[str, str]) -> JSON:
    """The definition with its states called otherwise, and nothing else changed."""

    def name(value: Any) -> Any:
        return names.get(value, value)

    def led(fields: JSON) -> JSON:
        leading = {"Next", "Default", "StartAt"} & fields.keys()
        return {**fields, **{key: name(fields[key]) for key in leading}}

    def state(fields: JSON) -> JSON:
        made = led(fields)
        for field in {"Choices", "Catch"} & made.keys():
            made[field] = [led(entry) for entry in made[field]]
        if "Branches" in made:
            made["Branches"] = [scope(branch) for branch in made["Branches"]]
        for field in {"ItemProcessor", "Iterator"} & made.keys():
            made[field] = scope(made[field])
        return made

    def scope(fields: JSON) -> JSON:
        return {
            **led(fields),
            "States": {name(each): state(own) for each, own in fields["States"].items()},
        }

    return scope(document)
