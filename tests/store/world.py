"""The store and a way to work it by hand: start, claim, step, look at every key, let time pass.

Time passes by moving what is dated in Redis back: no test sleeps until a lease lapses.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from contracts import contract

from engine.clock import RedisClock
from engine.core.effects import Transition
from engine.core.events import Advance, Begin
from engine.core.transition import needs, transition
from engine.documents import Document
from engine.errors import ExecutionNotFound
from engine.language import read
from engine.language.machine import Machine
from engine.store import codec
from engine.store.catalog import Catalog
from engine.store.catalog.aliases import Aliases
from engine.store.commits import Claim, Commit
from engine.store.commits.answers import Committed
from engine.store.connection import Redis
from engine.store.errands import Errands
from engine.store.executions import Executions
from engine.store.feed import Feed
from engine.store.finding.finding import Finding
from engine.store.keys import Keys, ref_of, split_task_id
from engine.store.listing import Listing
from engine.store.operating.operations import Operations
from engine.store.server.link import Argument
from engine.store.signals import Signals
from engine.store.tasks import Address, Lease, Tasks
from engine.store.timers import Timers

JSON = dict[str, Any]
PARTITIONS = 4
LEASE_MS = 5000
RETENTION_MS = 60_000
NS = "default"

PAY: JSON = {"Pay": {"Type": "Task", "Resource": "activity:pay", "End": True}}
TIMED: JSON = {
    "Pay": {"Type": "Task", "Resource": "activity:pay", "TimeoutSeconds": 60, "End": True}
}
CALLBACK: JSON = {"Pay": {"Type": "Task", "Resource": "activity:pay.waitForTaskToken", "End": True}}
WAIT: JSON = {"Nap": {"Type": "Wait", "Seconds": 60, "End": True}}
LISTEN: JSON = {"Ask": {"Type": "Task", "Resource": "signal:go", "End": True}}
TWO: JSON = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "End": True}}


class CheckedRedis(Redis):
    """The real one; every call of a script must keep its contract, and its keys must share a hash tag."""

    def script(
        self, name: str, keys: Sequence[str], args: Sequence[Argument]
    ) -> asyncio.Future[Any]:
        tags = {key[key.index("{") : key.index("}") + 1] for key in keys}
        assert len(tags) == 1, f"{name} has keys of {tags}"
        told = contract(name)
        counts = (len(keys), len(args))
        wanted = (
            len(told.keys) if not told.more else max(len(keys), len(told.keys)),
            len(told.argv),
        )
        assert counts == wanted, f"{name} is given {counts} keys and arguments, not {wanted}"
        return super().script(name, keys, args)


class World:
    """The store over one Redis, empty at first."""

    def __init__(self, redis: Any, **limits: int) -> None:
        allowed = {
            "open_max": 0,
            "inbox_max": 1000,
            "buffered_max": 1000,
            "changes_kept": 0,
        } | limits
        self.redis = redis
        self.keys = Keys("t", PARTITIONS)
        self.clock = RedisClock()
        self.machines: dict[str, Machine] = {}
        self.executions = Executions(
            redis,
            self.keys,
            lease_ms=LEASE_MS,
            retention_ms=RETENTION_MS,
            open_max=allowed["open_max"],
            bell=True,
            changes_kept=allowed["changes_kept"],
        )
        self.tasks = Tasks(redis, self.keys, bell=True)
        self.timers = Timers(redis, self.keys, self.tasks, bell=True)
        self.signals = Signals(
            redis,
            self.keys,
            inbox_max=allowed["inbox_max"],
            buffered_max=allowed["buffered_max"],
            bell=True,
        )
        self.catalog = Catalog(redis, self.keys)
        self.errands = Errands(redis, self.keys, bell=True)
        self.listing = Listing(redis, self.keys)
        self.finding = Finding(redis, self.keys, self.catalog)
        self.operations = Operations(redis, self.keys, bell=True)
        self.aliases = Aliases(redis, self.keys)
        self.feed = Feed(redis, self.keys)

    async def publish(self, name: str = "d", states: JSON | None = None, **top: Any) -> int:
        states = PAY if states is None else states
        text = json.dumps({"StartAt": next(iter(states)), "States": states, **top}).encode()
        machine = read(text)
        version, _ = await self.catalog.publish(NS, name, machine.content_hash, text, "json")
        self.machines[name] = machine
        return version.version

    async def create(self, name: str = "n", given: Any = None, **more: Any) -> Any:
        """What `Executions.create` answers. `given` is a value, or a Document."""
        definition = more.pop("definition", "d")
        identifier = f"{definition}:{name}"
        static = codec.Static(identifier, definition, name, b"seed" * 4)
        document = given if isinstance(given, Document) else Document.of(given or {})
        ref = ref_of(NS, identifier)
        return await self.executions.create(
            ref, static, document, version=more.pop("version", None), **more
        )

    async def start(
        self, name: str = "n", given: Any = None, states: JSON | None = None, **top: Any
    ) -> str:
        """Publish a definition of these states if there is none yet, and start it; returns the ref."""
        definition = top.pop("definition", "d")
        if states is not None or definition not in self.machines:
            await self.publish(definition, states, **top)
        created = await self.create(name, given, definition=definition)
        assert created.verdict == "created"
        return ref_of(NS, f"{definition}:{name}")

    async def claim(self, ref: str, nonce: str = "me") -> Claim:
        claim = await self.executions.claim(ref, nonce)
        assert claim is not None
        return claim

    async def decide(self, claim: Claim) -> tuple[Transition, int, int]:
        """The next transition, and how many inbox and control entries it consumes."""
        run, taken, controls = claim.execution, 0, 0
        if run.revision == 0:
            event: Any = Begin()
        elif claim.control:
            event, controls = codec.unpack_entry(claim.control[0]), 1
        elif claim.entries and run.closing is None:
            event, taken = codec.unpack_entry(claim.entries[0]), 1
        else:
            event = Advance(run.ready[0] if run.ready else "")
        machine = self.machines[run.definition]
        while wanted := needs(machine, claim.execution, event):
            loaded = await self.executions.load(claim, wanted)
            claim.execution = _with(
                claim.execution, loaded.frames, loaded.values, loaded.input, loaded.leases
            )
        now_ms = max(await self.now_ms(), run.last_ms)
        return transition(machine, claim.execution, event, now_ms), taken, controls

    async def prepare(self, claim: Claim, **changed: Any) -> tuple[Transition, Commit]:
        """The next transition, and the commit that would write it."""
        step, taken, controls = await self.decide(claim)
        idle = not step.execution.ready and step.execution.closing is None
        more = {"release": idle, "extend": False, "now_ms": step.execution.last_ms} | changed
        return step, self.executions.commits.of(claim, step, taken=taken, controls=controls, **more)

    async def step(self, claim: Claim, **changed: Any) -> Committed:
        """Decide and commit once."""
        step, commit = await self.prepare(claim, **changed)
        committed = await self.executions.commit(claim, commit)
        claim.execution = step.execution
        claim.execution = _with(claim.execution, committed.frames, {}, None)
        claim.control, claim.entries = committed.control, committed.entries
        return committed

    async def advance(self, ref: str, nonce: str = "me") -> Claim:
        """Claim, and step until it is released."""
        claim = await self.claim(ref, nonce)
        while not (await self.step(claim)).released:
            pass
        return claim

    async def lease(self, ref: str, queue: str = "pay", **changed: Any) -> list[Lease]:
        """Lease tasks of the partition in which an execution lies."""
        more = {"most": 10, "lease_ms": 30_000, "nonce": "w", "worker": "worker"} | changed
        partition = self.keys.partition_of(ref)
        return (await self.tasks.lease(partition, NS, queue, **more)).tasks

    async def queues(self) -> list[tuple[int, str]]:
        """(partition, "namespace:queue") of every queue that is not empty."""
        partitions = range(self.keys.partitions)
        return [(p, name) for p in partitions for name in await self.tasks.queues(p)]

    async def timer(self, ref: str, kind: str) -> Any:
        """The timer of that kind in the execution's partition."""
        partition = self.keys.partition_of(ref)
        upcoming = await self.timers.upcoming(partition, 2**52, 1000)
        return next(t for t in upcoming if t.member.endswith("#" + kind))

    async def status(self, ref: str) -> str:
        return (await self.read(ref)).execution.status

    async def read(self, ref: str) -> Any:
        stored = await self.listing.read(NS, ref.partition(":")[2])
        if stored is None:
            raise ExecutionNotFound(ref)
        return stored

    async def now_ms(self) -> int:
        seconds, microseconds = await self.redis.call(self.keys.ready(0), "TIME")
        return int(seconds) * 1000 + int(microseconds) // 1000

    async def pass_time(self, ms: int) -> None:
        """Let `ms` pass: whatever is due or lapses by then, is or has."""
        for key in await self.names():
            if key.endswith((":ready", ":timers", ":closed")):
                for member in await self.redis.call(key, "ZRANGE", key, 0, -1):
                    await self.redis.call(key, "ZINCRBY", key, -ms, member)
            elif ":x:" in key and key.count(":") == 5:
                for field in ("until", "watch"):
                    if await self.redis.call(key, "HEXISTS", key, field):
                        await self.redis.call(key, "HINCRBY", key, field, -ms)

    async def names(self) -> list[str]:
        """Every key there is."""
        found = await self.redis.each_node("KEYS", "t:*")
        return sorted(key.decode() for keys in found for key in keys)

    async def snapshot(self) -> dict[str, Any]:
        """Every key with its content and whether it expires."""
        return {key: await self._content(key) for key in await self.names()}

    async def _content(self, key: str) -> Any:
        kind = await self.redis.call(key, "TYPE", key)
        expires = await self.redis.call(key, "PEXPIRETIME", key)
        match kind:
            case b"hash":
                flat = await self.redis.call(key, "HGETALL", key)
                content: Any = dict(zip(flat[::2], flat[1::2], strict=True))
            case b"zset":
                content = await self.redis.call(key, "ZRANGE", key, 0, -1, "WITHSCORES")
            case b"list":
                content = await self.redis.call(key, "LRANGE", key, 0, -1)
            case b"set":
                content = sorted(await self.redis.call(key, "SMEMBERS", key))
            case b"stream":
                content = await self.redis.call(key, "XRANGE", key, "-", "+")
            case _:
                content = await self.redis.call(key, "GET", key)
        return kind, content, expires


def address(lease: Lease) -> Address:
    """Where a leased task's token points."""
    return Address(lease.ref, lease.row.frame, lease.row.revision, lease.secret)


def ref_in(timer: Any) -> str:
    return split_task_id(timer.member.rpartition("#")[0])[0]


def _with(execution: Any, frames: Any, values: Any, given: Any, leases: Any = ()) -> Any:
    from msgspec import structs

    return structs.replace(
        execution,
        frames={**frames, **execution.frames},
        values={**execution.values, **values},
        input=given if given is not None else execution.input,
        leases={**execution.leases, **dict(leases)},
    )
