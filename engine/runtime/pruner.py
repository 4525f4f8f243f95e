"""The pruner: forgets closed executions whose retention has passed, down to a tombstone for the name."""

from __future__ import annotations

from engine.clock import RedisClock
from engine.store.listing import Listing

PRUNED_PER_PARTITION = 100  # a tick; a backlog takes more ticks, other work goes on between


class Pruner:
    """`tombstone_ms`: how long a name stays taken after its execution closed, if it is pruned earlier."""

    def __init__(self, listing: Listing, clock: RedisClock, *, tombstone_ms: int) -> None:
        self._listing = listing
        self._clock = clock
        self._tombstone_ms = tombstone_ms

    async def tick(self) -> int:
        """Prune what is due, a bounded part of it; returns how many were."""
        return await self._listing.prune(
            self._clock.now_ms(), PRUNED_PER_PARTITION, self._tombstone_ms
        )
