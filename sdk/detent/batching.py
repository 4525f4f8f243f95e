"""Starting many executions with one request."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from detent.requests import post
from detent.shapes import NewExecution, StartAnswer
from detent.transport import Transport, segment


class Batching:
    """The part of `Client` that starts executions by the hundred."""

    _transport: Transport

    async def start_many(
        self, definition: str, starts: Sequence[NewExecution]
    ) -> list[StartAnswer]:
        """Start up to 1,000 executions, each as `start` does, and answered in this order.

        A start that is refused raises nothing: its answer holds the `problem`. One without a name gets one here, so that
        the request may be repeated. After a broken connection "existed" may be this very call's execution, and where it
        had ended meanwhile it is refused with `execution_already_exists`.
        """
        named = [{**start, "name": start.get("name") or str(uuid.uuid4())} for start in starts]
        path = f"/v1/definitions/{segment(definition)}/executions:batch"
        answer = await self._transport.call(post(path, {"starts": named}))
        results: list[StartAnswer] = answer["results"]
        return results
