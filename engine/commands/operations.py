"""Commands about operations on many executions, whatever they ask: begin, look, pause, resume, cancel."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

from msgspec import UNSET

from engine.clock import iso
from engine.errors import (
    DefinitionNotFound,
    InvalidRequest,
    OperationAlreadyExists,
    OperationEnded,
    OperationNotFound,
)
from engine.names import check_name
from engine.queries.paging import decode_cursor, encode_cursor, moment_of
from engine.runtime.bulk.asked import Asked, keep_asked, read_asked
from engine.runtime.machines import Machines
from engine.store.catalog import Catalog
from engine.store.finding.finding import Finding
from engine.store.operating.operations import Operations, OperationStatus, Progress
from engine.store.operating.positions import Positions
from engine.views import AnswerPage, AnswerView, Caller, OperationPage, OperationView


class OperationCommands:
    """`ring()` tells this process's runner, if it has one, that there is something to carry out.

    `records_max`: records that a history may have.
    """

    def __init__(
        self,
        operations: Operations,
        finding: Finding,
        positions: Positions,
        catalog: Catalog,
        machines: Machines,
        *,
        partitions: int,
        records_max: int,
        ring: Callable[[], None],
    ) -> None:
        self._operations = operations
        self._finding = finding
        self._positions = positions
        self._catalog = catalog
        self._machines = machines
        self._partitions = partitions
        self._records_max = records_max
        self._ring = ring

    async def begin(self, caller: Caller, asked: Asked, identifier: str | None) -> OperationView:
        """Note an operation on many executions, and have it carried out. Repeating it with the same id begins it once.

        Raises DefinitionNotFound, InvalidRequest, and OperationAlreadyExists where the id is another one's.
        """
        identifier = uuid.uuid4().hex if identifier is None else check_name(identifier, "operation")
        _check_pace(asked)
        definition = asked.wanted.definition.partition("~")[
            0
        ]  # of a distributed Map's children, too
        if not await self._catalog.existed(caller.namespace, definition):
            raise DefinitionNotFound(asked.wanted.definition)
        kept = keep_asked(asked)
        if not await self._operations.add(caller.namespace, identifier, kept):
            known = await self._operations.read(caller.namespace, identifier)
            if known is not None and known.asked != kept:
                raise OperationAlreadyExists(identifier)
        self._ring()
        return await self.operation(caller, identifier)

    async def steer(
        self, caller: Caller, identifier: str, status: OperationStatus
    ) -> OperationView:
        """Pause, resume or cancel an operation. Executions that were told already still do what they were asked.

        Raises OperationNotFound and OperationEnded.
        """
        check_name(identifier, "operation")
        now = await self._operations.steer(caller.namespace, identifier, status)
        if not now:
            raise OperationNotFound(identifier)
        if now != status:
            raise OperationEnded(operation_status=now)
        self._ring()
        return await self.operation(caller, identifier)

    async def operation(self, caller: Caller, identifier: str) -> OperationView:
        """How far an operation has come. Raises OperationNotFound."""
        check_name(identifier, "operation")
        progress = await self._operations.read(caller.namespace, identifier)
        if progress is None:
            raise OperationNotFound(identifier)
        return _shown(progress)

    async def operations(self, caller: Caller, limit: int, cursor: str | None) -> OperationPage:
        """Operations, newest first."""
        after = None
        if cursor:
            ms, identifier = decode_cursor(cursor, 2)
            after = (moment_of(ms), identifier)
        page = await self._operations.page(caller.namespace, limit + 1, after)
        names = [name for _, name in page[:limit]]
        read = await asyncio.gather(*(self._operations.read(caller.namespace, n) for n in names))
        shown = [_shown(progress) for progress in read if progress is not None]
        last = page[limit - 1] if len(page) > limit else None
        return OperationPage(shown, encode_cursor(*map(str, last)) if last else None)

    async def operation_answers(
        self, caller: Caller, identifier: str, limit: int, cursor: str | None
    ) -> AnswerPage:
        """The executions that have not done what was asked, with the reason. A page may have some more than asked for."""
        await self.operation(caller, identifier)
        partition, position = (0, 0)
        if cursor:
            number, at = decode_cursor(cursor, 2)
            partition, position = moment_of(number), moment_of(at)
        found: list[AnswerView] = []
        while partition < self._partitions and len(found) < limit:
            position, pairs = await self._operations.reasons(
                caller.namespace, identifier, partition, position, limit
            )
            for execution, why in pairs:
                reason, _, detail = why.partition(": ")
                found.append(AnswerView(execution, reason, detail))
            partition += position == 0
        more = partition < self._partitions
        return AnswerPage(found, encode_cursor(str(partition), str(position)) if more else None)


def _check_pace(asked: Asked) -> None:
    if asked.percent is not None and not 0 < asked.percent <= 100:
        raise InvalidRequest("percent is above 0 and at most 100")
    if asked.rate is not None and not asked.rate > 0:
        raise InvalidRequest("rate is above 0")
    if asked.count is not None and asked.count < 1:
        raise InvalidRequest("count is at least 1")


def _shown(progress: Progress) -> OperationView:
    asked = read_asked(progress.asked)
    return OperationView(
        id=progress.id,
        kind=asked.kind,
        definition=asked.wanted.definition,
        status=progress.status,
        by=asked.by,
        created=iso(progress.created_ms),
        seen=progress.seen,
        told=progress.sent,
        waiting=progress.waiting,
        answers=progress.answers,
        finished=UNSET if progress.finished_ms is None else iso(progress.finished_ms),
        reason=UNSET if asked.reason is None else asked.reason,
        version=asked.version or UNSET,
        mapping=asked.mapping or UNSET,
        data=UNSET if asked.data is None else asked.data,
        percent=UNSET if asked.percent is None else asked.percent,
        count=UNSET if asked.count is None else asked.count,
        rate=UNSET if asked.rate is None else asked.rate,
        rolls_back=asked.back or UNSET,
    )
