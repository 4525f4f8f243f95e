"""Starting children of a Map Run: those of one partition in one script, each once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from engine.core.execution import ROOT, Frame
from engine.documents import Document
from engine.store import codec
from engine.store.connection import Redis
from engine.store.executions import Executions
from engine.store.feed import Entry
from engine.store.keys import Keys


class Birth(NamedTuple):
    """A child that is to be started. `key` proves that the run has started it."""

    ref: str
    static: codec.Static
    given: Document
    key: str


class Births:
    """`executions` starts those whose input is kept apart; the others as `Executions` would."""

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        executions: Executions,
        *,
        open_max: int,
        bell: bool,
        changes_kept: int,
        inline_max: int,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._executions = executions
        self._open_max = -(-open_max // keys.partitions)
        self._bell = keys.ringer if bell else ""
        self._changes_kept = -(-changes_kept // keys.partitions)
        self._inline_max = inline_max

    async def create(self, births: Sequence[Birth], *, version: int, claims: int) -> list[str]:
        """Start children of one run, in the order given; the verdict of each, as in `Creation`.

        One is "refused" where the run has been taken more often than `claims` times by now, or it has been stopped.
        """
        verdicts = [""] * len(births)
        together: defaultdict[int, list[int]] = defaultdict(list)
        alone: list[int] = []
        for number, birth in enumerate(births):
            if len(birth.given.text) > self._inline_max:
                alone.append(number)
            else:
                together[self._keys.partition_of(birth.ref)].append(number)

        async def one(number: int) -> None:
            birth = births[number]
            created = await self._executions.create(
                birth.ref, birth.static, birth.given, version=version, key=birth.key, claims=claims
            )
            verdicts[number] = created.verdict

        async def many(numbers: Sequence[int]) -> None:
            words = await self._create([births[n] for n in numbers], str(version), claims)
            for number, word in zip(numbers, words, strict=True):
                verdicts[number] = VERDICTS[word]

        await asyncio.gather(*map(one, alone), *map(many, together.values()))
        return verdicts

    async def _create(self, births: Sequence[Birth], version: str, claims: int) -> list[bytes]:
        """Those of one partition."""
        first = births[0]
        keys, namespace = self._keys.of(first.ref), first.ref.partition(":")[0]
        partition, definition, child = keys.partition, first.static.definition, first.static.child
        assert child is not None
        names = [
            keys.tag + ":ready",
            self._keys.definitions(partition, namespace),
            self._keys.index(partition, namespace, definition, "RUNNING"),
            self._keys.open(partition, namespace),
            self._keys.versions(partition, namespace, definition),
            *self._keys.changes_of(partition, namespace),
            self._keys.map_ends(partition, f"{namespace}:{definition}:{child.run}"),
        ]
        for birth in births:
            own = self._keys.of(birth.ref)
            names += (own.execution, own.refused)
        body: dict[str, Any] = {
            "definition": definition,
            "version": version,
            "claims": claims,
            "open_max": self._open_max,
            "bell": self._bell,
            "children": [self._told(birth) for birth in births],
        }
        if self._changes_kept:
            body |= {"event": [1, 2, self._changes_kept], "feed": self._keys.feed}
        reply: list[bytes] = await self._redis.script(
            "create_children", names, [codec.pack_envelope(body)]
        )
        return reply

    def _told(self, birth: Birth) -> list[Any]:
        packer = codec.packer(self._inline_max)
        static = birth.static
        assert static.child is not None
        frame = Frame(id=ROOT, state="", hold=codec.ENTER, input=birth.given)
        given, root = packer.value(birth.given), packer.pack(frame)
        assert not packer.payloads
        fields = ["s", codec.pack(static), "input", given, f"f:{ROOT}", root]
        told: list[Any] = [str(static.child.index), static.id, birth.ref, birth.key, fields]
        if self._changes_kept:
            told.append(codec.pack(Entry("started", static.id, "RUNNING", "", 0)))
        return told


VERDICTS = {
    b"OK": "created",
    b"EXISTS": "exists",
    b"CONFLICT": "conflict",
    b"REFUSED": "refused",
    b"UNKNOWN": "unknown",
    b"QUOTA": "quota",
}
