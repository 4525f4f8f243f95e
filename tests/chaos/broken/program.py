"""Engines that are broken on purpose, to prove that the kill test notices. Nothing of this is in the product.

    python -m tests.chaos.broken.program <mutant> engine|api ...

starts Detent's own command line in a process in which one promise has been taken out:

- no_fence: commit.lua does not look at nonce and revision, so that a zombie's commit is applied
- retries: a link sends unanswered calls again after it has reconnected, as redis-py would by itself
- early_dispatch: a transition's tasks are put into their queues before its commit

mutants.py has the others.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Callable
from typing import Any

import msgpack

from tests.chaos.broken import mutants

FENCE = "if at[1] ~= ARGV[2] or at[2] ~= ARGV[3] then"
EARLY_SECONDS = 0.05  # between the tasks' going out and the commit: wide enough to be killed in

# Puts tasks where commit.lua would: rows, queues, the set of queues; and rings.
EARLY = """
local channel, sender = string.match(ARGV[2], '^(%S+) (%S+)$')
for _, task in ipairs(cmsgpack.unpack(ARGV[1])) do
  redis.call('HSET', KEYS[1], task[1], task[2])
  redis.call('SADD', KEYS[2], task[4])
  redis.call('ZADD', KEYS[task[3]], 0, task[1])
  redis.call('PUBLISH', channel, sender .. ' queue ' .. ARGV[3] .. ' ' .. task[4])
end
return 1
"""
TASKS_KEY, QUEUES_KEY, DYNAMIC_KEYS = 7, 9, 12  # among commit.lua's keys, counted from 0


def no_fence() -> None:
    from engine.store import scripts

    true = scripts.load

    def load(name: str) -> scripts.Script:
        script = true(name)
        if name != "commit":
            return script
        assert FENCE in script.text, "the fence is not where this mutant expects it"
        text = script.text.replace(FENCE, "if false then")
        return scripts.Script(name, text, hashlib.sha1(text.encode()).hexdigest())

    scripts.load = load  # type: ignore[assignment]


def retries() -> None:
    from engine.store.server.link import Link

    true = Link._abandon

    def abandon(self: Any, reason: str) -> None:
        if self._closed:
            true(self, reason)
            return
        again = [call for call in self._pending if call.args and not call.future.done()]
        self._pending.clear()
        self._outbox.extendleft(reversed(again))

    Link._abandon = abandon  # type: ignore[method-assign]


def early_dispatch(way: type | None = None, seconds: float = EARLY_SECONDS) -> None:
    """`way` is the class through which the engine speaks to Redis."""
    from engine.store.connection import Redis

    way = way or Redis
    true = way.script  # type: ignore[attr-defined]
    packer = msgpack.Packer(use_bin_type=False)

    async def late(self: Any, keys: list[str], args: list[Any], tasks: Any, body: Any) -> Any:
        """Hand the tasks out; commit the rest afterwards."""
        moved = [[task[0], task[1], task[2] - DYNAMIC_KEYS + 2, task[3]] for task in tasks]
        names = [keys[TASKS_KEY], keys[QUEUES_KEY], *keys[DYNAMIC_KEYS:]]
        given = [packer.pack(moved), body[b"bell"], args[0]]
        await self.call(names[0], "EVAL", EARLY, len(names), *names, *given)
        await asyncio.sleep(seconds)
        return await true(self, "commit", keys, [*args[:-1], packer.pack(body)])

    def script(self: Any, name: str, keys: Any, args: Any) -> Any:
        body = msgpack.unpackb(args[-1], raw=True) if name == "commit" else {}
        tasks = body.pop(b"tasks", None)
        if not tasks:
            return true(self, name, keys, args)
        return asyncio.ensure_future(late(self, keys, args, tasks, body))

    way.script = script  # type: ignore[attr-defined]


MUTANTS: dict[str, Callable[[], None]] = {
    "no_fence": no_fence,
    "retries": retries,
    "early_dispatch": early_dispatch,
    **mutants.MUTANTS,
}


def main() -> None:
    mutant = sys.argv.pop(1)
    MUTANTS[mutant]()
    from cli.main import main as detent

    detent()


if __name__ == "__main__":
    main()
