"""The races, run: many rounds of each kind at once on a real Redis, and one verdict over all of them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.serve import Engine
from engine.settings import Settings
from engine.store.server.embedded import EmbeddedRedis
from tests.chaos.races.doors import Door, Inside, Outside, Refused
from tests.chaos.races.judging import Round, sound
from tests.chaos.races.kinds import KINDS, Kind
from tests.chaos.races.track import Track
from tests.chaos.rig.processes import Household, Server, free_port
from tests.chaos.rig.verdicts import verdict_of

SEEN_SHARE = 0.01  # of the rounds of a kind that each order must have won


@dataclass(frozen=True)
class Plan:
    """`rounds` of each kind in this process, `http_rounds` of each through two API and two engine processes."""

    rounds: int = 10_000
    http_rounds: int = 300
    concurrent: int = 800
    http_concurrent: int = 60
    seed: int = 1
    only: str = ""  # kinds whose name holds this
    mutant: str = ""  # of tests/chaos/broken/program.py, for the processes of the HTTP rounds

    @property
    def kinds(self) -> Sequence[Kind]:
        return [kind for kind in KINDS if self.only in kind.name]


@dataclass
class Tally:
    """What came of the rounds of one kind."""

    kind: Kind
    won: Counter[str]
    findings: list[str]
    seconds: float
    aim_ms: float

    @property
    def shortfalls(self) -> list[str]:
        total = self.won.total()
        return [
            f"{self.kind.name}: {order} won {self.won[order]} of {total}"
            for order in self.kind.orders
            if self.won[order] < max(1, total * SEEN_SHARE)
        ]


async def rounds_of(
    kind: Kind, doors: Sequence[Door], count: int, concurrent: int, seed: str
) -> Tally:
    """Run `count` rounds of a kind, at most `concurrent` at once."""
    began = time.monotonic()
    for name, text in kind.texts():
        await doors[0].publish(name, text)
    track = Track(doors, random.Random(f"{seed}/{kind.name}"), f"r{seed}")
    if kind.queue is not None:
        track.serve(kind.queue)
    tally = Tally(kind, Counter(), [], 0.0, 0.0)
    numbers = iter(range(count))

    async def lane(place: float) -> None:
        await asyncio.sleep(place)  # spread over the second that a deadline takes
        for number in numbers:
            try:
                _judged(tally, await kind.run(track, number))
            except (Refused, TimeoutError) as error:
                tally.findings.append(f"round {number}: {type(error).__name__} {error}")

    try:
        lanes = min(concurrent, count)
        await asyncio.gather(*(lane(number / lanes) for number in range(lanes)))
    finally:
        await track.close()
    tally.seconds, tally.aim_ms = time.monotonic() - began, track.aim.centre_ms
    return tally


def _judged(tally: Tally, round_: Round) -> None:
    tally.won[tally.kind.winner(round_)] += 1
    for text in (*sound(round_), *tally.kind.judge(round_)):
        tally.findings.append(f"{round_.execution}: {text}")


@contextlib.asynccontextmanager
async def _inside() -> AsyncIterator[list[Door]]:
    """An engine that advances and one that only serves, each with a connection of its own."""
    folder = Path(tempfile.mkdtemp(prefix="dt-races-"))
    server = EmbeddedRedis(folder / "d")
    server.start()
    engines: list[Engine] = []
    try:
        for advances in (True, False):
            engine = Engine(server.url, Settings(lease_ms=30_000), advances=advances)
            await engine.start()
            engines.append(engine)
        yield [Inside(engine) for engine in engines]
    finally:
        for engine in reversed(engines):
            await engine.stop()
        server.stop()
        shutil.rmtree(folder)


@contextlib.asynccontextmanager
async def _outside(mutant: str) -> AsyncIterator[list[Door]]:
    """Two engine processes and two API processes."""
    folder = Path(tempfile.mkdtemp(prefix="dt-races-"))
    house = Household(folder, engines=2, lease_ms=30_000, mutant=mutant)
    port = free_port()
    second = Server("api", (*house.api.arguments[:-1], str(port)), folder / "api-2.log")
    house.engines.append(second)  # a place like any other: started with them, and ended
    doors: list[Outside] = []
    try:
        house.start()
        for server in (house.api, *house.engines):
            await house.ready(server)
        doors = [Outside(house.url), Outside(f"http://127.0.0.1:{port}")]
        for door in doors:
            await door.opened()
        yield [*doors]
    finally:
        for door in doors:
            await door.close()
        house.close()
        shutil.rmtree(folder)


async def run(plan: Plan) -> dict[str, Any]:
    """One run; returns its verdict."""
    tallies: list[tuple[str, Tally]] = []
    if plan.rounds:
        async with _inside() as doors:
            for kind in plan.kinds:
                made = await rounds_of(kind, doors, plan.rounds, plan.concurrent, str(plan.seed))
                tallies.append(("", made))
    if plan.http_rounds:
        async with _outside(plan.mutant) as doors:
            for kind in plan.kinds:
                seed = f"h{plan.seed}"
                made = await rounds_of(kind, doors, plan.http_rounds, plan.http_concurrent, seed)
                tallies.append(("over HTTP, ", made))
    return _verdict(plan, tallies)


def _verdict(plan: Plan, tallies: list[tuple[str, Tally]]) -> dict[str, Any]:
    findings: defaultdict[str, list[str]] = defaultdict(list)
    shortfalls: list[str] = []
    figures: dict[str, Any] = {}
    for where, tally in tallies:
        findings[tally.kind.name] += tally.findings
        shortfalls += [where + text for text in tally.shortfalls]
        figures[where + tally.kind.name] = {
            "won": dict(tally.won.most_common()),
            "seconds": round(tally.seconds, 1),
            "aim_ms": round(tally.aim_ms, 1),
        }
    return verdict_of(findings, shortfalls=shortfalls, figures=figures, plan=asdict(plan))


def short(**changed: Any) -> Plan:
    """A plan of the suite's size."""
    return replace(Plan(rounds=500, http_rounds=0, concurrent=80), **changed)
