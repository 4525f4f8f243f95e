"""Many starts in one request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engine.commands.executions import ExecutionCommands
from engine.errors import EngineError, StoreUnavailable
from engine.views import Caller, StartResult
from engine.views.starting import Start

STARTS_MAX = 1_000  # of one request; all of them become one pipeline to Redis


class BatchCommands(ExecutionCommands):
    """Starts by the hundred."""

    async def start_many(
        self, caller: Caller, definition: str, starts: Sequence[Start]
    ) -> list[StartResult | EngineError]:
        """Start each by itself, all at once, so that they share their round trip and their flush to disk.

        The answers come in the order of `starts`: what `start` returns, or the error it raises, which says that this
        one has changed nothing (StoreUnavailable: perhaps). Where a name is given twice, one starts and the other is answered
        like a repetition. Raises StoreUnavailable only where the store answered none of them.
        """
        answers = await asyncio.gather(
            *(self._one(caller, definition, start) for start in starts), return_exceptions=True
        )
        results: list[StartResult | EngineError] = []
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, EngineError):
                raise answer
            results.append(answer)
        lost = [answer for answer in results if isinstance(answer, StoreUnavailable)]
        if lost and len(lost) == len(results):
            raise lost[0]
        return results

    async def _one(self, caller: Caller, definition: str, start: Start) -> StartResult:
        return await self.start(
            caller,
            definition,
            name=start.name,
            input=start.input,
            version=start.version,
            alias=start.alias,
        )
