"""What a simulated run came to, and what of it must be the same whatever failed on the way."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class End:
    """What a run came to. `effects`: what workers did, by state, each idempotency key once."""

    status: str
    output: Any
    error: str | None
    cause: str | None
    history: list[tuple[Any, ...]]
    records: list[dict[str, Any]]
    effects: dict[str, int]
    tasks: dict[str, int]
    calls: int
    hits: int
    problems: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)


def child(found: dict[str, Any]) -> str:
    """A child as it must be whatever failed: its history without its name, which is random."""
    kinds = [record["type"] for record in found["records"]]
    told = [found["status"], found["output"], found["error"], found["others"], kinds]
    return f"{found['id'].partition(':')[0]} {json.dumps(told)}"


def summary(end: End) -> dict[str, Any]:
    """What must be the same whatever failed on the way, also where things happen beside one another."""
    return {
        "status": end.status,
        "output": end.output,
        "error": end.error,
        "cause": end.cause,
        "effects": end.effects,
        "tasks": end.tasks,
        "children": end.children,
        "records": dict(Counter(record["type"] for record in end.records)),
    }
