"""Performs the engine's own queue of Map Runs: each task is one run, and is done when the run has ended.

The task's lease says which process drives the run; what that process writes is fenced by the run's nonce. A process that
dies lets the lease lapse: whoever leases the task next takes the run and goes on with it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from msgspec import convert

from engine.arns import Place, place_of
from engine.clock import Clock
from engine.core.failures import RUNTIME, TASK_FAILED, Failure
from engine.core.limits import Limits
from engine.core.states.distributed.spec import MapRunSpec
from engine.core.tokens import parse_task_token
from engine.documents import Document
from engine.errors import DefinitionNotFound, InvalidDefinition, StoreUnavailable
from engine.runtime.deciders import Deciders
from engine.runtime.machines import Machines
from engine.runtime.maps.bells import Bells, Rung
from engine.runtime.maps.children import Children, StandardChildren
from engine.runtime.maps.drive import Drive
from engine.runtime.maps.exporting import Results
from engine.runtime.maps.selection import Selector
from engine.runtime.maps.shaping import Shaping
from engine.runtime.maps.sources import Source
from engine.runtime.maps.stopper import Stopper
from engine.runtime.maps.trying import FAULT_MAX, TRIES_MAX, in_vain, note
from engine.settings import Settings
from engine.store import errands
from engine.store.errands import StopRun
from engine.store.maps.held import Held
from engine.store.maps.runs import RunLost
from engine.store.stores import Stores
from engine.tasks.datasets.buckets import Buckets
from engine.tasks.datasets.dataset import Dataset
from engine.tasks.datasets.sink import ResultSink
from engine.tasks.runner import Done, Failed, PerformedTask, RunResult, Succeeded

BUSY_SECONDS = (
    0.5  # until a run is taken again that is being stopped, or that another has taken meanwhile
)

log = logging.getLogger("detent.maps")


class ExpressChildrenOf(Protocol):
    """Makes what runs the Express children of a run in this process."""

    def __call__(self, held: Held, spec: MapRunSpec, rung: Rung) -> Children: ...


@dataclass(frozen=True, slots=True)
class Outside:
    """What a run has beyond the store: buckets, Express children, what decides apart, and what ARNs it goes by."""

    express: ExpressChildrenOf
    buckets: Buckets
    deciders: Deciders
    place: Place


class MapRunner:
    """`offer(ref)` hints that an execution can go on."""

    def __init__(
        self,
        stores: Stores,
        machines: Machines,
        bells: Bells,
        clock: Clock,
        settings: Settings,
        outside: Outside,
        *,
        namespace: str,
        offer: Callable[[str], None],
    ) -> None:
        self._stores = stores
        self._machines = machines
        self._bells = bells
        self._clock = clock
        self._settings = settings
        self._outside = outside
        self._namespace = namespace
        self._offer = offer

    async def perform(
        self,
        task: PerformedTask,
        *,
        callback: bool = False,  # noqa: ARG002 - no Map Run calls back
        timeout_seconds: float | None = None,  # noqa: ARG002 - nor has it a time-out
    ) -> RunResult:
        """Drive a run to its end, or stop one. Raises StoreUnavailable."""
        if task.uri.startswith(errands.URI):
            errand = errands.read(task.uri, task.input)
            assert isinstance(errand, StopRun)
            await self._stop(errand)
            return Done()
        spec = convert(task.input.value, MapRunSpec)
        revision = parse_task_token(task.token).revision
        while True:
            try:
                outcome = await self._drive(spec, revision)
            except RunLost:
                outcome = (
                    None  # this task's lease may have been lost too: then it is cancelled soon
                )
            if outcome is not None:
                return _result(outcome)
            await self._clock.sleep(BUSY_SECONDS)

    async def close(self) -> None:
        """Read and write nothing more."""
        self._outside.buckets.close()

    async def _drive(self, spec: MapRunSpec, revision: int) -> Document | Failure | None:
        """The outcome of a run; None where it cannot be taken now."""
        opened = await self._stores.map_runs.open(
            self._namespace,
            spec,
            revision=revision,
            nonce=secrets.token_hex(8),
            seed=secrets.token_bytes(16),
        )
        if opened.verdict == "BUSY":
            return None
        held = opened.held
        if held is None:
            return Failure(TASK_FAILED, "The Map Run was stopped.")  # nobody hears this
        results = self._results(spec, held)
        if opened.verdict == "ENDED":
            return await self._outcome(spec, held, results)
        rung = self._bells.listen(held.ref)
        try:
            return await self._attempt(spec, held, results, rung)
        finally:
            self._bells.leave(held.ref, rung)

    async def _attempt(
        self, spec: MapRunSpec, held: Held, results: Results, rung: Rung
    ) -> Document | Failure:
        """Go on, unless that was tried in vain too often. What Redis or a stop of this process ends was no try."""
        if held.tries > TRIES_MAX:
            return await self._give_up(spec, held, results, rung, in_vain(held))
        try:
            return await self._go_on(spec, held, results, rung)
        except RunLost:
            raise
        except StoreUnavailable:
            await note(self._stores.map_runs, held, calm=True)
            raise
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"[:FAULT_MAX]
            await note(self._stores.map_runs, held, fields={"fault": fault})
            raise

    async def _give_up(
        self, spec: MapRunSpec, held: Held, results: Results, rung: Rung, failure: Failure
    ) -> Failure:
        """Stop what is out, and fail the run."""
        told = {"error": failure.error or "", "cause": failure.cause or ""}
        try:
            await self._stopper(spec, held, results, rung).run("FAILED", told)
        except (StoreUnavailable, RunLost):
            raise
        except Exception:
            # What cannot be driven can perhaps not be stopped in order either.
            log.exception("children of %s could not be stopped", held.ref)
            await self._stores.map_runs.advance(held, status="FAILED", fields=told)
        return failure

    async def _outcome(self, spec: MapRunSpec, held: Held, results: Results) -> Document | Failure:
        """Of a run that has ended, for a task whose settling was not heard."""
        if held.outcome is not None:
            error, cause = held.outcome
            return Failure(error or None, cause)
        if held.standing.status == "ABORTED":
            return Failure(TASK_FAILED, "The Map Run was stopped.")
        return await results.outcome(held, spec.state)

    async def _go_on(
        self, spec: MapRunSpec, held: Held, results: Results, rung: Rung
    ) -> Document | Failure:
        definition = (self._namespace, spec.definition, spec.version)
        try:
            machine = await self._machines.get(*definition)
        except (DefinitionNotFound, InvalidDefinition) as error:
            failure = Failure(RUNTIME, str(error))
            return await self._give_up(spec, held, results, rung, failure)
        limits = Limits(payload_bytes_max=self._settings.payload_bytes_max)
        dataset = Dataset(spec, self._outside.buckets, pin=held.pin)
        deciders, clock = self._outside.deciders, self._clock
        selector = Selector(
            machine, lambda: self._machines.source(*definition), spec, held.seed, deciders, clock
        )
        source = Source(spec, limits, dataset, selector)
        drive = Drive(
            self._stores.map_runs,
            held,
            spec,
            source,
            self._children(spec, held, rung),
            results,
            rung,
            self._clock,
            most=self._settings.map_concurrency,
        )
        return await drive.run()

    def _children(self, spec: MapRunSpec, held: Held, rung: Rung) -> Children:
        if spec.execution_type == "EXPRESS":
            return self._outside.express(held, spec, rung)
        return self._standard(spec, held, rung)

    def _standard(self, spec: MapRunSpec, held: Held, rung: Rung) -> StandardChildren:
        return StandardChildren(
            self._stores,
            held,
            spec,
            rung,
            self._clock,
            namespace=self._namespace,
            kept_max=self._settings.map_children_kept,
            offer=self._offer,
        )

    def _results(self, spec: MapRunSpec, held: Held) -> Results:
        shaping = Shaping(place_of(spec.names) or self._outside.place, held.processor, spec)
        sink = None
        if spec.writer is not None and spec.writer.bucket is not None:
            sink = ResultSink(spec.writer, spec.run, self._outside.buckets)
        bytes_max = self._settings.payload_bytes_max
        return Results(self._stores.map_runs, shaping, sink, bytes_max=bytes_max)

    async def _stop(self, errand: StopRun) -> None:
        ref = f"{self._namespace}:{errand.run}"
        held = await self._stores.map_runs.abort(
            ref, revision=errand.revision, nonce=secrets.token_hex(8)
        )
        if held is None:
            return
        about = held.about
        spec = MapRunSpec(
            about.run,
            about.parent,
            about.definition,
            about.version,
            about.state,
            about.label,
            about.execution_type,
            names=about.names,
            writer=about.writer,
        )
        rung = self._bells.listen(ref)
        try:
            if held.tries > TRIES_MAX:
                await self._stores.map_runs.advance(held, status="ABORTED")
                return
            await self._stopper(spec, held, self._results(spec, held), rung).run("ABORTED")
        except RunLost:
            pass  # another delivery of the errand has it
        finally:
            self._bells.leave(ref, rung)

    def _stopper(self, spec: MapRunSpec, held: Held, results: Results, rung: Rung) -> Stopper:
        children, now_ms = self._standard(spec, held, rung), self._clock.now_ms()
        return Stopper(self._stores.map_runs, held, children, results, rung, now_ms)


def _result(outcome: Document | Failure) -> RunResult:
    if isinstance(outcome, Failure):
        return Failed(outcome.error or TASK_FAILED, outcome.cause or "", transport=False)
    return Succeeded(outcome)
