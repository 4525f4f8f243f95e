"""The executions that are wanted, page by page, in an order that one can go on in."""

from __future__ import annotations

import msgspec

from engine.runtime.bulk.asked import Wanted
from engine.store.finding.finding import Finding
from engine.store.finding.rows import Row


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where one has come to: the partition, and the last execution looked at there. Past the last one: at the end.

    Of executions that are named, `after` has how many were looked at instead of a time.
    """

    partition: int = 0
    after: tuple[int, str] | None = None


async def next_page(
    finding: Finding, namespace: str, wanted: Wanted, place: Place, most: int
) -> tuple[list[Row], Place]:
    """The next executions that are wanted, at most `most`, and where to go on. A page may be short."""
    if wanted.ids:
        return await _named(finding, namespace, wanted, place, most)
    rows, after = await finding.scan(namespace, wanted.filter, place.partition, place.after, most)
    if after is None:
        return rows, Place(place.partition + 1)
    return rows, Place(place.partition, after)


async def _named(
    finding: Finding, namespace: str, wanted: Wanted, place: Place, most: int
) -> tuple[list[Row], Place]:
    named = wanted.identifiers
    first = place.after[0] if place.after else 0
    asked = named[first : first + most]
    found = await finding.rows(namespace, asked)
    known = [row for row in found if row is not None and wanted.filter.matches(row)]
    looked = first + len(asked)
    if looked >= len(named):
        return known, Place(finding.partitions)
    return known, Place(0, (looked, asked[-1]))
