"""Reads server-sent events as a browser does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sent:
    """One event. `id` is the id in force: its own, or the last one that was sent."""

    kind: str
    data: Any
    id: str | None


def events_in(text: str) -> list[Sent]:
    """The events of a stream that has ended."""
    found, last = [], None
    for block in text.split("\n\n"):
        event, last = _event(block, last)
        if event is not None:
            found.append(event)
    return found


async def events_of(response: Any) -> AsyncIterator[Sent]:
    """The events of a stream as they arrive."""
    last, text = None, ""
    async for chunk in response.aiter_text():
        text += chunk
        *blocks, text = text.split("\n\n")
        for block in blocks:
            event, last = _event(block, last)
            if event is not None:
                yield event


def _event(block: str, last: str | None) -> tuple[Sent | None, str | None]:
    fields: dict[str, list[str]] = {}
    for line in block.splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name, []).append(value.removeprefix(" "))
    last = fields.get("id", [last])[-1]
    if "data" not in fields:
        return None, last
    return Sent(fields["event"][-1], json.loads("\n".join(fields["data"])), last), last
