"""Taking executions out of one store and into another, as lines of JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import (
    DefinitionNotFound,
    EngineError,
    InvalidDefinition,
    InvalidDocument,
    InvalidRequest,
    PayloadTooLarge,
    StoreUnavailable,
)
from engine.names import check_execution
from engine.queries.paging import decode_cursor, encode_cursor, moment_of
from engine.runtime.machines import Machines
from engine.store.bounds.copies import Copies
from engine.store.bounds.copy import Copy, line, read_copy
from engine.store.finding.filter import Filter
from engine.store.finding.finding import Finding
from engine.store.finding.indexes import Position
from engine.views import Caller, Imported

EXPORT_BYTES_MAX = 4 * 1024 * 1024  # a page ends with the line that reaches this
ROWS_AT_ONCE = 50
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Exported:
    """One page: lines, each a copy or `{"id": ..., "skipped": why}`; where to go on, None at the end."""

    lines: list[bytes]
    next: str | None


class Copying:
    """`retention_ms`: how long an imported execution is kept, unless its definition says otherwise here."""

    def __init__(
        self,
        copies: Copies,
        finding: Finding,
        machines: Machines,
        *,
        partitions: int,
        retention_ms: int,
    ) -> None:
        self._copies = copies
        self._finding = finding
        self._machines = machines
        self._partitions = partitions
        self._retention_ms = retention_ms

    async def export_executions(
        self, caller: Caller, wanted: Filter, limit: int, cursor: str | None
    ) -> Exported:
        """Copies of at most `limit` executions, each once for all pages together, as long as it matches all the while."""
        partition, after = _place(cursor)
        lines: list[bytes] = []
        size = 0
        while partition < self._partitions:
            rows, following = await self._finding.scan(
                caller.namespace, wanted, partition, after, min(ROWS_AT_ONCE, limit - len(lines))
            )
            for row in rows:
                written = await self._line(caller, row.id)
                after = (row.started_ms, row.id)
                if written is not None:
                    lines.append(written)
                    size += len(written)
                if len(lines) >= limit or size >= EXPORT_BYTES_MAX:
                    return Exported(lines, _cursor(partition, after))
            after = following
            if following is None:
                partition += 1
        return Exported(lines, None)

    async def _line(self, caller: Caller, execution: str) -> bytes | None:
        try:
            copy = await self._copies.read(caller.namespace, execution)
        except PayloadTooLarge as error:
            return b'{"id":"%b","skipped":"%b"}' % (execution.encode(), str(error.detail).encode())
        return None if copy is None else line(copy)

    async def import_executions(self, caller: Caller, lines: Sequence[bytes]) -> list[Imported]:
        """Store copies of executions that have ended, each for itself, and say what became of each.

        Raises StoreUnavailable, after which all can be repeated: what is there already is left alone.
        """
        return [await self._import(caller, each) for each in lines]

    async def _import(self, caller: Caller, text: bytes) -> Imported:
        identifier = ""
        try:
            copy = read_copy(text)
            identifier = check_execution(copy.id)
            _check(copy)
            kept_ms = await self._kept_ms(caller, copy)
            return Imported(
                identifier, await self._copies.write(caller.namespace, copy, kept_ms=kept_ms)
            )
        except StoreUnavailable:
            raise
        except EngineError as error:
            return Imported(identifier, "refused", error.detail or str(error))

    async def _kept_ms(self, caller: Caller, copy: Copy) -> int:
        """As the definition's version of that number says, where it is here."""
        definition = copy.id.partition(":")[0]
        try:
            machine = await self._machines.get(caller.namespace, definition, copy.version)
        except (DefinitionNotFound, InvalidDefinition):
            return self._retention_ms
        hours = machine.keeping.retention_hours
        return self._retention_ms if hours is None else int(hours * HOUR_MS)


def _check(copy: Copy) -> None:
    """Refuse what cannot be told truthfully as an execution that has ended."""
    if copy.status == "RUNNING":
        raise InvalidRequest(
            "it was running when it was copied; its tasks and timers are where it came from"
        )
    if (copy.output is not None) != (copy.status == "SUCCEEDED"):
        raise InvalidDocument("an output belongs to an execution that has succeeded")


def _place(cursor: str | None) -> tuple[int, Position | None]:
    if cursor is None:
        return 0, None
    partition, ms, identifier = decode_cursor(cursor, 3)
    return moment_of(partition), (moment_of(ms), identifier)


def _cursor(partition: int, after: Position) -> str:
    return encode_cursor(str(partition), *map(str, after))
