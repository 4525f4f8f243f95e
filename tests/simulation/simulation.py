"""One run on a real Redis in one process, step by step, with faults where the plan says and time that jumps.

The engine's parts are composed as `detent serve` composes them, but nothing runs by itself: the simulation advances
what is ready, performs what is queued, and lets time pass when there is nothing else to do. Redis' clock cannot be
moved, so time passes the other way round: every timer of the store is brought nearer by the same number of
milliseconds. Leases are short: a claim or a task's lease whose holder is gone lapses as soon as the simulation looks.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import redis.asyncio

from engine.core.states.nested import STATES_QUEUE
from engine.documents import Document
from engine.errors import LeaseLost, StoreUnavailable, TaskClosed
from engine.rehearsal import Answer, Fail, Silence, Submit, Succeed
from engine.serve import Engine
from engine.settings import Settings
from engine.store.connection import Redis
from engine.store.keys import Keys, ref_of
from engine.views import Caller, LeasedTask, Outcome
from tests.chaos.rig import dump
from tests.chaos.rig.indexes import problems
from tests.simulation.ends import End, child
from tests.simulation.faults import Fault, FaultyRedis, Killed
from tests.simulation.scripts import Script

CALLER = Caller()
PREFIX = "sim"
KEYS = Keys(PREFIX, 1)
ID = "simulated:one"
REF = ref_of(CALLER.namespace, ID)
RUNNING = KEYS.index(0, CALLER.namespace, "", "RUNNING")
LEASE_MS = 30_000
FOREVER_MS = 400 * 86_400_000
STEPS_MAX = 2000
TRIES_MAX = 10
# Almost every document is stored once and referred to, so that references are counted whatever fails.
SETTINGS = Settings(prefix=PREFIX, partitions=1, payload_inline_bytes_max=16)


class Stuck(AssertionError):
    """The execution is open and nothing will ever wake it."""


@dataclass(order=True)
class _Due:
    at_ms: int
    number: int
    deed: Any = field(compare=False)


class Simulation:
    """`real` is the way to Redis that all engines of the run share; `raw` is the simulation's own."""

    def __init__(
        self, script: Script, real: Redis, raw: redis.asyncio.Redis, plan: dict[int, Fault]
    ) -> None:
        self._script = script
        self._real = real
        self._raw = raw
        self._plan = plan
        self._faulty = FaultyRedis(real, plan)
        self._engine = self._compose()
        self._now_ms = 0  # passed since the start
        self._agenda: list[_Due] = []
        self._held: dict[str, LeasedTask] = {}  # by token: in a worker's hands
        self._tokens: defaultdict[str, list[str]] = defaultdict(list)  # by state, in order
        self._effects: defaultdict[str, set[str]] = defaultdict(set)
        self._problems: list[str] = []
        self._zombies: list[tuple[asyncio.Task[Any], FaultyRedis]] = []

    async def run(self) -> End:
        await self._raw.flushall()
        await self._publish()
        await self._client(self._start)
        for signal in self._script.signals:
            self._later(signal.at_ms, lambda signal=signal: self._signal(signal))
        for _ in range(STEPS_MAX):
            await self._advance()
            is_over = not await self._raw.zcard(RUNNING)
            # What an end tells others is done after it.
            if is_over and not self._script.children:
                return await self._end()
            if await self._work():
                continue
            if is_over:
                return await self._end()
            await self._pass_time()
        raise Stuck("too many steps")

    async def _publish(self) -> None:
        publisher = Engine(self._real.url, SETTINGS)
        publisher.redis = self._real
        publisher._compose(KEYS)
        await publisher.commands.publish(CALLER, "simulated", self._script.text, "yaml")
        for name, text in self._script.children.items():
            await publisher.commands.publish(CALLER, name, text, "yaml")

    def _compose(self) -> Engine:
        """A fresh process's engine, without its loops."""
        engine = Engine(self._real.url, SETTINGS)
        engine.redis = self._faulty  # type: ignore[assignment]
        engine._compose(KEYS)
        return engine

    def _restart(self) -> None:
        """The process was killed: drop it as it stands and make another on the same Redis."""
        before = self._faulty
        self._faulty = FaultyRedis(self._real, self._plan, before.made)
        self._faulty.hit = before.hit
        self._engine = self._compose()

    async def _client(self, deed: Any) -> Any:
        """Repeat what a caller asks until it is answered, as every client does."""
        for _ in range(TRIES_MAX):
            try:
                return await self._alive(deed())
            except Killed:
                self._restart()
            except StoreUnavailable:
                continue
        raise Stuck("a caller was never answered")

    async def _alive(self, deed: Any) -> Any:
        """What a deed of the current process comes to; Killed when the process dies, or stops, over it."""
        task = asyncio.ensure_future(deed)
        stop = asyncio.ensure_future(self._faulty.stopped.wait())
        await asyncio.wait([task, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if task.done():
            return task.result()
        self._zombies.append((task, self._faulty))
        raise Killed

    async def _resume_zombies(self) -> bool:
        """Let stopped processes go on, after everything was done without them; whether there were any."""
        zombies, self._zombies = self._zombies, []
        for task, faulty in zombies:
            faulty.resume()
            await asyncio.gather(task, return_exceptions=True)
        return bool(zombies)

    async def _start(self) -> None:
        given = Document.of(self._script.input)
        await self._engine.commands.start(
            CALLER, "simulated", name="one", input=given, version=None
        )

    async def _signal(self, signal: Any) -> None:
        payload = Document.of(signal.payload)
        commands = self._engine.commands
        await commands.signal(CALLER, ID, signal.name, payload, signal.id)

    # What is ready

    async def _advance(self) -> None:
        """Advance until nothing is ready. A claim that is held now is a dead process's."""
        for number in range(TRIES_MAX * 10):
            ready = sorted(name.decode() for name in await self._raw.zrange(KEYS.ready(0), 0, -1))
            if not ready:
                return
            ref = ready[number % len(ready)]
            await self._raw.zadd(KEYS.ready(0), {ref: 0})
            await self._raw.hset(KEYS.of(ref).execution, "until", "0")
            try:
                await self._alive(self._hold(ref))
                continue
            except Killed:
                self._restart()
            except StoreUnavailable:
                pass
            # Workers do not stand still until the claim has lapsed.
            await self._work()
        raise Stuck("it stays ready")

    async def _hold(self, ref: str) -> None:
        """One claim and what follows from it. Only then is the advancer open: it takes no offers of its own."""
        advancer = self._engine._advancer
        assert advancer is not None
        advancer.start()
        try:
            await advancer.advance(ref)
        finally:
            advancer._open = False

    # What is queued

    async def _work(self) -> bool:
        """Lease and perform what waits in queues; whether anything did."""
        queues = [name.decode() for name in await self._raw.smembers(KEYS.queues(0))]
        worked = False
        for name in sorted(queues):
            if name.endswith(f":{STATES_QUEUE}"):
                worked = True
                await self._client(self._perform_own)
                continue
            tasks = await self._client(lambda name=name: self._lease(name.partition(":")[2]))
            for task in tasks:
                worked = True
                await self._perform(task)
        return worked or bool(await self._lapse())

    async def _perform_own(self) -> None:
        """Tasks and errands that the engine performs itself."""
        engine = self._engine
        await engine.dispatcher.look(0)
        leases = await engine.dispatcher.lease(
            CALLER.namespace,
            STATES_QUEUE,
            most=10,
            wait_seconds=0,
            lease_ms=LEASE_MS,
            worker="engine",
        )
        performer = next(each for each in engine._performers if each._queue == STATES_QUEUE)
        for lease in leases:
            await performer._perform(lease)

    async def _lease(self, queue: str) -> list[LeasedTask]:
        await self._engine.dispatcher.look(0)
        return await self._engine.commands.lease(
            CALLER, queue, most=10, wait_ms=0, lease_ms=LEASE_MS, worker="w"
        )

    async def _lapse(self) -> int:
        """Leases of tasks that no worker knows of (their hand-out was lost) run out at once."""
        held = {task.token for task in self._held.values()}
        lost = 0
        for member, score in await self._raw.zrange(KEYS.timers(0), 0, -1, withscores=True):
            if member.endswith(b"#lease") and not held and score > 0:
                await self._raw.zadd(KEYS.timers(0), {member: 0})
                lost += 1
        if lost:
            await self._fire()
        return lost

    async def _perform(self, task: LeasedTask) -> None:
        tokens = self._tokens[task.state]
        if task.token not in tokens:
            tokens.append(task.token)
        elif task.token in self._held:
            self._held[task.token] = task
            return
        answer = self._script.answer(task, tokens.index(task.token))
        delay_ms = getattr(answer, "after_ms", 0)
        if isinstance(answer, Silence) or delay_ms:
            self._held[task.token] = task
            await self._client(lambda: self._keep(task))
            if not isinstance(answer, Silence):
                self._later(delay_ms, lambda: self._answer(task, answer))
            return
        await self._client(lambda: self._answer(task, answer))

    async def _keep(self, task: LeasedTask) -> None:
        """A worker that takes long extends its lease."""
        try:
            await self._engine.commands.heartbeat(CALLER, task.token, task.lease, FOREVER_MS)
        except (TaskClosed, LeaseLost):
            pass

    async def _answer(self, task: LeasedTask, answer: Answer) -> None:
        self._held.pop(task.token, None)
        lease: str | None = task.lease
        match answer:
            case Succeed(output=output) | Submit(output=output):
                self._effects[task.state].add(task.idempotency_key)
                outcome = Outcome(task.token, lease=lease, output=Document.of(output))
            case Fail(error=error, cause=cause):
                outcome = Outcome(task.token, lease=lease, error=error, cause=cause)
            case Silence():
                return
        try:
            await self._engine.commands.settle(CALLER, outcome)
        except (TaskClosed, LeaseLost):
            pass
        if isinstance(answer, Submit) and not isinstance(answer.then, Silence):
            then = answer.then
            self._later(then.after_ms, lambda: self._call_back(task, then))

    async def _call_back(self, task: LeasedTask, answer: Succeed | Fail) -> None:
        """Somebody else answers, by the token alone."""
        if isinstance(answer, Succeed):
            outcome = Outcome(task.token, output=Document.of(answer.output))
        else:
            outcome = Outcome(task.token, error=answer.error, cause=answer.cause)
        try:
            await self._engine.commands.settle(CALLER, outcome)
        except TaskClosed:
            pass

    # What is due

    def _later(self, ms: int, deed: Any) -> None:
        self._agenda.append(_Due(self._now_ms + ms, len(self._agenda), deed))
        self._agenda.sort()

    async def _pass_time(self) -> None:
        """Nothing to do now: let time pass until something is. The store is at rest, so its indexes must be right."""
        if await self._resume_zombies():
            return
        if self._faulty.hit:
            self._problems += problems(await dump.snapshot(self._raw, PREFIX), PREFIX)
        redis_ms = await self._redis_ms()
        first = await self._raw.zrange(KEYS.timers(0), 0, 0, withscores=True)
        waits = [max(0, int(score) - redis_ms) for _, score in first]
        if self._agenda:
            waits.append(max(0, self._agenda[0].at_ms - self._now_ms))
        if not waits:
            raise Stuck("nothing is due, ever")
        passed = min(waits)
        self._now_ms += passed
        for member, score in await self._raw.zrange(KEYS.timers(0), 0, -1, withscores=True):
            await self._raw.zadd(KEYS.timers(0), {member: int(score) - passed})
        while self._agenda and self._agenda[0].at_ms <= self._now_ms:
            await self._client(self._agenda.pop(0).deed)
        await self._fire()

    async def _fire(self) -> None:
        """Fire what is due. What fails is left in Redis, and found again."""
        try:
            engine = self._engine
            engine.clock.observe(await self._redis_ms())
            assert engine._timekeeper is not None
            await self._alive(engine._timekeeper.look(0, 500))
            while await self._alive(engine._timekeeper.tick()):
                pass
        except Killed:
            self._restart()
        except StoreUnavailable:
            pass

    async def _redis_ms(self) -> int:
        seconds, microseconds = await self._raw.time()
        return seconds * 1000 + microseconds // 1000

    # What it came to

    async def _end(self) -> End:
        await self._resume_zombies()
        await self._drain_queues()
        found = await dump.snapshot(self._raw, PREFIX)
        (execution,) = [each for each in dump.executions(found, PREFIX) if each["id"] == ID]
        children = [each for each in dump.executions(found, PREFIX) if each["id"] != ID]
        self._problems += problems(found, PREFIX)
        if execution["others"]:
            self._problems.append(f"events nobody read: {execution['others']}")
        return End(
            execution["status"],
            execution["output"],
            execution["error"],
            execution["cause"],
            self._history(execution["records"]),
            execution["records"],
            {state: len(keys) for state, keys in self._effects.items()},
            {state: len(tokens) for state, tokens in self._tokens.items()},
            self._faulty.made,
            self._faulty.hit,
            sorted(set(self._problems)),
            sorted(child(each) for each in children),
        )

    async def _drain_queues(self) -> None:
        """Tasks that ended while they were queued again leave their queues when somebody looks there."""
        for name in await self._raw.smembers(KEYS.queues(0)):
            if name.decode().endswith(f":{STATES_QUEUE}"):
                await self._client(self._perform_own)
                continue
            await self._client(lambda name=name: self._lease(name.decode().partition(":")[2]))

    def _history(self, records: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        """The history without what chance and clocks put into it."""
        tokens = [token for state in self._tokens.values() for token in state]
        out = []
        for record in records:
            text = json.dumps(record["details"], sort_keys=True)
            for token in tokens:
                text = text.replace(token, "<token>")
            out.append((record["id"], record["previous"], record["type"], text))
        return out
