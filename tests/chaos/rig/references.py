"""The payloads of a store against what refers to them: each is there, none is left, and every count is right.

Pure: a snapshot in, sentences out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from engine.documents import DIGEST_BYTES
from engine.store.bounds.referring import referred
from engine.store.keys import split_task_id


def problems(found: dict[str, Any], prefix: str) -> list[str]:
    """What is wrong with the payloads of a store at rest. [] is right."""
    out: list[str] = []
    for name, entry in found.items():
        tag, _, rest = name.removeprefix(f"{prefix}:").partition(":")
        namespace, _, identifier = rest.partition(":x:")
        if tag.strip("{}").isdigit() and identifier.count(":") == 1 and entry["type"] == "hash":
            ref = f"{namespace}:{identifier}"
            counted = Counter(n for item in _items(found, prefix, tag, name, ref) for n in item)
            fields = found.get(f"{name}:p", {"value": {}})["value"]
            out += [f"{ref} {text}" for text in _differences(counted, fields)]
    return out


def _items(
    found: dict[str, Any], prefix: str, tag: str, name: str, ref: str
) -> Iterator[list[bytes]]:
    """What each stored thing of an execution refers to."""
    tasks = found.get(f"{prefix}:{tag}:tasks", {"value": {}})["value"]
    texts = [
        *found[name]["value"].values(),
        *found.get(f"{name}:v", {"value": {}})["value"].values(),
        *found.get(f"{name}:h", {"value": []})["value"],
        *(row.partition("|")[2] for task, row in tasks.items() if split_task_id(task)[0] == ref),
    ]
    for text in texts:
        yield referred(text.encode("latin-1"))


def _differences(counted: Counter[bytes], fields: dict[str, str]) -> Iterator[str]:
    raw = {key.encode("latin-1"): value for key, value in fields.items()}
    stored = {key for key in raw if len(key) == DIGEST_BYTES}
    counts = {key[1:]: int(value) for key, value in raw.items() if key not in stored}
    for name in {*counted, *stored, *counts}:
        if name not in stored:
            yield f"lacks the payload {name.hex()}"
        if counts.get(name) != counted[name]:
            yield f"has {counted[name]} references to {name.hex()}, the count is {counts.get(name)}"
