"""Operations on many executions: what is asked for, how far it has come, and what the executions have answered.

An operation is one hash in the catalog's slot, held by one engine at a time. Executions answer in their own partition,
with the commit that applies its event (see scripts/include/tally.lua), so that the counts are exact whatever fails.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from engine.store.connection import Redis
from engine.store.keys import OPERATION_KEPT_MS, Keys, ref_of

OperationStatus = Literal["RUNNING", "PAUSED", "CANCELLED", "DONE"]
LEASE_MS = 5_000  # as of an execution: a crash of the holder is felt for so long
LISTED_MS = (
    4 * OPERATION_KEPT_MS
)  # since it began; by then all but the longest have ended and are forgotten
REASON = b"x:"


@dataclass(slots=True)
class Held:
    """An operation in its holder's hands. `place` is where it has come to, `counts` what the holder has counted."""

    id: str
    nonce: str
    asked: bytes
    place: str
    seen: int
    sent: int
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """`answers` are the executions' by outcome, `waiting` those that have not answered yet."""

    id: str
    status: OperationStatus
    asked: bytes
    created_ms: int
    finished_ms: int | None
    seen: int
    sent: int
    answers: dict[str, int]
    waiting: int


class Operations:
    def __init__(self, redis: Redis, keys: Keys, *, bell: bool) -> None:
        self._redis = redis
        self._keys = keys
        self._bell = keys.ringer if bell else ""

    async def add(self, namespace: str, identifier: str, asked: bytes) -> bool:
        """Note an operation; False where one of this id was noted before."""
        keys = self._keys
        reply = await self._redis.script(
            "add_operation",
            [
                keys.asked(namespace, identifier),
                keys.operations(namespace),
                keys.active_operations(namespace),
            ],
            [identifier, asked, LISTED_MS],
        )
        return bool(reply[1] == 1)

    async def active(self, namespace: str) -> list[str]:
        """Ids of those that have not ended."""
        key = self._keys.active_operations(namespace)
        return sorted(each.decode() for each in await self._redis.call(key, "SMEMBERS", key))

    async def claim(self, namespace: str, identifier: str, nonce: str) -> Held | None:
        """Take an operation that runs; None when another holds it, or it does not run."""
        reply = await self._redis.script(
            "claim_operation", [self._keys.asked(namespace, identifier)], [nonce, LEASE_MS]
        )
        if reply[0] != b"OK":
            return None
        _, asked, place, seen, sent, counts = reply
        counted = msgspec.json.decode(counts, type=dict[str, int]) if counts else {}
        return Held(identifier, nonce, asked, place.decode(), int(seen), int(sent), counted)

    async def advance(
        self, namespace: str, held: Held, *, finished: bool = False, keep: bool = True
    ) -> str:
        """Note how far it has come; returns its status, or "LOST" where another holds it by now."""
        reply = await self._redis.script(
            "advance_operation",
            [self._keys.asked(namespace, held.id), self._keys.active_operations(namespace)],
            [
                held.id, held.nonce, LEASE_MS if keep else 0, held.place, held.seen, held.sent,
                msgspec.json.encode(held.counts), "1" if finished else "0", OPERATION_KEPT_MS,
            ],
        )  # fmt: skip
        return bytes(reply).decode()

    async def steer(self, namespace: str, identifier: str, status: OperationStatus) -> str:
        """Pause, resume or cancel; returns the status it has now, "" where there is no such operation."""
        reply = await self._redis.script(
            "steer_operation",
            [self._keys.asked(namespace, identifier), self._keys.active_operations(namespace)],
            [identifier, status, self._bell, OPERATION_KEPT_MS],
        )
        return bytes(reply).decode()

    async def read(self, namespace: str, identifier: str) -> Progress | None:
        """How far an operation has come, with the executions' answers."""
        key = self._keys.asked(namespace, identifier)
        names = ("status", "asked", "created", "finished", "seen", "sent", "done")
        at = await self._redis.call(key, "HMGET", key, *names)
        if at[0] is None:
            return None
        answers, waiting = await self._answers(namespace, identifier)
        if at[6]:
            answers.update(msgspec.json.decode(at[6], type=dict[str, int]))
        return Progress(
            identifier,
            msgspec.convert(at[0].decode(), OperationStatus),
            at[1],
            int(at[2]),
            int(at[3]) if at[3] else None,
            int(at[4] or 0),
            int(at[5] or 0),
            dict(answers),
            waiting,
        )

    async def page(
        self, namespace: str, limit: int, after: tuple[int, str] | None
    ) -> list[tuple[int, str]]:
        """(created ms, id) of operations, newest first, those that follow `after`."""
        key = self._keys.operations(namespace)
        highest: str | int = after[0] if after else "+inf"
        reply = await self._redis.call(
            key, "ZRANGE", key, highest, "-inf", "BYSCORE", "REV", "LIMIT", 0, limit + 100, "WITHSCORES",
        )  # fmt: skip
        found = [
            (int(float(ms)), name.decode())
            for name, ms in zip(reply[::2], reply[1::2], strict=True)
        ]
        return [item for item in found if after is None or item < after][:limit]

    async def reasons(
        self, namespace: str, identifier: str, partition: int, cursor: int, most: int
    ) -> tuple[int, list[tuple[str, str]]]:
        """(next cursor, (execution, reason) of those that gave one) in one partition; cursor 0 begins and ends."""
        key, _ = self._keys.operation(partition, namespace, identifier)
        following, items = await self._redis.call(
            key, "HSCAN", key, cursor, "MATCH", "x:*", "COUNT", most
        )
        pairs = zip(items[::2], items[1::2], strict=True)
        return int(following), [(name[len(REASON) :].decode(), why.decode()) for name, why in pairs]

    async def waiting(self, namespace: str, identifier: str, partition: int) -> list[str]:
        """Executions of a partition that have been told and have not answered, at most a thousand."""
        _, key = self._keys.operation(partition, namespace, identifier)
        reply = await self._redis.call(key, "SRANDMEMBER", key, 1000)
        return [name.decode() for name in reply]

    async def forget(self, namespace: str, identifier: str, execution: str) -> bool:
        """Wait no longer for the answer of an execution that has ended; False where it has answered."""
        partition = self._keys.partition_of(ref_of(namespace, execution))
        _, key = self._keys.operation(partition, namespace, identifier)
        return bool(await self._redis.call(key, "SREM", key, execution))

    async def _answers(self, namespace: str, identifier: str) -> tuple[Counter[str], int]:
        counted: Counter[str] = Counter()
        calls = []
        for partition in range(self._keys.partitions):
            answers, waiting = self._keys.operation(partition, namespace, identifier)
            calls.append(self._redis.call(answers, "HMGET", answers, *OUTCOMES))
            calls.append(self._redis.call(waiting, "SCARD", waiting))
        replies = await asyncio.gather(*calls)
        for reply in replies[::2]:
            for outcome, count in zip(OUTCOMES, reply, strict=True):
                if count:
                    counted[outcome] += int(count)
        return counted, sum(map(int, replies[1::2]))


# What an execution answers: see `effects.Tally`.
OUTCOMES = ("moved", "already", "blocked", "skipped", "done", "refused", "closing")
