"""Which children of a Map Run ended without success, asked in the order of the children, a page at a time."""

from __future__ import annotations

from engine.store.maps.held import Held
from engine.store.maps.runs import MapRuns

PAGE = 1000


class Left:
    """Answers for ascending indexes only."""

    def __init__(self, runs: MapRuns, held: Held) -> None:
        self._runs = runs
        self._held = held
        self._known: set[int] = set()
        self._until = 0  # what is below this index is known

    async def has(self, index: int) -> bool:
        """Whether that child ended without success and has not been begun again."""
        while index >= self._until:
            page = await self._runs.left(self._held, self._until, PAGE)
            self._known = set(page)
            self._until = page[-1] + 1 if len(page) == PAGE else self._held.next
        return index in self._known
