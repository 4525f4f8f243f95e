"""Following an execution over a stream of server-sent events, through broken connections and stopped servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from time import monotonic
from typing import Any

from detent.backoff import delays
from detent.errors import Unavailable
from detent.transport import Transport

Record = dict[str, Any]


async def follow(
    transport: Transport, path: str, after: int | None, retry_seconds: float
) -> AsyncIterator[list[Record]]:
    """Each record as a page of its own, until the execution has closed.

    A stream that stops without having ended is taken up after the last record seen. Raises DetentError: the last one,
    when nothing was heard for `retry_seconds`.
    """
    last = 0 if after is None else after
    waits = delays()
    deadline = monotonic() + retry_seconds
    while True:
        try:
            async with aclosing(transport.stream(path, {"Last-Event-ID": str(last)})) as events:
                async for kind, data in events:
                    waits, deadline = delays(), monotonic() + retry_seconds
                    if kind == "end":
                        return
                    if kind is not None and kind != "gap":
                        record: Record = json.loads(data)
                        yield [record]
                        last = record["id"]
                        deadline = monotonic() + retry_seconds
        except Unavailable as error:
            pause = max(next(waits), error.retry_after or 0)
            if monotonic() + pause > deadline:
                raise
        else:
            # The server stopped, or let go of a reader that was slow.
            pause = next(waits)
        await asyncio.sleep(pause)
