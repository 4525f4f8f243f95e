"""One flow on a running engine, one of whose store calls goes wrong; and what everything came to.

Other than in the stepwise simulation the engine's own loops run, in real time with short leases, so that whatever an
engine does by itself is met: Map Runs, operations on many, pruning, half-done publishes. A fault is named by its
script (or command) and passage, for the order of calls differs from run to run. Every run has a prefix of its own, so
that many share one server.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import redis.asyncio

from engine.documents import Document
from engine.errors import EngineError, LeaseLost, StoreUnavailable, TaskClosed
from engine.rehearsal import Answer, Fail, Succeed
from engine.serve import Engine
from engine.settings import Settings
from engine.store.connection import Redis
from engine.views import Ask, Caller, LeasedTask, Outcome
from tests.chaos.rig import dump
from tests.chaos.rig.indexes import problems
from tests.simulation.flows.crossing import Crossing, Point

ME = Caller()
LEASE_MS = 500
# Names that are drawn, and moments.
_VARIES = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}|\d{4}-\d\d-\d\dT[0-9:.]+Z")
ANSWER_SECONDS = 20.0  # of patience with one request, and with the end
T = TypeVar("T")


class Unsettled(AssertionError):
    """The flow never came to an end."""


@dataclass(frozen=True)
class Flow:
    """`drive` does what callers do; workers perform the tasks of `queues` as `answer` says of (task, its number)."""

    name: str
    drive: Callable[[Theatre], Awaitable[None]]
    queues: tuple[str, ...] = ()
    answer: Callable[[LeasedTask, int], Answer] = lambda _task, _number: Succeed({})
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Came:
    """What a run came to: `told` has to be the same whatever failed."""

    told: dict[str, Any]
    problems: list[str]
    calls: Counter[str]
    hit: bool


class Theatre:
    """A process, its workers, and callers who repeat what was not answered. A process that dies is replaced."""

    def __init__(self, flow: Flow, url: str, raw: redis.asyncio.Redis, prefix: str) -> None:
        self._flow = flow
        self._url = url
        self._raw = raw
        self._prefix = prefix
        self._settings = Settings(
            **{
                "prefix": prefix,
                "partitions": 2,
                "lease_ms": LEASE_MS,
                "drain_seconds": 0.0,
                "payload_inline_bytes_max": 64,
                **flow.settings,
            }
        )
        self._crossings: list[Crossing] = []
        self._effects: defaultdict[str, set[str]] = defaultdict(set)
        self._numbers: defaultdict[str, list[str]] = defaultdict(list)
        self._mending = asyncio.Lock()
        self._remains: list[asyncio.Future[None]] = []
        self.told: dict[str, Any] = {}  # what the flow itself saw and wants compared
        self.engine: Engine
        self._crossing: Crossing

    async def run(self, point: Point | None) -> Came:
        await self._begin(point)
        people = [asyncio.ensure_future(self._work(queue)) for queue in self._flow.queues]
        people.append(asyncio.ensure_future(self._watch()))
        try:
            async with asyncio.timeout(ANSWER_SECONDS * 2):
                await self._flow.drive(self)
            found = await self._rest()
            for crossing in self._crossings:
                crossing.resume()  # a zombie wakes when all is done
            await asyncio.sleep(0.05)
            found = await self._rest()
            lasting = await self._lasting(found)
        except TimeoutError:
            ended = [repr(person.exception()) for person in people if person.done()]
            raise Unsettled(f"{self._flow.name}: it did not come to an end {ended}") from None
        finally:
            await self._end(self.engine)
            for left in (*people, *self._remains):
                left.cancel()
            await asyncio.wait([*people, *self._remains], timeout=1)
        return self._came(found, lasting, point)

    async def ask(self, deed: Callable[[Engine], Awaitable[T]]) -> T:
        """What a request is answered in the end; a client repeats it while there is no answer."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                engine, crossing = self.engine, self._crossing
                asked = asyncio.ensure_future(deed(engine))
                gone = asyncio.ensure_future(crossing.gone.wait())
                try:
                    await asyncio.wait([asked, gone], return_when=asyncio.FIRST_COMPLETED)
                    if asked.done():
                        return asked.result()
                except StoreUnavailable:
                    await asyncio.sleep(0.02)
                    continue
                finally:
                    gone.cancel()
                    asked.cancel()
                await self._mend()

    async def until(self, deed: Callable[[Engine], Awaitable[T]], holds: Callable[[T], Any]) -> T:
        """Ask again and again until the answer is as it should be."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while not holds(answer := await self.ask(deed)):
                await asyncio.sleep(0.03)
            return answer

    # What flows do most

    async def publish(self, states: Mapping[str, Any], name: str = "d", **top: Any) -> Any:
        text = json.dumps({"StartAt": next(iter(states)), "States": states, **top}).encode()
        return await self.ask(lambda e: e.commands.publish(ME, name, text, "json"))

    async def start(self, name: str, given: Any = None, definition: str = "d") -> str:
        document = Document.of({} if given is None else given)
        started = await self.ask(
            lambda e: e.commands.start(ME, definition, name=name, input=document, version=None)
        )
        return started.execution.id

    async def rests(self, execution: str) -> Any:
        """The execution once nobody has anything to do for it."""
        return await self.until(
            lambda e: e.queries.describe(ME, execution), lambda view: view.waiting_signals
        )

    async def ended(self, execution: str) -> Any:
        return await self.until(
            lambda e: e.queries.describe(ME, execution, 200), lambda view: view.status != "RUNNING"
        )

    def success(self, task: LeasedTask, output: Any = None) -> Outcome:
        return Outcome(task.token, lease=task.lease, output=Document.of(output or {}))

    def order(self, id: str) -> Ask:  # noqa: A002 - as Ask names it
        return Ask(id=id, wait_ms=5000, reason="a flow")

    # The process

    async def _begin(self, point: Point | None) -> None:
        """Start a process; one that is refused at its start is started again."""
        while True:
            crossing = Crossing(Redis(self._url), point)
            self._crossings.append(crossing)
            engine = Engine(self._url, self._settings)
            engine.redis = crossing  # type: ignore[assignment]
            try:
                async with asyncio.timeout(ANSWER_SECONDS / 4):
                    await engine.start()
            except (StoreUnavailable, TimeoutError):
                point = None
                continue
            self.engine, self._crossing = engine, crossing
            return

    async def _mend(self) -> None:
        """Put another process in the place of one that is gone."""
        async with self._mending:
            if not self._crossing.gone.is_set():
                return
            dead, stands = self.engine, self._crossing.stands
            await self._begin(None)
            if not stands:
                # What is left of a killed process may wait for answers for ever.
                self._remains.append(asyncio.ensure_future(self._end(dead)))

    async def _watch(self) -> None:
        while True:
            await self._crossing.gone.wait()
            await self._mend()

    async def _end(self, engine: Engine) -> None:
        try:
            async with asyncio.timeout(5):
                await engine.stop()
        except (TimeoutError, EngineError):
            pass

    # Workers

    async def _work(self, queue: str) -> None:
        while True:
            tasks = await self.ask(
                lambda e: e.commands.lease(
                    ME, queue, most=10, wait_ms=100, lease_ms=LEASE_MS, worker="w"
                )
            )
            for task in tasks:
                await self._perform(task)

    async def _perform(self, task: LeasedTask) -> None:
        what = f"{task.state} {json.dumps(task.input.value, sort_keys=True)}"
        tokens = self._numbers[what]
        if task.token not in tokens:
            tokens.append(task.token)
        answer = self._flow.answer(task, tokens.index(task.token))
        match answer:
            case Succeed(output=output):
                self._effects[what].add(task.idempotency_key)
                outcome = Outcome(task.token, lease=task.lease, output=Document.of(output))
            case Fail(error=error, cause=cause):
                outcome = Outcome(task.token, lease=task.lease, error=error, cause=cause)
            case _:
                return
        try:
            await self.ask(lambda e: e.commands.settle(ME, outcome))
        except (TaskClosed, LeaseLost):
            pass

    # What it came to

    async def _rest(self) -> dict[str, Any]:
        """The store once it is at rest; as it is when it never comes to rest, for `_came` to complain of."""
        seen: dict[str, Any] = {}
        for _ in range(int(ANSWER_SECONDS / 0.1)):
            seen = await dump.snapshot(self._raw, self._prefix)
            running = [e for e in dump.executions(seen, self._prefix) if e["status"] == "RUNNING"]
            open_tasks = any(name.endswith(":tasks") for name in seen)
            if len(running) + open_tasks == 0 and not problems(seen, self._prefix):
                return seen
            await asyncio.sleep(0.1)
        return seen

    async def _lasting(self, found: dict[str, Any]) -> list[str]:
        """The keys that do not go by themselves.

        But for the fence of a Map Run: a zombie that takes a run which is over keeps others out of it for ever, in a key
        of some bytes.
        """
        pipe = self._raw.pipeline(transaction=False)
        for name in found:
            pipe.pttl(name.encode("latin-1"))
        return [
            n
            for n, ttl in zip(found, await pipe.execute(), strict=True)
            if ttl == -1 and not n.endswith(":end")
        ]

    def _came(self, found: dict[str, Any], lasting: list[str], point: Point | None) -> Came:
        executions = sorted(_told(each) for each in dump.executions(found, self._prefix))
        told = {
            "executions": executions,
            "effects": {what: len(keys) for what, keys in self._effects.items()},
            "keys": sorted({_kind(name.removeprefix(f"{self._prefix}:")) for name in lasting}),
            **self.told,
        }
        calls = sum((crossing.passed for crossing in self._crossings), Counter[str]())
        hit = point is not None and any(crossing.hit for crossing in self._crossings)
        return Came(told, problems(found, self._prefix), calls, hit)


def _told(execution: dict[str, Any]) -> str:
    """An execution as it must be whatever failed: numbers of records, for things happen beside one another."""
    kinds = Counter(record["type"] for record in execution["records"])
    ids = [record["id"] for record in execution["records"]]
    whole = ids == list(range(1, len(ids) + 1))
    shown = [execution[key] for key in ("id", "status", "output", "error", "buffered", "others")]
    return _VARIES.sub("*", f"{json.dumps(shown, sort_keys=True)} {sorted(kinds.items())} {whole}")


def _is_fence(name: str, found: dict[str, Any]) -> bool:
    """Whether nothing but the fence of a Map Run is left there: an end that a child has noted is no fence."""
    return name.endswith(":end") and set(found[name]["value"]) == {"by"}


def _kind(name: str) -> str:
    """A key with what differs taken out: which partition, which execution, which run."""
    tag, _, rest = name.partition(":")
    parts = rest.split(":")
    kept = [part for part in parts if re.fullmatch(r"[a-z]{1,12}", part)]
    return f"{'{n}' if tag.strip('{}').isdigit() else tag} {' '.join(kept)}"
