"""A chain of Pass and Choice states: run by the engine, and its commits replayed without one.

Nothing in it waits, so that all there is to measure is the transition: one per state and one to begin with.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import hiredis
import redis.asyncio

from _lab import Engine, Store, engine, own_cpu
from engine.documents import Document
from engine.store import scripts
from engine.views import Caller

INPUT = {"order": "o-1842", "amount": 1250, "currency": "EUR", "customer": {"tier": "gold"}}
CALLER = Caller()


def definition(states: int, *, jsonata: bool = False) -> bytes:
    """`states` states, Pass and Choice in turns; each Pass writes, each Choice reads what was written."""
    table: dict[str, Any] = {}
    write, read = _JSONATA if jsonata else _JSONPATH
    for number in range(states):
        following = f"S{number + 1}"
        if number == states - 1:
            table[f"S{number}"] = {"Type": "Pass", "End": True}
        elif number % 2 == 0:
            table[f"S{number}"] = {"Type": "Pass", **write(number), "Next": following}
        else:
            rule = {**read, "Next": following}
            table[f"S{number}"] = {"Type": "Choice", "Choices": [rule], "Default": f"S{states - 1}"}
    language = "JSONata" if jsonata else "JSONPath"
    return json.dumps({"QueryLanguage": language, "StartAt": "S0", "States": table}).encode()


# The same work in both languages: what a Pass writes, and what a Choice asks.
_JSONPATH: tuple[Any, Any] = (
    lambda number: {
        "Parameters": {"at": number, "amount.$": "$.amount"},
        "ResultPath": "$.seen",
    },
    {"Variable": "$.seen.amount", "NumericGreaterThan": 1000},
)
_JSONATA: tuple[Any, Any] = (
    lambda number: {
        "Output": (
            f"{{% $merge([$states.input, {{'seen': {{'at': {number}, "
            "'amount': $states.input.amount}}]) %}"
        )
    },
    {"Condition": "{% $states.input.seen.amount > 1000 %}"},
)


class Sent(NamedTuple):
    """One script as the engine sent it."""

    name: str
    keys: Sequence[str]
    args: Sequence[Any]

    def command(self) -> tuple[Any, ...]:
        return ("EVALSHA", scripts.load(self.name).sha, len(self.keys), *self.keys, *self.args)


class Recorder:
    """Stands before `Redis.script` and keeps what goes through."""

    def __init__(self, running: Engine) -> None:
        self.sent: list[Sent] = []
        self._pass_on: Callable[..., asyncio.Future[Any]] = running.redis.script
        running.redis.script = self  # type: ignore[method-assign,assignment]

    def __call__(self, name: str, keys: Sequence[str], args: Sequence[Any]) -> asyncio.Future[Any]:
        self.sent.append(Sent(name, keys, args))
        return self._pass_on(name, keys, args)


async def publish(running: Engine, states: int, *, jsonata: bool = False) -> str:
    """Make the chain known; its name."""
    name = f"chain{states}{'-jsonata' * jsonata}"
    await running.commands.publish(CALLER, name, definition(states, jsonata=jsonata), "json")
    return name


async def record(
    store: Store, states: int, executions: int, *, jsonata: bool = False, **settings: Any
) -> list[Sent]:
    """What the engine sends while it runs the chain, in order."""
    async with engine(store.url, **settings) as running:
        chain = await publish(running, states, jsonata=jsonata)
        await advance(running, store, chain, 1)
        recorder = Recorder(running)
        await advance(running, store, chain, executions)
        return recorder.sent


async def advance(running: Engine, store: Store, chain: str, executions: int) -> dict[str, float]:
    """Start executions, then let the engine advance all of them; the figures are of the advancing alone."""
    advancer = running._advancer
    assert advancer is not None
    advancer._open = False  # what is started now waits
    given = Document.of(INPUT)
    starts = [
        running.commands.start(CALLER, chain, name=None, input=given, version=None)
        for _ in range(executions)
    ]
    refs = [
        f"{CALLER.namespace}:{(await start).execution.id}" for start in asyncio.as_completed(starts)
    ]
    closed, counted = _counted(running)
    own, redis_cpu, began = own_cpu(), store.cpu(), time.perf_counter()
    advancer.start()
    for ref in refs:
        advancer.offer(ref)
    while _counted(running)[0] - closed < executions:
        await asyncio.sleep(0.002)
    took, own, redis_cpu = time.perf_counter() - began, own_cpu() - own, store.cpu() - redis_cpu
    transitions = _counted(running)[1] - counted
    return {
        "per_second": transitions / took,
        "engine_us": own / transitions * 1e6,
        "redis_us": redis_cpu / transitions * 1e6,
        "transitions": transitions,
    }


def _counted(running: Engine) -> tuple[float, float]:
    value = running.counters.value
    return value("detent_executions_closed_total"), value("detent_transitions_total")


class Replay:
    """The scripts of a recorded run, to be run again through a plain redis-py pipeline.

    Same keys, same bytes, in the order in which they were sent. Before each replay everything the recorded
    executions wrote is deleted and they are created and claimed anew, with the recorded scripts and so under the
    recorded nonces: every commit passes its fence, and is checked to.
    """

    def __init__(self, sent: Sequence[Sent], url: str) -> None:
        self._client = redis.asyncio.Redis.from_url(url, protocol=2)
        self._creates = [s for s in sent if s.name == "create_execution"]
        seen: set[str] = set()
        self._claims: list[Sent] = []
        self._stream: list[Sent] = []
        for one in sent:
            if one.name == "claim" and one.keys[0] not in seen:
                seen.add(one.keys[0])
                self._claims.append(one)
            elif one.name in ("commit", "claim", "release"):
                self._stream.append(one)
        self.commits = sum(one.name == "commit" for one in self._stream)

    def commit_bytes(self) -> int:
        """Mean size of a commit on the wire."""
        sizes = [len(hiredis.pack_command(s.command())) for s in self._stream if s.name == "commit"]
        return round(sum(sizes) / len(sizes))

    async def close(self) -> None:
        """Leave nothing behind that an engine would go on with."""
        await self._wipe()
        await self._client.aclose()

    async def restore(self) -> None:
        """Bring every recorded execution back to where its first commit found it."""
        await self._wipe()
        for part in (self._creates, self._claims):
            for reply in await self._pipe([one.command() for one in part], 500):
                assert reply[0] == b"OK", reply

    async def run(self, store: Store, batch: int, most: int | None = None) -> dict[str, float]:
        """Replay in pipelines of `batch`; only commits count. Raises AssertionError where one is not OK."""
        stream = self._stream if most is None else self._stream[:most]
        commands = [one.command() for one in stream]
        own, redis_cpu, began = own_cpu(), store.cpu(), time.perf_counter()
        replies = await self._pipe(commands, batch)
        took, own, redis_cpu = time.perf_counter() - began, own_cpu() - own, store.cpu() - redis_cpu
        commits = 0
        for one, reply in zip(stream, replies, strict=True):
            if one.name == "commit":
                assert reply[0] == b"OK", reply
                commits += 1
        return {
            "per_second": commits / took,
            "client_us": own / commits * 1e6,
            "redis_us": redis_cpu / commits * 1e6,
            "commits": commits,
        }

    async def _wipe(self) -> None:
        """Delete what create and the commits wrote, in the executions' own keys and in the partitions' sets."""
        wipes: set[tuple[Any, ...]] = set()
        for one in (*self._creates, *self._stream):
            own, ref = one.keys[0], str(one.args[0])
            for key in one.keys:
                if key.startswith(own):
                    wipes.add(("DEL", key))
                elif key.endswith((":ready", ":closed")) or ":ix:" in key or ":at:" in key:
                    wipes.add(("ZREM", key, ref, ref.partition(":")[2]))
        await self._pipe(list(wipes), 1000)

    async def _pipe(self, commands: Sequence[tuple[Any, ...]], batch: int) -> list[Any]:
        client, replies = self._client, []
        if batch == 1:
            return [await client.execute_command(*command) for command in commands]
        for at in range(0, len(commands), batch):
            async with client.pipeline(transaction=False) as pipeline:
                for command in commands[at : at + batch]:
                    pipeline.execute_command(*command)
                replies += await pipeline.execute()
        return replies
