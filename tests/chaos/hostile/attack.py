"""Hostile input against a live server: each piece is refused or ended in time, and its neighbours do not feel it.

The server is `detent serve`; ordinary executions run beside at a steady rate, before the attack (quiet) and during it
(loud). A piece that takes too long is tried again, and counts only if it takes too long each time; what it may take is
multiplied by how much slower than its CPU work is on the machine at that moment, so that a busy machine is no finding.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from tests.chaos.hostile import sockets
from tests.chaos.hostile.documents import json_bombs, yaml_bombs
from tests.chaos.hostile.doors import (
    ARN,
    Door,
    definition_doors,
    document_doors,
    knock,
    query_paths,
    told,
)
from tests.chaos.hostile.expressions import Bomb, definition_of, expression_bombs, regex_bombs
from tests.chaos.hostile.neighbours import NAME, Neighbours, percentile, slowness
from tests.chaos.hostile.served import Memory, Served, served
from tests.chaos.rig.verdicts import verdict_of

ANSWER_SECONDS = 1.0
# An expression is tried in the loop (50 ms), then in a process of its own: for up to a second, after which it gives up by
# itself, or for two seconds of CPU, which end what does not look at the time. The rest is the way there.
DECIDED_SECONDS = 2.5
GIVEN_UP_SECONDS = 15.0
TRIES = 3
GROWTH_BYTES_MAX = 64 * 1024 * 1024
RATIO_MAX = 2.0
BUSY = 1.5  # slowness from which latencies say more about the machine than about the server
DRIP_SECONDS_MAX = 45.0  # the server's own limits are 30 s


@dataclass(frozen=True)
class Plan:
    """`share` of every kind of piece is sent, chosen by the seed. `drips`: sockets that send a byte a second."""

    seed: int = 1
    share: float = 1.0
    per_second: float = 20.0
    quiet_seconds: float = 20.0
    ratio_max: float = RATIO_MAX  # of the p99 of others, beside over alone; 0: too few to be judged
    drips: int = 200
    idle: int = 500


class Attack:
    """One run against one server; `findings` by the name of the check, `counts` of what was sent."""

    def __init__(
        self, plan: Plan, server: Served, client: aiohttp.ClientSession, chance: random.Random
    ) -> None:
        self._plan = plan
        self._server = server
        self._client = client
        self._chance = chance
        self.findings: dict[str, list[str]] = {
            name: [] for name in ("slow", "accepted", "faults", "sockets", "neighbours", "memory", "server")
        }  # fmt: skip
        self.counts: Counter[str] = Counter()
        self.seconds: dict[str, list[float]] = {}
        self.slowest: dict[str, tuple[float, str]] = {}
        self.slowness: list[float] = []

    def _some(self, of: dict[str, Any]) -> list[tuple[str, Any]]:
        count = max(1, round(len(of) * self._plan.share))
        return self._chance.sample(sorted(of.items(), key=lambda pair: pair[0]), count)

    async def run(self) -> None:
        """Everything once, in turn, so that what is slow is slow by itself."""
        yaml, texts = self._some(yaml_bombs()), self._some(json_bombs())
        doors = await document_doors(self._client)
        for name, document in yaml:
            for door in definition_doors("yaml"):
                await self._document(name, door, document)
        for name, document in texts:
            for door in (*definition_doors("json"), *doors):
                await self._document(name, door, document)
            for path in query_paths(document):
                await self._search(name, path)
        for name, bomb in (*self._some(expression_bombs()), *self._some(regex_bombs())):
            await self._expression(name, bomb)
        async with sockets.idle(self._server.port, self._plan.idle):
            for name, pieces in self._some(dict(sockets.senders())):
                await self._sender(name, pieces)

    async def drip(self) -> None:
        """Many sockets that send a byte a second, beside everything else."""
        count = self._plan.drips
        waits = (sockets.drip(self._server.port, in_body=n % 2 == 0) for n in range(count))
        for seconds in await asyncio.gather(*waits):
            self.counts["drips"] += 1
            if seconds > DRIP_SECONDS_MAX * self._pace():
                self.findings["sockets"].append(f"a socket that drips was open for {seconds:.0f} s")

    async def _document(self, name: str, door: Door, document: bytes) -> None:
        what = f"{name} at {door.name}"

        async def once() -> None:
            status, text = await knock(self._client, door, document, GIVEN_UP_SECONDS)
            self._judge(what, status, text)
            if door.defines and status < 400:
                self.findings["accepted"].append(f"{what}: {status} {text}")

        await self._timed("documents", what, ANSWER_SECONDS, once)

    async def _search(self, name: str, path: str) -> None:
        what = f"{name} in {path.partition('=')[0][:60]}"

        async def once() -> None:
            async with asyncio.timeout(GIVEN_UP_SECONDS):
                async with self._client.get(URL(path, encoded=True)) as answer:
                    self._judge(what, answer.status, (await answer.text())[:300])

        await self._timed("searches", what, ANSWER_SECONDS, once)

    async def _expression(self, name: str, bomb: Bomb) -> None:
        """As an execution, and as a test of the one state."""
        path = "/v1/definitions/expression"
        await told(self._client, "PUT", path, definition_of(bomb))

        async def execution() -> None:
            started = await told(self._client, "POST", f"{path}/executions", {"input": bomb.input})
            async with asyncio.timeout(GIVEN_UP_SECONDS):
                ended = await told(self._client, "GET", f"/v1/executions/{started['id']}?wait=30")
            self.counts[f"executions {ended['status'].lower()}"] += 1
            if ended["status"] == "RUNNING":
                self.findings["slow"].append(f"{name} has not ended: {ended.get('quarantined')}")

        await self._timed("expressions", name, DECIDED_SECONDS, execution)
        body = json.dumps(
            {"definition": json.dumps(bomb.state), "input": json.dumps(bomb.input), "roleArn": f"{ARN}:role"}
        )  # fmt: skip
        headers = {
            "x-amz-target": "AWSStepFunctions.TestState",
            "content-type": "application/x-amz-json-1.0",
        }
        door = Door("POST / TestState", "POST", "/", headers=headers)

        async def tested() -> None:
            status, text = await knock(self._client, door, body.encode(), GIVEN_UP_SECONDS)
            self._judge(name, status, text)

        await self._timed("tests of a state", name, DECIDED_SECONDS, tested)

    async def _sender(self, name: str, pieces: Callable[[], Any]) -> None:
        async def once() -> None:
            ended = await sockets.send(self._server.port, pieces())
            self.counts["bytes sent"] += ended.sent
            if ended.status is None:
                raise TimeoutError
            self._judge(name, ended.status, "")
            if 200 <= ended.status < 300:
                self.findings["accepted"].append(f"{name}: {ended.status}")

        limit = ANSWER_SECONDS if name not in HEADS else DRIP_SECONDS_MAX
        await self._timed("senders", name, limit, once)

    async def _timed(
        self, kind: str, what: str, limit: float, once: Callable[[], Awaitable[None]]
    ) -> None:
        """Try until it has been quick enough once; what never is, is a finding."""
        taken = []
        for _ in range(TRIES):
            began = time.perf_counter()
            try:
                await once()
            except TimeoutError:
                taken.append(GIVEN_UP_SECONDS)
            except aiohttp.ClientError:
                taken.append(time.perf_counter() - began)  # closed on: an end, too
                self.counts["connections closed"] += 1
            else:
                taken.append(time.perf_counter() - began)
            if taken[-1] <= limit * self._pace():
                break
        else:
            self.findings["slow"].append(f"{what}: {min(taken):.2f} s, each of {TRIES} times")
        self.counts[kind] += 1
        self.seconds.setdefault(kind, []).append(min(taken))
        self.slowest[kind] = max(self.slowest.get(kind, (0.0, "")), (min(taken), what))

    def _judge(self, what: str, status: int, text: str) -> None:
        if status >= 500:
            self.findings["faults"].append(f"{what}: {status} {text}")

    def _pace(self) -> float:
        self.slowness.append(slowness())
        return self.slowness[-1]


# Requests that say nothing wrong for as long as they say little: what ends them is a deadline.
HEADS = frozenset({"two lengths"})


async def run(plan: Plan, folder: Path) -> dict[str, Any]:
    """One run; returns its verdict."""
    folder.mkdir(parents=True, exist_ok=True)
    async with served(folder) as (server, client):
        neighbours = Neighbours(client, plan.per_second)
        await neighbours.publish()
        beside = asyncio.create_task(neighbours.run())
        await asyncio.sleep(2.0)
        neighbours.seconds["quiet"].clear()
        await asyncio.sleep(plan.quiet_seconds)
        await _large(client)
        memory = Memory(server)
        watching = asyncio.create_task(memory.watch())
        neighbours.phase = "loud"
        attack = Attack(plan, server, client, random.Random(f"hostile/{plan.seed}"))
        began = time.monotonic()
        await asyncio.gather(attack.run(), attack.drip())
        seconds = time.monotonic() - began
        for task in (beside, watching):
            task.cancel()
        await asyncio.gather(beside, watching, return_exceptions=True)
        pid, alive = server.pid, server.is_alive
    _judge_server(attack, server, memory, pid if alive else 0)
    return _verdict(plan, attack, neighbours, memory, seconds)


async def _large(client: aiohttp.ClientSession) -> None:
    """The largest of what is ordinary, once: the memory that the server keeps for such is not the attack's doing."""
    for states in (2_000, 5_000):
        table = {
            f"S{n}": {"Type": "Pass", "Comment": "x" * 60, "Next": f"S{n + 1}"}
            for n in range(states)
        }
        definition = {"StartAt": "S0", "States": table | {f"S{states}": {"Type": "Succeed"}}}
        await told(client, "PUT", "/v1/definitions/large", definition)
        await told(client, "POST", "/v1/definitions:validate", definition)
    given = {"name": "large", "input": {"n": 7, "text": "x" * 250_000}}
    await told(client, "POST", f"/v1/definitions/{NAME}/executions", given)


