"""Pages and counts of executions, from the single index that holds the fewest candidates.

Indexes change in the commits of executions, so what was acknowledged is found. The cost of a page depends on neither how
many executions there are nor how many match: one count of each index that could answer, one stretch of the best, at most
CANDIDATES_MAX rows.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.store.catalog import Catalog
from engine.store.connection import Redis
from engine.store.finding.filter import Filter
from engine.store.finding.indexes import Position, Span, Way, ways
from engine.store.finding.rows import FIELDS, Row, row_of
from engine.store.keys import Keys, ref_of

CANDIDATES_MAX = 1000  # examined for one page
COUNTED_MAX = 10_000  # examined for one count that no index answers
SHARE_LEAST = 4  # read of an index at first, besides its share of what is wanted
TIES_READ = 16  # besides what is asked for: those of the cursor's millisecond come once more


@dataclass(frozen=True, slots=True)
class Page:
    """`next` continues after the last candidate examined; a page may be short and still have one."""

    rows: list[Row]
    next: Position | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many; where it is not `exact`, at least so many."""

    count: int
    exact: bool


@dataclass(frozen=True, slots=True)
class _Query:
    """A filter with the indexes it is answered from, in one order."""

    namespace: str
    wanted: Filter
    way: Way
    newest: bool

    @property
    def span(self) -> Span:
        return Span(self.wanted.started_from_ms, self.wanted.started_until_ms)

    def beyond(self, after: Position | None, read: list[Position]) -> list[Position]:
        """Those that follow `after` in the order asked for."""
        if after is None:
            return read
        if self.newest:
            return [position for position in read if position < after]
        return [position for position in read if position > after]


