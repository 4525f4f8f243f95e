"""The children of a Map Run where they are executions of their own, in their own partitions."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from engine.arns import place_of
from engine.clock import Clock
from engine.core.failures import Failure
from engine.core.orders import RedriveRequested
from engine.core.states.distributed.batching import Child
from engine.core.states.distributed.spec import MapRunSpec
from engine.documents import Document
from engine.errors import ExecutionNotFound, OrderRefused, QuotaExceeded
from engine.runtime.maps.bells import Rung
from engine.store import codec
from engine.store.errands import Stop
from engine.store.keys import ref_of
from engine.store.maps.births import Birth
from engine.store.maps.child import MapChild, child_name
from engine.store.maps.ends import Ended, EndStatus
from engine.store.maps.held import Held
from engine.store.maps.runs import RunLost
from engine.store.stores import Stores

PARTITIONS_READ = 32  # at once; each may bring a hundred ends
QUOTA_SECONDS = 1.0  # until a start is tried again that the quota of open executions has refused
NOT_REDRIVABLE = Failure("States.Runtime", "Nothing is left of the child to go on from.")


class Batch(NamedTuple):
    """Ends that nobody has counted yet; `partitions` says where they are noted, and is empty where they are nowhere."""

    ended: list[Ended]
    partitions: dict[int, list[int]]  # partition -> children


class Children(Protocol):
    """What drives children of either type. Not counted here are those whose input is a Failure: they are never started."""

    async def start(self, made: Sequence[Child]) -> None:
        """Start children that the run has noted as out; one that was started before is not started again.

        Raises RunLost where another has the run by now.
        """

    async def ended(self) -> Batch | None:
        """Ends that nobody has counted yet; None where none is known of."""

    async def counted(self, batch: Batch) -> None:
        """The run has noted these."""

    def lowest(self) -> tuple[int, int] | None:
        """(child, its first item) of the first that would have to be started again if this process died now; None for none."""

    async def redrive(self, indexes: Sequence[int]) -> list[Ended]:
        """Have children that ended without success go on; the ends of those that do not."""

    async def items_of(self, indexes: Sequence[int]) -> list[int]:
        """How many items each child stands for."""

    async def close(self) -> None:
        """Leave them."""


class StandardChildren:
    """Executions of "DEF~LABEL". `kept_max`: from this index on nothing is kept of one that succeeds."""

    def __init__(
        self,
        stores: Stores,
        held: Held,
        spec: MapRunSpec,
        rung: Rung,
        clock: Clock,
        *,
        namespace: str,
        kept_max: int,
        offer: Callable[[str], None],
    ) -> None:
        self._stores = stores
        self._held = held
        self._spec = spec
        self._rung = rung
        self._clock = clock
        self._namespace = namespace
        self._kept_max = kept_max
        self._offer = offer
        self._place = place_of(spec.names)
        self._forgetting: asyncio.Future[list[None]] | None = None

    def identifier(self, index: int) -> str:
        return f"{self._held.processor}:{child_name(self._spec.run, index)}"

    def _key(self, index: int) -> str:
        """Proves that this run has started the child."""
        return f"{self._spec.run}/{index}"

    async def start(self, made: Sequence[Child]) -> None:
        left = [
            self._birth(child, child.input) for child in made if isinstance(child.input, Document)
        ]
        version, claims = self._spec.version, self._held.claims
        while left:
            verdicts = await self._stores.births.create(left, version=version, claims=claims)
            for birth, verdict in zip(left, verdicts, strict=True):
                if verdict in {"created", "exists"}:
                    self._offer(birth.ref)
            if "refused" in verdicts:
                raise RunLost
            left = [c for c, verdict in zip(left, verdicts, strict=True) if verdict == "quota"]
            if left:
                await self._clock.sleep(QUOTA_SECONDS)

    def _birth(self, child: Child, given: Document) -> Birth:
        identifier = self.identifier(child.index)
        spec, name = self._spec, identifier.partition(":")[2]
        names = None
        if self._place is not None and spec.names is not None:
            names = self._place.names(identifier, spec.names.role)
        about = MapChild(
            spec.run,
            child.index,
            child.count,
            child.index >= self._kept_max,
            spec.tells_inputs,
        )
        static = codec.Static(
            identifier, self._held.processor, name, secrets.token_bytes(16), spec.parent, spec.depth,
            names=names, child=about,
        )  # fmt: skip
        return Birth(ref_of(self._namespace, identifier), static, given, self._key(child.index))

    async def ended(self) -> Batch | None:
        """Of many partitions at once: what is read together is counted together."""
        rung, batch = self._rung.partitions, Batch([], {})
        runs, ref = self._stores.map_runs, self._held.ref
        while rung and not batch.ended:
            asked = [rung.pop() for _ in range(min(len(rung), PARTITIONS_READ))]
            try:
                found = await asyncio.gather(*(runs.ends(ref, partition) for partition in asked))
            except BaseException:
                rung.update(asked)
                raise
            for partition, ended in zip(asked, found, strict=True):
                if ended:
                    rung.add(partition)  # one read may have brought a part only
                    batch.ended.extend(ended)
                    batch.partitions[partition] = [each.index for each in ended]
        return batch if batch.ended else None

    async def counted(self, batch: Batch) -> None:
        """Sent before anything is read again, and not waited for: an end that is read again does not count again."""
        if self._forgetting is not None:
            await self._forgetting
        forget, ref = self._stores.map_runs.forget, self._held.ref
        self._forgetting = asyncio.gather(
            *(forget(ref, p, indexes) for p, indexes in batch.partitions.items())
        )

    def lowest(self) -> tuple[int, int] | None:
        return None

    async def redrive(self, indexes: Sequence[int]) -> list[Ended]:
        ended = await asyncio.gather(*(self._redrive(index) for index in indexes))
        return [each for each in ended if each is not None]

    async def _redrive(self, index: int) -> Ended | None:
        identifier = self.identifier(index)
        ref = ref_of(self._namespace, identifier)
        [row] = await self._stores.finding.rows(self._namespace, [identifier])
        if row is not None and row.status == "SUCCEEDED":
            return await self._succeeded(identifier, index)
        if row is not None and row.status != "RUNNING":
            operation = f"@{self._spec.run}.{self._held.redrives}"
            order = RedriveRequested(self._spec.parent, None, operation)
            try:
                await self._stores.orders.redrive(
                    ref, order, status=row.status, version=None, watch_ms=1
                )
                self._offer(ref)
                return None
            except QuotaExceeded:
                await self._clock.sleep(QUOTA_SECONDS)
                return await self._redrive(index)
            except OrderRefused as refused:
                if refused.facts.get("reason") == "not_closed":
                    return None
            except ExecutionNotFound:
                pass
        elif row is not None:
            self._offer(ref)
            return None
        return self._without_run(index, "FAILED", NOT_REDRIVABLE)

    async def _succeeded(self, identifier: str, index: int) -> Ended | None:
        """Somebody else has redriven it meanwhile, when the run did not count it."""
        end = await self._stores.errands.end(self._namespace, identifier)
        if end is None:
            return self._without_run(index, "FAILED", NOT_REDRIVABLE)
        output = end.output.text if end.output is not None else None
        return Ended(
            index, 1, "SUCCEEDED", end.started_ms, end.stopped_ms, output, given=end.input.text
        )

    def _without_run(
        self, index: int, status: EndStatus, failure: Failure, items: int = 1
    ) -> Ended:
        """An end that no execution tells of."""
        now_ms, told = self._clock.now_ms(), (failure.error, failure.cause)
        return Ended(index, items, status, None, now_ms, None, *told)

    async def items_of(self, indexes: Sequence[int]) -> list[int]:
        if not self._held.about.is_batching:
            return [1] * len(indexes)
        refs = [ref_of(self._namespace, self.identifier(index)) for index in indexes]
        return await self._stores.map_runs.items_of(refs)

    async def stop(self, indexes: Iterable[int]) -> list[int]:
        """Stop children; those of them that have never been started, and will not be."""
        asked = list(indexes)
        words = await asyncio.gather(*(self._stop(index) for index in asked))
        return [index for index, word in zip(asked, words, strict=True) if word == "REFUSED"]

    async def _stop(self, index: int) -> str:
        identifier = self.identifier(index)
        errand = Stop(identifier, self._key(index), self._held.about.parent)
        word = await self._stores.errands.stop(self._namespace, errand)
        if word == "STOPPED":
            self._offer(ref_of(self._namespace, identifier))
        return word

    def never_started(self, index: int, items: int = 1) -> Ended:
        """The end of a child, for so many items, that was stopped before it was there."""
        return self._without_run(index, "ABORTED", Failure(None, None), items)

    async def close(self) -> None:
        """They go on by themselves."""
        if self._forgetting is not None:
            await asyncio.gather(self._forgetting, return_exceptions=True)
