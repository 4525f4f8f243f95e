"""More promises that can be taken out of an engine, one each. See program.py.

- fence_by_revision: commit.lua refuses an older revision, and does not look at the nonce
- destructive: a task that is handed out leaves its queue without a lease
- engine_clock: timers fire by the engine's clock, and that is ahead
- two_calls: what a transition has read of the inbox is deleted in a call of its own, before the commit
- joins_twice: the children of a Parallel or Map that are done are counted in a call of its own, before the commit
- op_ids_ignored: a signal's id and an outcome's digest are not looked for
- no_index: a commit writes the checkpoint and not the indexes
- unwaited: acknowledgements go out whether or not a replica has confirmed
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import msgpack
from msgspec import structs

AHEAD_MS = 3000  # of Redis' clock
APART_SECONDS = 0.05  # between two calls that should be one: wide enough to be killed in
JOIN_SECONDS = 0.4  # likewise, for there are few joins among the transitions of a run
INBOX_KEY = 1  # among commit.lua's keys, counted from 0


def rewrite(changes: dict[str, list[tuple[str, str]]]) -> None:
    """Replace parts of scripts, by the script's name."""
    from engine.store import scripts

    true = scripts.load

    def load(name: str) -> scripts.Script:
        script = true(name)
        if name not in changes:
            return script
        text = script.text
        for old, new in changes[name]:
            assert old in text, f"{name} has no {old!r} any more"
            text = text.replace(old, new)
        return scripts.Script(name, text, hashlib.sha1(text.encode()).hexdigest())

    scripts.load = load  # type: ignore[assignment]


def fence_by_revision() -> None:
    fence = "if at[1] ~= ARGV[2] or at[2] ~= ARGV[3] then"
    rewrite({"commit": [(fence, "if tonumber(ARGV[3]) < tonumber(at[2]) then")]})


def destructive() -> None:
    lease = "redis.call('HSET', leases, id,"
    timer = "redis.call('ZADD', timers, text(now + lease_ms), id .. '#lease')"
    rewrite({"lease_tasks": [(lease, "local _ = (id .."), (timer, "")]})


def engine_clock() -> None:
    from engine.clock import RedisClock
    from engine.runtime.timekeeper import Timekeeper

    rewrite(
        {name: [("or tonumber(due) > now then", "then")] for name in ("fire_timer", "expire_task")}
    )

    class Ahead(RedisClock):
        def __init__(self, true: RedisClock) -> None:
            super().__init__()
            self._true = true

        def now_ms(self) -> int:
            return self._true.now_ms() + AHEAD_MS

    made = Timekeeper.__init__

    def init(self: Any, timers: Any, clock: Any, *more: Any) -> None:
        made(self, timers, Ahead(clock), *more)

    Timekeeper.__init__ = init  # type: ignore[method-assign]


def two_calls() -> None:
    from engine.store.connection import Redis

    true = Redis.script
    packer = msgpack.Packer(use_bin_type=False)

    async def apart(self: Any, keys: list[str], args: list[Any], taken: int, body: Any) -> Any:
        await self.call(keys[INBOX_KEY], "LTRIM", keys[INBOX_KEY], taken, -1)
        await asyncio.sleep(APART_SECONDS)
        return await true(self, "commit", keys, [*args[:-1], packer.pack(body)])

    def script(self: Any, name: str, keys: Any, args: Any) -> Any:
        body = msgpack.unpackb(args[-1], raw=True) if name == "commit" else {}
        taken = body.pop(b"taken", 0)
        if not taken:
            return true(self, name, keys, args)
        return asyncio.ensure_future(apart(self, keys, args, taken, body))

    Redis.script = script  # type: ignore[method-assign]


def joins_twice() -> None:
    from engine.core.execution import Fork
    from engine.runtime.advancer import Advancer

    true = Advancer._commit

    def forks(execution: Any) -> dict[str, Fork]:
        frames = execution.frames.items()
        return {
            name: frame.hold for name, frame in frames if frame and isinstance(frame.hold, Fork)
        }

    def with_done(step: Any, name: str, done: int) -> Any:
        """The step with another count of the children that are done."""
        after = step.execution
        fork = structs.replace(
            after.frames[name].hold, done=min(done, after.frames[name].hold.total)
        )
        changed = {name: structs.replace(after.frames[name], hold=fork)}
        ready = after.ready
        if fork.done == fork.total and name not in ready:
            ready = type(ready)([*ready, name])
        after = structs.replace(after, frames={**after.frames, **changed}, ready=ready)
        return structs.replace(step, execution=after, frames={**step.frames, **changed})

    async def commit(self: Any, claim: Any, step: Any, **more: Any) -> Any:
        before = forks(claim.execution)
        for name, fork in forks(step.execution).items():
            came = fork.done - (before[name].done if name in before else 0)
            if came > 0:
                key, counter = claim.keys.execution, f"j:{name}:{fork.started}"
                done = await self._executions._redis.call(key, "HINCRBY", key, counter, came)
                await asyncio.sleep(JOIN_SECONDS)
                if done != fork.done:
                    step = with_done(step, name, done)
        return await true(self, claim, step, **more)

    Advancer._commit = commit  # type: ignore[method-assign]


def op_ids_ignored() -> None:
    rewrite(
        {
            "deliver_signal": [("if redis.call('ZSCORE', KEYS[3], s.id) then", "if false then")],
            "settle_task": [("if digest == ARGV[8] then return {'REPEAT'} end", "")],
        }
    )


def no_index() -> None:
    index = "for _, add in ipairs(e.index or {}) do redis.call('ZADD', KEYS[add[1]], add[2], add[3]) end"
    rewrite({"commit": [(index, "")]})


def unwaited() -> None:
    from engine.store.server.replication import Held

    true = Held._conclude

    def conclude(self: Any, number: int, *, proven: bool) -> None:
        del proven
        true(self, number, proven=True)

    Held._conclude = conclude  # type: ignore[method-assign]


MUTANTS: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        fence_by_revision,
        destructive,
        engine_clock,
        two_calls,
        joins_twice,
        op_ids_ignored,
        no_index,
        unwaited,
    )
}