def _judge_server(attack: Attack, server: Served, memory: Memory, pid: int) -> None:
    found = attack.findings
    if not pid:
        found["server"].append("the server has ended")
    for event in server.events():
        name = event.get("event", "")
        if name in {"execution.quarantined", "process.exited", "redis.exited", "loop.failed"}:
            found["server"].append(json.dumps(event)[:500])
        elif "traceback" in event:
            found["server"].append(str(event["traceback"])[-500:])
    if memory.growth > GROWTH_BYTES_MAX:
        found["memory"].append(f"the server grew by {memory.growth // 2**20} MiB")


def _verdict(
    plan: Plan, attack: Attack, neighbours: Neighbours, memory: Memory, seconds: float
) -> dict[str, Any]:
    attack.findings["neighbours"] += neighbours.failures
    latencies, busy = neighbours.figures(), percentile(attack.slowness, 0.5)
    shortfalls = []
    if plan.ratio_max and latencies.get("loud_p99_ratio", 0) > plan.ratio_max:
        said = f"p99 of others {latencies['quiet_p99_ms']} ms alone, {latencies['loud_p99_ms']} ms beside"
        if busy > BUSY:
            shortfalls.append(f"{said}, on a machine that is {busy:.1f} times slower than its CPU")
        else:
            attack.findings["neighbours"].append(said)
    if latencies["quiet_count"] < 50 or latencies.get("loud_count", 0) < 50:
        shortfalls.append("too few ordinary executions to compare")
    figures = {
        **dict(sorted(attack.counts.items())),
        **{f"{k}, slowest s": round(max(v), 2) for k, v in sorted(attack.seconds.items())},
        "slowest": {k: what for k, (_, what) in sorted(attack.slowest.items())},
        **{f"others {k}": v for k, v in latencies.items()},
        "server_growth_mib": memory.growth // 2**20,
        "children_mib_most": memory.most_of_children // 2**20,
        "slowness_p50": round(busy, 2),
        "seconds": round(seconds, 1),
    }
    return verdict_of(attack.findings, shortfalls=shortfalls, figures=figures, plan=asdict(plan))
