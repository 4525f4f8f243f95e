"""What executions are wanted: one value, which rows are held against."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from engine.core.attributes import TEXT_MAX
from engine.core.execution import Attribute, Status
from engine.store.finding.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """All that is given must hold.

    `state` is where a running execution rests, `error` what a closed one ended with. `attributes` are (name, text)
    pairs, only with a definition, for the same name means something else in another: a text equals an attribute that
    is written so (see `text_of`), a number also one of equal value.
    """

    definition: str | None = None
    version: int | None = None
    status: Status | None = None
    state: str | None = None
    error: str | None = None
    started_from_ms: int | None = None  # at or after
    started_until_ms: int | None = None  # before
    attributes: tuple[tuple[str, str], ...] = ()
    published: int | None = None  # the number of the published version that started it
    alias: str | None = None  # by which its version was chosen
    is_redriven: bool | None = None
    is_quarantined: bool | None = None  # set aside, because it cannot go on
    map_run: str | None = (
        None  # the Map Run that it is a child of, by its id alone; with a definition
    )

    # Children of the run from this index on that ended without success: those that its redrive has still to begin.
    waits_from: int | None = None

    def matches(self, row: Row) -> bool:
        """Whether the row is one of those wanted."""
        return (
            self.definition in {None, row.definition}
            and self.version in {None, row.version}
            and self.status in {None, row.status}
            and self.state in {None, row.state}
            and self.error in {None, row.error}
            and (self.started_from_ms is None or row.started_ms >= self.started_from_ms)
            and (self.started_until_ms is None or row.started_ms < self.started_until_ms)
            and all(_has(row, name, asked) for name, asked in self.attributes)
            and (self.is_redriven is None or self.is_redriven == (row.operated.redrives > 0))
            and (self.is_quarantined in {None, row.quarantine is not None})
            and self._started_by(row)
            and (self.map_run is None or self.map_run == _map_run_of(row))
            and (self.waits_from is None or _waits(row, self.waits_from))
        )

    def _started_by(self, row: Row) -> bool:
        if self.published is None and self.alias is None:
            return True
        static = row.static
        return self.published in {None, static.published} and self.alias in {None, static.alias}


def _waits(row: Row, first: int) -> bool:
    child = row.static.child
    has_failed = row.status not in {"RUNNING", "SUCCEEDED"}
    return has_failed and child is not None and child.index >= first


def _map_run_of(row: Row) -> str | None:
    child = row.static.child
    return None if child is None else child.run


def _has(row: Row, name: str, asked: str) -> bool:
    value = row.attributes.get(name)
    return value is not None and text_of(value) in texts_asked(asked)


def text_of(value: Attribute) -> str:
    """An attribute's value as text, by which it is indexed: 100 and 100.0 are both `100`, booleans `true` and `false`."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return str(int(value))
    return str(value)


def texts_asked(text: str) -> tuple[str, ...]:
    """The texts under which an attribute may stand that is asked for so: the text itself, and how its number is written."""
    asked = text[:TEXT_MAX]
    if not _NUMBER.fullmatch(text):
        return (asked,)
    number = float(text) if set(text) & set(".eE") else int(text)
    written = text_of(number)
    return (asked,) if written == asked or math.isinf(number) else (asked, written)


_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,3})?", re.ASCII)
