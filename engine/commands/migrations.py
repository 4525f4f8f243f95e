"""Commands about migrations: plan, apply, take back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Literal

from msgspec import Struct, structs

from engine.commands.operations import OperationCommands
from engine.commands.planning import Tallied, verdict_back, verdict_of, version_back
from engine.core.moving.data import compiled
from engine.errors import DefinitionNotFound, InvalidDefinition, InvalidRequest, OperationNotFound
from engine.examining import examined
from engine.language.expressions.faults import InvalidExpression
from engine.language.machine import Machine
from engine.names import check_name, check_processor
from engine.queries.paging import decode_cursor, encode_cursor, moment_of
from engine.runtime.bulk.asked import MIGRATE, ROLLBACK, Asked, Wanted, read_asked
from engine.runtime.bulk.pages import Place, next_page
from engine.runtime.bulk.routes import Routes
from engine.store.finding.rows import Row
from engine.views import (
    Caller,
    MigrationPlan,
    OperationView,
    Published,
    VerdictPage,
    VerdictView,
)

Running = Literal["keep", "plan", "migrate"]

VERSIONS_MAX = 50  # looked at for a state that a mapping names
PLANNED_MAX = 100_000  # executions that one plan looks at
PAGE = 100  # looked at before others get their turn


class MigrationWish(Struct, frozen=True, kw_only=True):
    """What a caller wants of a migration. `version` None is the newest; a `machine` stands for one not published yet."""

    wanted: Wanted
    version: int | None = None
    mapping: dict[str, str] = {}
    propose: bool = True
    data: str | None = None
    percent: float | None = None
    count: int | None = None
    rate: float | None = None
    reason: str | None = None
    machine: Machine | None = None


class MigrationCommands(OperationCommands):
    """Plan, apply, take back."""

    async def plan_migration(self, caller: Caller, wish: MigrationWish) -> MigrationPlan:
        """The verdict on every execution that runs and is wanted, counted by position. Nothing is written.

        Raises DefinitionNotFound and InvalidRequest.
        """
        routes = await self._routes(caller, wish)
        tallied, mapping = Tallied(), {}
        examined, looked, complete = 0, 0, True
        async for rows in self._pages(caller, wish.wanted):
            for verdict in await self._verdicts(caller, rows, routes):
                tallied.add(verdict)
                examined += 1
            looked += len(rows)
            if looked >= PLANNED_MAX:
                complete = False
                break
        for version in sorted({position[0] for position in tallied.counts}):
            mapping[str(version)] = (await routes.from_version(version)).mapping
        return MigrationPlan(
            wish.wanted.definition,
            routes.version,
            mapping,
            examined,
            complete,
            tallied.total("moves"),
            tallied.total("moves_by_mapping"),
            tallied.total("blocked"),
            tallied.positions(),
        )

    async def migration_verdicts(
        self,
        caller: Caller,
        wish: MigrationWish,
        *,
        outcome: str | None,
        limit: int,
        cursor: str | None,
    ) -> VerdictPage:
        """The verdicts of a plan one by one, in pages. A page may be short and still have a `next`."""
        routes = await self._routes(caller, wish)
        place = Place()
        if cursor:
            number, ms, identifier = decode_cursor(cursor, 3)
            after = (moment_of(ms), identifier) if identifier else None
            place = Place(min(moment_of(number), self._partitions), after)
        found: list[VerdictView] = []
        looked = 0
        while place.partition < self._partitions and looked < PAGE * 10 and len(found) < limit:
            rows, place = await next_page(
                self._finding, caller.namespace, wish.wanted, place, min(limit, PAGE)
            )
            looked += max(1, len(rows))
            verdicts = await self._verdicts(caller, rows, routes)
            found += [each for each in verdicts if outcome in {None, each.outcome}]
        if place.partition >= self._partitions:
            return VerdictPage(found)
        at, last = place.after or (0, "")
        return VerdictPage(found, encode_cursor(str(place.partition), str(at), last))

    async def migrate(
        self, caller: Caller, wish: MigrationWish, identifier: str | None
    ) -> OperationView:
        """Begin a migration; it goes on by itself. With an id of the caller's own it is begun once.

        Raises DefinitionNotFound and InvalidRequest.
        """
        routes = await self._routes(caller, wish)
        asked = Asked(
            kind=MIGRATE,
            wanted=wish.wanted,
            by=caller.name,
            reason=wish.reason,
            percent=wish.percent,
            count=wish.count,
            rate=wish.rate,
            version=routes.version,
            mapping=wish.mapping,
            propose=wish.propose,
            data=wish.data,
        )
        return await self.begin(caller, asked, identifier)

    async def after_publish(
        self, caller: Caller, published: Published, running: Running | None
    ) -> Published:
        """Do with the executions that run on older versions what the publisher says, or else the definition's default.

        `plan` only says what a migration would do, `migrate` begins one, `keep` does neither.
        """
        if published.type == "EXPRESS":
            return published
        if running is None:
            machine = await self._machines.get(caller.namespace, published.name, published.version)
            running = machine.keeping.running
        wish = MigrationWish(wanted=Wanted(definition=published.name), version=published.version)
        if running == "plan":
            return structs.replace(published, plan=await self.plan_migration(caller, wish))
        if running == "migrate":
            begun = await self.migrate(caller, wish, None)
            return structs.replace(published, migration=begun.id)
        return published

    async def roll_back(
        self,
        caller: Caller,
        migration: str,
        *,
        reason: str | None,
        rate: float | None,
        percent: float | None,
    ) -> OperationView:
        """Take a migration back, execution by execution: those that it moved and that can still go back do.

        A migration that has not ended is cancelled first: else it would move others behind the back of this one.
        Raises OperationNotFound and InvalidRequest for an operation that is no migration.
        """
        asked = await self._migration(caller, migration)
        back = Asked(
            kind=ROLLBACK,
            wanted=Wanted(definition=asked.wanted.definition, version=asked.version),
            by=caller.name,
            reason=reason,
            rate=rate,
            percent=percent,
            back=migration,
        )
        await self._operations.steer(caller.namespace, migration, "CANCELLED")
        return await self.begin(caller, back, None)

    async def plan_roll_back(self, caller: Caller, migration: str) -> MigrationPlan:
        """The verdict on every execution that the migration has moved. Nothing is written."""
        asked = await self._migration(caller, migration)
        definition = asked.wanted.definition
        wanted = Wanted(definition=definition, version=asked.version)
        tallied, machines = Tallied(), dict[int, Machine]()
        examined, complete = 0, True
        async for rows in self._pages(caller, wanted):
            found = await self._positions.read(
                caller.namespace, [row.id for row in rows], undo=True
            )
            for execution in found:
                version = version_back(execution, migration) if execution is not None else None
                if execution is None or version is None:
                    continue
                for needed in (version, execution.version):
                    machines[needed] = await self._machines.get(
                        caller.namespace, definition, needed
                    )
                tallied.add(verdict_back(execution, migration, machines, self._records_max))
                examined += 1
            if examined >= PLANNED_MAX:
                complete = False
                break
        return MigrationPlan(
            definition,
            asked.version,
            {},
            examined,
            complete,
            tallied.total("moves"),
            tallied.total("moves_by_mapping"),
            tallied.total("blocked"),
            tallied.positions(),
        )

    async def _migration(self, caller: Caller, identifier: str) -> Asked:
        check_name(identifier, "operation")
        progress = await self._operations.read(caller.namespace, identifier)
        if progress is None:
            raise OperationNotFound(identifier)
        asked = read_asked(progress.asked)
        if asked.kind != MIGRATE:
            raise InvalidRequest(f"{identifier} is not a migration: it can not be rolled back")
        return asked

    async def _routes(self, caller: Caller, wish: MigrationWish) -> Routes:
        """The routes that are wished for. Raises DefinitionNotFound, and InvalidRequest naming every problem."""
        definition = check_processor(wish.wanted.definition)
        version = wish.version
        # The children of a distributed Map have the versions of the definition that it belongs to.
        current = await self._catalog.current(caller.namespace, definition.partition("~")[0])
        if current is None:
            raise DefinitionNotFound(definition)
        if wish.machine is not None:
            version = current[0] + 1
        elif version is None:
            version = current[0]
        machine = wish.machine or await self._machines.get(caller.namespace, definition, version)
        problems = [
            f"mapping leads to {to}, which version {version} does not have"
            for to in sorted(set(wish.mapping.values()) - set(machine.states))
        ]
        problems += [
            f"mapping names {name}, which no version of {definition} has"
            for name in await self._unknown(caller, definition, set(wish.mapping), current[0])
        ]
        if wish.data is not None:
            try:
                compiled(wish.data)
            except InvalidExpression as error:
                problems += [f"data: {problem.message}" for problem in error.problems]
        if problems:
            raise InvalidRequest("; ".join(problems), problems=problems)
        return Routes(
            self._machines,
            (caller.namespace, definition),
            version,
            wish.mapping,
            proposing=wish.propose,
            machine=machine,
        )

    async def _unknown(
        self, caller: Caller, definition: str, names: set[str], newest: int
    ) -> list[str]:
        """Those that are no state of any version, as far back as versions are looked at: a slip of the pen."""
        for version in range(newest, max(0, newest - VERSIONS_MAX), -1):
            if not names:
                break
            with suppress(DefinitionNotFound):  # a distributed Map that this version has not
                machine = await self._machines.get(caller.namespace, definition, version)
                names = names - set(machine.states)
        return sorted(names) if newest <= VERSIONS_MAX else []

    async def _pages(self, caller: Caller, wanted: Wanted) -> AsyncIterator[list[Row]]:
        """The executions that are wanted, page by page."""
        place = Place()
        while place.partition < self._partitions:
            rows, place = await next_page(self._finding, caller.namespace, wanted, place, PAGE)
            yield rows

    async def _verdicts(self, caller: Caller, rows: list[Row], routes: Routes) -> list[VerdictView]:
        told = [row for row in rows if row.version != routes.version]
        found = await self._positions.read(caller.namespace, [row.id for row in told])
        await asyncio.sleep(0)  # others get their turn
        return [
            verdict_of(execution, await routes.from_version(execution.version), self._records_max)
            for execution in found
            if execution is not None and execution.version != routes.version
        ]


async def written(text: str) -> Machine:
    """The machine of a definition that is not published. Raises InvalidDefinition."""
    machine, problems = await examined(text.encode(), None)
    if machine is None:
        raise InvalidDefinition(problems)
    return machine
