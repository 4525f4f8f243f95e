"""The Express children of a Map Run: run in the memory of the process that drives the run, and stored nowhere.

What a crash takes is run again by whoever drives the run next, as Express executions may be.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence

from engine.arns import place_of
from engine.clock import Clock
from engine.core.execution import Execution
from engine.core.states.distributed.batching import Child
from engine.core.states.distributed.spec import MapRunSpec
from engine.documents import Document
from engine.express.express import STOPPED_ERROR, Express
from engine.express.run import Run
from engine.runtime.machines import Machines
from engine.runtime.maps.bells import Rung
from engine.runtime.maps.children import Batch
from engine.store.maps.child import child_name
from engine.store.maps.ends import Ended
from engine.store.maps.held import Held

BATCH = 250
TURN_SECONDS = 0.005  # then the others in the process have a turn


class ExpressChildren:
    """Those of one run. Where this is closed, whatever still runs ends as ABORTED."""

    def __init__(
        self,
        express: Express,
        machines: Machines,
        held: Held,
        spec: MapRunSpec,
        rung: Rung,
        clock: Clock,
        *,
        namespace: str,
    ) -> None:
        self._express = express
        self._machines = machines
        self._held = held
        self._spec = spec
        self._rung = rung
        self._clock = clock
        self._namespace = namespace
        self._place = place_of(spec.names)
        self._open: dict[
            int, int
        ] = {}  # child -> its first item, until its end was counted; ascending
        self._ended: list[Ended] = []
        self._lives: dict[asyncio.Task[None], Run] = {}

    async def start(self, made: Sequence[Child]) -> None:
        processor = self._held.processor
        machine = self._machines.known(self._namespace, processor, self._spec.version)
        if machine is None:
            machine = await self._machines.get(self._namespace, processor, self._spec.version)
        until = self._clock.monotonic() + TURN_SECONDS
        for child in made:
            if not isinstance(child.input, Document):
                continue
            run = self._express.child(self._namespace, self._execution(child, child.input), machine)
            self._open[child.index] = child.first_item
            run.turn()
            if run.is_running:
                life = asyncio.get_running_loop().create_task(self._live(run, child))
                self._lives[life] = run
                life.add_done_callback(self._lives.pop)
            else:
                self._note(run, child)
            if self._clock.monotonic() > until:
                await self._clock.sleep(0)
                until = self._clock.monotonic() + TURN_SECONDS

    def _execution(self, child: Child, given: Document) -> Execution:
        spec = self._spec
        name = child_name(spec.run, child.index)
        identifier = f"{self._held.processor}:{spec.run}:{name}"
        names = None
        if self._place is not None and spec.names is not None:
            names = self._place.names(identifier, spec.names.role)
        return Execution(
            identifier,
            self._held.processor,
            name,
            spec.version,
            secrets.token_bytes(16),
            self._clock.now_ms(),
            input=given,
            names=names,
            parent=spec.parent,
            depth=spec.depth,
        )

    async def _live(self, run: Run, child: Child) -> None:
        await run.live()
        self._note(run, child)
        self._rung.wake()

    def _note(self, run: Run, child: Child) -> None:
        end = run.execution
        assert end.status != "RUNNING"
        if end.error == STOPPED_ERROR:
            return  # the process stops: whoever drives the run next runs it again
        has_input = self._spec.tells_inputs or end.status != "SUCCEEDED"
        assert isinstance(child.input, Document)
        self._ended.append(
            Ended(
                child.index,
                child.count,
                end.status,
                end.started_ms,
                run.stopped_ms or end.last_ms,
                end.output.text if end.output is not None else None,
                end.error,
                end.cause,
                given=child.input.text if has_input else b"",
            )
        )

    async def ended(self) -> Batch | None:
        return Batch(self._ended[:BATCH], {}) if self._ended else None

    async def counted(self, batch: Batch) -> None:
        del self._ended[: len(batch.ended)]
        for each in batch.ended:
            self._open.pop(each.index, None)

    def lowest(self) -> tuple[int, int] | None:
        return next(iter(self._open.items()), None)

    async def redrive(self, indexes: Sequence[int]) -> list[Ended]:
        """Express children are made anew from their items; none is left to go on."""
        raise AssertionError(indexes)

    async def items_of(self, indexes: Sequence[int]) -> list[int]:
        return [1] * len(indexes)

    async def close(self) -> None:
        for life, run in list(self._lives.items()):
            run.stop(None, None)
            run.finish()
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)
