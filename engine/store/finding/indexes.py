"""The indexes that a filter can be answered from, and reading one of them in the order of start. Pure, but for `Index` being sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.core.execution import Status
from engine.store.finding.filter import Filter, texts_asked
from engine.store.keys import Keys, versions_prefix

STATUSES: tuple[Status, ...] = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")

_LAST_MS = 10**13 - 1  # the last moment of 13 digits, in the year 2286

Position = tuple[int, str]  # (start ms, id): all indexes are in this order
Words = tuple[str | int, ...]  # a command


@dataclass(frozen=True, slots=True)
class Span:
    """Executions started at or after `first_ms` and before `end_ms`; None is no bound."""

    first_ms: int | None
    end_ms: int | None


@dataclass(frozen=True, slots=True)
class Index:
    """A zset of ids by start ms; with a `version`, the part of a zset of versioned members that is of this version."""

    key: str
    version: int | None = None

    def counting(self, span: Span) -> Words:
        """The command that counts what started in the span, at a cost that does not grow with the count."""
        if self.version is not None:
            return ("ZLEXCOUNT", self.key, *self._lexical(span, None, newest=False))
        if span.first_ms is None and span.end_ms is None:
            return ("ZCARD", self.key)
        return ("ZCOUNT", self.key, *_scores(span, None, newest=False))

    def reading(
        self, span: Span, after: Position | None, skipped: int, most: int, *, newest: bool
    ) -> Words:
        """The command that reads members beyond `after`, at most so many.

        Members of the very millisecond of `after` may come again; they are to be `skipped` by reading on.
        """
        order = ("REV",) if newest else ()
        if self.version is not None:
            bounds = self._lexical(span, after, newest=newest)
            return ("ZRANGE", self.key, *bounds, "BYLEX", *order, "LIMIT", skipped, most)
        scores = _scores(span, after, newest=newest)
        words = ("ZRANGE", self.key, *scores, "BYSCORE", *order, "LIMIT", skipped, most)
        return (*words, "WITHSCORES")

    def positions(self, reply: Sequence[bytes]) -> list[Position]:
        """What the answer to `reading` holds."""
        if self.version is None:
            pairs = zip(reply[::2], reply[1::2], strict=True)
            return [(int(float(ms)), identifier.decode()) for identifier, ms in pairs]
        members = (member.decode().split(":", 2) for member in reply)
        return [(int(ms), identifier) for _, ms, identifier in members]

    def _lexical(self, span: Span, after: Position | None, *, newest: bool) -> tuple[str, str]:
        assert self.version is not None
        prefix = versions_prefix(self.version)
        low = f"[{prefix}{min(span.first_ms or 0, _LAST_MS):013d}"
        high = f"({prefix}{min(_LAST_MS if span.end_ms is None else span.end_ms, _LAST_MS):013d}"
        if after is not None:
            at = f"({prefix}{after[0]:013d}:{after[1]}"
            low, high = (low, at) if newest else (at, high)
        return (high, low) if newest else (low, high)


def _scores(span: Span, after: Position | None, *, newest: bool) -> tuple[str | int, str | int]:
    low: str | int = "-inf" if span.first_ms is None else span.first_ms
    high: str | int = "+inf" if span.end_ms is None else f"({span.end_ms}"
    if after is not None:
        low, high = (low, after[0]) if newest else (after[0], high)
    return (high, low) if newest else (low, high)


@dataclass(frozen=True, slots=True)
class Way:
    """Indexes that together hold every execution that a filter can match, each once but for those that move meanwhile.

    `is_exact`: and no other. A RUNNING index stands before those of closed ones: read in this order, an execution that
    closes meanwhile is seen once at least.
    """

    indexes: tuple[Index, ...]
    is_exact: bool


def ways(
    keys: Keys,
    namespace: str,
    wanted: Filter,
    definitions: Sequence[str],
    partitions: Iterable[int],
) -> list[Way]:
    """The single indexes that can answer the filter; `definitions` are those it can be about ("" is all of them)."""
    places = [(p, namespace, d) for p in partitions for d in definitions]
    parts = _parts(wanted)
    found = []
    for name, asked in dict.fromkeys(wanted.attributes):
        texts = texts_asked(asked)
        held = [Index(keys.attribute(*at, name, text)) for at in places for text in texts]
        found.append(Way(tuple(held), parts == {("attribute", name, asked)}))
    if wanted.error is not None:
        held = [Index(keys.failed(*at, wanted.error)) for at in places]
        found.append(Way(tuple(held), parts == {"error"}))
    if wanted.state is not None:
        held = [Index(keys.resting(*at, wanted.state)) for at in places]
        found.append(Way(tuple(held), parts - {"status: RUNNING"} == {"state"}))
    if wanted.is_quarantined:
        held = [
            Index(keys.quarantined(p, namespace)) for p in dict.fromkeys(at[0] for at in places)
        ]
        is_all = wanted.definition is None
        found.append(Way(tuple(held), is_all and parts == {"is_quarantined"}))
    if (
        wanted.status is not None or not found
    ):  # all statuses together hold more than any of the others
        found.append(_by_status(keys, places, wanted, parts))
    return found


def _by_status(
    keys: Keys, places: Sequence[tuple[int, str, str]], wanted: Filter, parts: set[object]
) -> Way:
    """By status, and by version as well where running ones of one definition are wanted."""
    statuses = STATUSES if wanted.status is None else (wanted.status,)
    version = wanted.version if wanted.definition is not None else None
    held = []
    for status in statuses:
        if status == "RUNNING" and version is not None:
            held += [Index(keys.versions(*at), version) for at in places]
        else:
            held += [Index(keys.index(*at, status)) for at in places]
    left = parts - {f"status: {wanted.status}"}
    if version is not None and wanted.status == "RUNNING":
        left -= {"version"}
    return Way(tuple(held), not left)


def _parts(wanted: Filter) -> set[object]:
    """What the filter asks for besides definition and time, which every index answers."""
    parts: set[object] = {("attribute", *pair) for pair in wanted.attributes}
    if wanted.status is not None:
        parts.add(f"status: {wanted.status}")
    return parts | {n for n in _LOOKED_AT if getattr(wanted, n) is not None}


# What only a row tells, or an index of its own.
_LOOKED_AT = (
    "version",
    "state",
    "error",
    "published",
    "alias",
    "is_redriven",
    "is_quarantined",
    "map_run",
)