class Finding:
    """`catalog` tells which definitions there are, where a filter names none."""

    def __init__(self, redis: Redis, keys: Keys, catalog: Catalog) -> None:
        self._redis = redis
        self._keys = keys
        self._catalog = catalog
        self.partitions = keys.partitions

    async def page(
        self, namespace: str, wanted: Filter, *, limit: int, after: Position | None = None
    ) -> Page:
        """Executions newest first, beyond `after`."""
        way = await self._way(namespace, wanted, range(self._keys.partitions))
        return await self._matching(_Query(namespace, wanted, way, newest=True), after, limit)

    async def scan(
        self,
        namespace: str,
        wanted: Filter,
        partition: int,
        after: Position | None,
        limit: int,
    ) -> tuple[list[Row], Position | None]:
        """Executions of one partition oldest first, beyond `after`, and where to go on; None is the end.

        Going on until None brings each execution once that matches from the first call on; what starts or comes to match
        meanwhile may be among them.
        """
        way = await self._way(namespace, wanted, (partition,))
        page = await self._matching(_Query(namespace, wanted, way, newest=False), after, limit)
        return page.rows, page.next

    async def count(self, namespace: str, wanted: Filter) -> Count:
        """How many match. Exact where one index answers it, or it has at most COUNTED_MAX candidates to look at."""
        found = await self._ways(namespace, wanted, range(self._keys.partitions))
        exact = [way for way in found if way.is_exact]
        if exact:
            [count] = await self._sizes(wanted, exact[:1])
            return Count(count, exact=True)
        query = _Query(namespace, wanted, await self._smallest(wanted, found), newest=True)
        count, after, looked = 0, None, 0
        while looked < COUNTED_MAX:
            candidates, more = await self._candidates(query, after, CANDIDATES_MAX)
            rows = await self._rows(namespace, candidates)
            count += sum(row is not None and wanted.matches(row) for row in rows)
            if not more:
                return Count(count, exact=True)
            looked += len(candidates)
            after = candidates[-1]
        return Count(count, exact=False)

    async def _way(self, namespace: str, wanted: Filter, partitions: Iterable[int]) -> Way:
        return await self._smallest(wanted, await self._ways(namespace, wanted, partitions))

    async def _ways(self, namespace: str, wanted: Filter, partitions: Iterable[int]) -> list[Way]:
        if wanted.definition is not None:
            definitions = [wanted.definition]
        elif wanted.state is None and wanted.error is None:
            definitions = [""]
        else:
            definitions = await self._catalog.names_ever(namespace)
        return ways(self._keys, namespace, wanted, definitions, partitions)

    async def _smallest(self, wanted: Filter, found: Sequence[Way]) -> Way:
        """The way with the fewest candidates."""
        if len(found) == 1:
            return found[0]
        sizes = await self._sizes(wanted, found)
        return min(zip(sizes, itertools.count(), found, strict=False))[2]

    async def _sizes(self, wanted: Filter, found: Sequence[Way]) -> list[int]:
        span = Span(wanted.started_from_ms, wanted.started_until_ms)
        replies = await asyncio.gather(
            *(
                self._redis.call(index.key, *index.counting(span))
                for way in found
                for index in way.indexes
            )
        )
        counts = iter(replies)
        return [sum(int(next(counts)) for _ in way.indexes) for way in found]

    async def _matching(self, query: _Query, after: Position | None, limit: int) -> Page:
        """The next rows that match, at most `limit`, of at most CANDIDATES_MAX that are looked at."""
        kept: list[Row] = []
        looked, more = 0, True
        while more and looked < CANDIDATES_MAX:
            want = min(max(limit, looked), CANDIDATES_MAX - looked)
            candidates, more = await self._candidates(query, after, want)
            rows = await self._rows(query.namespace, candidates)
            for number, (row, position) in enumerate(zip(rows, candidates, strict=True), 1):
                after = position
                if row is not None and query.wanted.matches(row):
                    kept.append(row)
                    if len(kept) == limit:
                        is_last = not more and number == len(rows)
                        return Page(kept, None if is_last else position)
            looked += len(candidates)
        return Page(kept, after if more else None)

    async def _candidates(
        self, query: _Query, after: Position | None, want: int
    ) -> tuple[list[Position], bool]:
        """Positions beyond `after`, at most `want`, in order, each once; and whether there are more.

        In rounds, each of which reads a stretch of every index and keeps what lies before the first end of a stretch. So
        what moves from one index to another between two rounds is seen by the second.
        """
        found: list[Position] = []
        share = SHARE_LEAST + 4 * want // max(len(query.way.indexes), 1)
        while query.way.indexes and len(found) <= want:
            stretches = await self._stretches(query, after, share)
            ends = [read[-1] for read, is_all in stretches if not is_all]
            end = (max if query.newest else min)(ends, default=None)
            merged = heapq.merge(*(read for read, _ in stretches), reverse=query.newest)
            for position in merged:
                if end is not None and (position < end if query.newest else position > end):
                    break
                if not found or found[-1] != position:
                    found.append(position)
            if end is None:
                break
            after, share = end, 2 * share
        return found[:want], len(found) > want

    async def _stretches(
        self, query: _Query, after: Position | None, most: int
    ) -> list[tuple[list[Position], bool]]:
        """Of each index the positions beyond `after`: `most` at least, or all there are and True."""
        size, indexes = most + (TIES_READ if after else 0), query.way.indexes
        replies = await asyncio.gather(
            *(
                self._redis.call(
                    index.key,
                    *index.reading(query.span, after, 0, size, newest=query.newest),
                )
                for index in indexes
            )
        )
        out = []
        for index, reply in zip(indexes, replies, strict=True):
            read = index.positions(reply)
            found, skipped = query.beyond(after, read), size
            while len(read) == size and len(found) < most:
                words = index.reading(query.span, after, skipped, size, newest=query.newest)
                read = index.positions(await self._redis.call(index.key, *words))
                found += query.beyond(after, read)
                skipped += size
            out.append((found, len(read) < size))
        return out

    async def _rows(self, namespace: str, candidates: Sequence[Position]) -> list[Row | None]:
        return await self.rows(namespace, [identifier for _, identifier in candidates])

    async def rows(self, namespace: str, names: Sequence[str]) -> list[Row | None]:
        """The rows of executions by their ids, None for one that is not there."""
        keys = [self._keys.of(ref_of(namespace, name)).execution for name in names]
        replies = await asyncio.gather(
            *(self._redis.call(key, "HMGET", key, *FIELDS) for key in keys)
        )
        return [row_of(name, fields) for name, fields in zip(names, replies, strict=True)]
