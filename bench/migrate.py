"""How long does it take to move thousands of running executions to a new version, and does anybody notice?

Loan approvals are parked in five positions (see `_lab/loans.py`). Then version 2 is published: a plan is made, 5 % are moved
and taken back (their data must be the same to the byte), and all are moved, while new applications start and decisions
arrive. In the end everyone finishes: on version 2, each task performed once. With --engines, that many engine processes
carry it out and one is killed every --kill-seconds during all of it; without, one engine in this process does.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, Self

from _lab import (
    Engine,
    arguments,
    close,
    machine,
    percentile,
    run,
    show,
    store,
)
from _lab.engines import KILLED, engines
from _lab.loans import (
    CALLER,
    DOCUMENTS,
    MAPPING,
    NAME,
    POSITIONS,
    RESTS,
    Office,
    definition,
    given,
)

from engine.commands.migrations import MigrationWish
from engine.core.execution import ROOT
from engine.documents import Document
from engine.errors import EngineError
from engine.runtime.bulk.asked import Asked, Wanted
from engine.store.finding.filter import Filter
from engine.store.keys import Keys
from engine.store.operating.positions import Positions
from engine.views import Outcome

AT_ONCE = 200
PATIENCE_SECONDS = 600.0


class Applications:
    """Those that are parked, and the deeds on all of them."""

    def __init__(self, running: Engine, count: int) -> None:
        self._running = running
        self.ids = [f"{NAME}:A-{number}" for number in range(count)]

    async def each(self, deed: Any, numbers: Any) -> list[Any]:
        """Do it for each number, some at once."""
        room, done = asyncio.Semaphore(AT_ONCE), []

        async def one(number: int) -> None:
            async with room:
                done.append(await again(lambda: deed(number)))

        await asyncio.gather(*(one(number) for number in numbers))
        return done

    async def start(self, number: int) -> str:
        document = Document.of(given(number))
        started = await self._running.commands.start(
            CALLER, NAME, name=f"A-{number}", input=document, version=None
        )
        return started.execution.id

    async def count(self, **wanted: Any) -> int:
        found = await again(
            lambda: self._running.queries.count(CALLER, Filter(definition=NAME, **wanted))
        )
        return found.count

    async def until(self, expected: int, **wanted: Any) -> None:
        """Wait until so many executions match."""
        until = time.monotonic() + PATIENCE_SECONDS
        while (found := await self.count(**wanted)) != expected:
            assert time.monotonic() < until, f"{found} instead of {expected} with {wanted}"
            await asyncio.sleep(0.1)


async def again(deed: Any) -> Any:
    """Do it until it is done: an engine may die while it is."""
    for _ in range(50):
        with contextlib.suppress(EngineError):
            return await deed()
        await asyncio.sleep(0.2)
    return await deed()


async def ended(running: Engine, operation: str) -> tuple[dict[str, int], float]:
    """What the executions have answered once all have, and the seconds that took."""
    began = time.perf_counter()
    while True:
        view = await again(lambda: running.operations.operation(CALLER, operation))
        if view.status == "DONE":
            return view.answers, time.perf_counter() - began
        await asyncio.sleep(0.02)


async def standing(running: Engine, ids: list[str]) -> dict[str, tuple[int, str, bytes]]:
    """Version, state and data of executions, as they are stored."""
    positions = Positions(running.redis, Keys(running.settings.prefix, running.settings.partitions))
    found = {}
    for first in range(0, len(ids), AT_ONCE):
        for run_ in await positions.read(CALLER.namespace, ids[first : first + AT_ONCE]):
            root = run_.frames[ROOT] if run_ is not None else None
            if run_ is not None and root is not None:
                found[run_.id] = (run_.version, root.state, root.input.text)
    return found


def wish(**more: Any) -> MigrationWish:
    return MigrationWish(wanted=Wanted(definition=NAME), mapping=MAPPING, **more)


class Traffic:
    """Starts of new applications and decisions for those that wait for one, all the time; how long each took."""

    def __init__(self, running: Engine, count: int) -> None:
        self._running = running
        self._starts, self._signals = (
            iter(range(count, 10**9)),
            iter(range(0, count, len(POSITIONS))),
        )
        self.taken: list[float] = []
        self.started: list[int] = []
        self.decided: set[int] = set()
        self._open = True
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.get_running_loop().create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._open = False
        await self._task

    async def _run(self) -> None:
        applications = Applications(self._running, 0)
        while self._open:
            number = next(self._starts)
            await self._timed(lambda n=number: applications.start(n))
            self.started.append(number)
            decided = next(self._signals, None)
            if decided is not None:
                await self._timed(lambda n=decided: decide(self._running, n))
                self.decided.add(decided)
            await asyncio.sleep(0.005)

    async def _timed(self, deed: Any) -> None:
        began = time.perf_counter()
        await again(deed)
        self.taken.append(time.perf_counter() - began)


async def decide(running: Engine, number: int) -> None:
    payload = Document.of({"approved": True})
    await running.commands.signal(CALLER, f"{NAME}:A-{number}", "Decision", payload, f"d{number}")


async def park(running: Engine, office: Office, count: int) -> Applications:
    await running.commands.publish(CALLER, NAME, definition(1), "json")
    for queue in ("ask", "score", "document"):
        office.open(queue)
    applications = Applications(running, count)
    await applications.each(applications.start, range(count))
    for number, position in enumerate(POSITIONS):
        share = len(range(number, count, len(POSITIONS)))
        await applications.until(share, state=RESTS[position], status="RUNNING")
    # Until half of the items are done and the callbacks have their tokens, the positions are not what they say.
    share = len(range(POSITIONS.index("map"), count, len(POSITIONS)))
    until = time.monotonic() + PATIENCE_SECONDS
    while len(office.performed) < share * DOCUMENTS // 2 + len(range(1, count, len(POSITIONS))):
        assert time.monotonic() < until
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    return applications


async def migrate(running: Engine, applications: Applications, count: int) -> dict[str, Any]:
    """Plan, canary, roll back, apply; what each took."""
    await running.commands.publish(CALLER, NAME, definition(2), "json")
    began = time.perf_counter()
    plan = await again(lambda: running.operations.plan_migration(CALLER, wish()))
    figures: dict[str, Any] = {"plan_seconds": time.perf_counter() - began}
    assert (plan.examined, plan.blocked) == (count, 0), plan
    before = await standing(running, applications.ids)

    canary = await again(lambda: running.operations.migrate(CALLER, wish(percent=5), "canary"))
    answers, figures["canary_seconds"] = await ended(running, canary.id)
    figures["canary"] = answers["moved"]
    assert set(answers) == {"moved"}, answers
    assert count < 1000 or 0.03 * count < answers["moved"] < 0.07 * count, answers
    moved = await standing(running, applications.ids)
    assert sum(version == 2 for version, _, _ in moved.values()) == answers["moved"]

    back = await again(
        lambda: running.operations.roll_back(
            CALLER, canary.id, reason="trial", rate=None, percent=None
        )
    )
    answers, figures["rollback_seconds"] = await ended(running, back.id)
    assert answers == {"moved": figures["canary"]}, answers
    assert await standing(running, applications.ids) == before  # to the byte

    async with Traffic(running, count) as traffic:
        await asyncio.sleep(1)
        quiet, traffic.taken = traffic.taken, []
        apply = await again(lambda: running.operations.migrate(CALLER, wish(), "apply"))
        answers, figures["apply_seconds"] = await ended(running, apply.id)
        during = traffic.taken
        await asyncio.sleep(0.5)
    assert "blocked" not in answers, answers
    figures["moved"] = answers["moved"]
    figures["per_second"] = answers["moved"] / figures["apply_seconds"]
    figures["others_p50_ratio"] = percentile(during, 0.5) / percentile(quiet, 0.5)
    figures["others_p99_ms"] = percentile(during, 0.99) * 1000
    figures["started_meanwhile"] = len(traffic.started)
    left = await applications.count(version=1, status="RUNNING")
    assert left == 0, left
    applications.ids += [f"{NAME}:A-{number}" for number in traffic.started]
    applications_decided.update(traffic.decided)
    return figures


applications_decided: set[int] = set()


async def finish(running: Engine, office: Office, applications: Applications) -> dict[str, Any]:
    """Everyone decides, answers and retries; all end well on version 2, and nothing was done twice."""
    count = len(applications.ids)
    for queue in ("compliance", "mail"):
        office.open(queue)
    await office.let_go()
    waiting = [n for n in range(0, count, len(POSITIONS)) if n not in applications_decided]
    await applications.each(lambda number: decide(running, number), waiting)
    asked = Asked(kind="retry", wanted=Wanted(definition=NAME, state="Score"), by="bench")
    retried = await again(lambda: running.operations.begin(CALLER, asked, "retry"))
    await ended(running, retried.id)
    until = time.monotonic() + PATIENCE_SECONDS
    answered: set[str] = set()
    while await applications.count(status="RUNNING"):
        assert time.monotonic() < until
        for execution, token in list(office.tokens.items()):
            if execution not in answered:
                answered.add(execution)
                approved = Outcome(token, output=Document.of({"approved": True}))
                await again(lambda o=approved: running.commands.settle(CALLER, o))
        await asyncio.sleep(0.2)
    succeeded = await applications.count(status="SUCCEEDED")
    assert succeeded == count, (succeeded, count)
    twice = {which: times for which, times in office.performed.items() if times > 1}
    assert not twice, twice
    checked, mailed = (
        {execution for execution, at, _ in office.performed if at == state}
        for state in ("ComplianceCheck", "MailOffer")
    )
    assert len(mailed) == count, len(mailed)
    # Who was decided on before being moved had the offer's mail in hand already, and kept it.
    unchecked = mailed - checked
    assert unchecked <= {f"{NAME}:A-{number}" for number in applications_decided}, unchecked
    versions = {row.version for row in await finished(running, applications)}
    assert versions == {2}, versions
    return {
        "finished": count,
        "checked": len(checked),
        "tasks": len(office.performed),
        "performed_twice": 0,
        "lost": 0,
    }


async def finished(running: Engine, applications: Applications) -> list[Any]:
    rows, cursor = [], None
    while True:
        page = await again(
            lambda at=cursor: running.queries.executions(
                CALLER, Filter(definition=NAME), limit=1000, cursor=at
            )
        )
        rows += page.executions
        cursor = page.next
        if cursor is None:
            assert len(rows) == len(applications.ids), len(rows)
            return rows


async def main() -> None:
    options = arguments(
        __doc__.partition("\n")[0],
        executions=(10_000, "executions that are parked"),
        engines=(0, "engine processes; 0: one engine in this process"),
        kill_seconds=(2, "with engine processes: one is killed about this often"),
    )
    with store(options.data) as at:
        show("machine", machine(at, options.data))
        async with engines(at, options.engines, options.kill_seconds) as running:
            office = Office(running)
            try:
                figures = await story(running, office, options)
            finally:
                await office.close()
        close(options, figures)


async def story(running: Engine, office: Office, options: Any) -> dict[str, Any]:
    began = time.perf_counter()
    applications = await park(running, office, options.executions)
    show("parked", {"executions": options.executions, "seconds": time.perf_counter() - began})
    figures = await migrate(running, applications, options.executions)
    show("migrated", figures)
    result = await finish(running, office, applications)
    if options.engines:
        result["engines_killed"] = len(KILLED)
    show("finished", result)
    return figures | result


if __name__ == "__main__":
    run(main())
