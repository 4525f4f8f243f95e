"""Starting and ending Express executions. All of them live in this process, and none outlives it.

Each start is an execution of its own, whatever its name. What a crash takes is lost: an asynchronous start is answered
once the execution is in memory, not once it is anywhere else.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from engine.arns import Origin
from engine.clock import Clock
from engine.core.events import TaskFailed, TaskSubmitted, TaskSucceeded
from engine.core.execution import Execution
from engine.core.limits import Limits
from engine.documents import Document
from engine.errors import (
    DefinitionNotFound,
    ExecutionClosed,
    ExecutionNotFound,
    QuotaExceeded,
    TaskNotFound,
)
from engine.express.remembered import Remembered
from engine.express.run import Run
from engine.express.tasks import MemoryTasks
from engine.language.machine import Machine
from engine.runtime.changes import Changes
from engine.runtime.deciders import Deciders
from engine.runtime.deciding import Deciding
from engine.runtime.dispatcher import Dispatcher
from engine.runtime.machines import Machines
from engine.settings import Settings
from engine.store.catalog import Catalog
from engine.store.keys import ref_of
from engine.store.tasks import Address
from engine.tasks.runner import Runner
from engine.telemetry import Counters, emit

RECORDS_MAX = 10**12  # AWS Step Functions limits no Express execution's events; five minutes do
DRAIN_SHARE = 0.8  # of the drain time; the rest is for sending the answers
STOPPED_ERROR = "Detent.ProcessStopped"
STOPPED_CAUSE = "The process that ran this Express execution was stopped."


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What an execution is started with. `synchronous`: somebody waits for its end, and its context tells of no redrives."""

    namespace: str
    definition: str
    version: int | None  # None: the newest
    name: str
    input: Document
    synchronous: bool = False
    alias: str = ""  # by which the version was chosen
    origin: Origin | None = None  # of one that goes by ARNs
    parent: str = ""  # the execution that started it
    depth: int = 0  # executions above it


class Express:
    """This process's Express executions.

    `remembered` answers questions about them. Raises QuotaExceeded beyond `express_executions_max` running ones.
    """

    def __init__(
        self,
        catalog: Catalog,
        machines: Machines,
        dispatcher: Dispatcher,
        runners: Mapping[str, Runner],
        deciders: Deciders,
        clock: Clock,
        changes: Changes,
        counters: Counters,
        settings: Settings,
    ) -> None:
        self._catalog = catalog
        self._machines = machines
        self._known: set[tuple[str, str]] = set()  # definitions; a definition's type never changes
        self._clock = clock
        self._changes = changes
        self._counters = counters
        self._running_max = settings.express_executions_max
        self._milliseconds = round(settings.express_seconds_max * 1000)
        self._drain_seconds = settings.drain_seconds * DRAIN_SHARE
        limits = Limits(
            payload_bytes_max=settings.payload_bytes_max,
            records_max=RECORDS_MAX,
            lambda_endpoint=settings.lambda_endpoint is not None,
        )
        self._deciding = Deciding(deciders, clock, counters, limits)
        self.tasks = MemoryTasks(
            clock, runners, counters, settings.http_calls_max, dispatcher.ring_local
        )
        dispatcher.local = self.tasks
        self.remembered = Remembered(clock, self.tasks, changes.is_watched)
        self._lives: set[asyncio.Task[None]] = set()
        self._open = True

    def knows(self, namespace: str, definition: str) -> bool:
        """Whether the definition is known here to be Express. Where it is not, `start` finds out."""
        return (namespace, definition) in self._known

    def forget(self) -> None:
        """Find out anew which definitions are Express: the store has lost something."""
        self._known.clear()

    async def start(self, request: StartRequest) -> Run | None:
        """Begin an execution; it goes on by itself. None where there is no Express definition of that name.

        A short synchronous one is closed already when this returns. Raises DefinitionNotFound for a version that is
        not there, QuotaExceeded.
        """
        namespace, definition = request.namespace, request.definition
        current = await self._catalog.current(namespace, definition)
        if current is None or current.type != "EXPRESS":
            return None
        self._known.add((namespace, definition))
        version = request.version or current.version
        if version < current.first:  # from before it was deleted and made anew
            raise DefinitionNotFound(f"{definition}, version {version}")
        machine = await self._machines.get(namespace, definition, version)
        running = self.remembered.running
        if not self._open or len(running) >= self._running_max:
            raise QuotaExceeded("running Express executions per process", limit=self._running_max)
        run = self._run(request, version, machine)
        self.remembered.add(run)
        self._counters.add("detent_express_started_total")
        self._counters.put("detent_express_running", len(running))
        if request.synchronous:
            run.turn()
        if run.is_running:
            life = asyncio.get_running_loop().create_task(run.live())
            self._lives.add(life)
            life.add_done_callback(self._lives.discard)
        return run

    def _run(self, request: StartRequest, version: int, machine: Machine) -> Run:
        identifier = f"{request.definition}:{request.name}:{uuid.uuid4()}"
        now_ms = self._clock.now_ms()
        execution = Execution(
            identifier,
            request.definition,
            request.name,
            version,
            secrets.token_bytes(16),
            now_ms,
            input=request.input,
            redrives=None if request.synchronous else 0,
            alias=request.alias,
            names=None if request.origin is None else request.origin.names(identifier),
            parent=request.parent,
            depth=request.depth,
            published=0 if request.origin is None else request.origin.published,
        )
        return Run(
            machine,
            execution,
            ref_of(request.namespace, identifier),
            self._clock,
            self.tasks,
            self._deciding,
            lambda: self._machines.source(request.namespace, request.definition, version),
            self._milliseconds,
            self._changed,
        )

    def child(self, namespace: str, execution: Execution, machine: Machine) -> Run:
        """An execution of a Map Run's, which its driver has go on. `machine` is its part of its definition."""
        ref = ref_of(namespace, execution.id)
        of = namespace, execution.definition, execution.version
        run = Run(
            machine,
            execution,
            ref,
            self._clock,
            self.tasks,
            self._deciding,
            lambda: self._machines.source(*of),
            self._milliseconds,
            self._changed,
        )
        self.remembered.add(run)
        self._counters.add("detent_express_started_total")
        return run

    async def stop(self, ref: str, error: str | None, cause: str | None) -> None:
        """End a running execution as ABORTED. Raises ExecutionNotFound, ExecutionClosed."""
        run = self.remembered.find(ref)
        if run is None:
            raise self.unknown(ref)
        if not run.is_running:
            raise ExecutionClosed(execution_status=run.execution.status)
        run.stop(error, cause)
        run.finish()

    async def finish(self, ref: str) -> None:
        """The server stops while somebody waits for this execution: let it end within the drain time, or end it."""
        run = self.remembered.find(ref)
        if run is None:
            return
        try:
            async with asyncio.timeout(self._drain_seconds):
                await run.ended.wait()
        except TimeoutError:
            run.stop(STOPPED_ERROR, STOPPED_CAUSE)
            run.finish()

    async def close(self) -> None:
        """The process ends: whatever still runs ends as ABORTED, and says why."""
        self._open = False
        left = list(self.remembered.running.values())
        for run in left:
            run.stop(STOPPED_ERROR, STOPPED_CAUSE)
            run.finish()
        if left:
            emit("express.stopped", count=len(left))
        for life in list(self._lives):
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)
        await self.tasks.stop()

    def settle(
        self, address: Address, event: TaskSucceeded | TaskSubmitted | TaskFailed, lease: str
    ) -> None:
        """Accept a task's outcome. Raises TaskClosed, TaskNotFound, LeaseLost."""
        self.tasks.settle(self._owner(address), address, event, lease=lease)

    def heartbeat(self, address: Address, lease: str, lease_ms: int) -> int | None:
        """Put off a task's heartbeat time-out, and with its lease extend that. Raises as `settle`."""
        return self.tasks.heartbeat(self._owner(address), address, lease=lease, lease_ms=lease_ms)

    def _owner(self, address: Address) -> Run:
        run = self.remembered.find(address.ref)
        if run is None:
            raise TaskNotFound("it was an Express execution's, which this process does not know")
        return run

    @staticmethod
    def unknown(ref: str) -> ExecutionNotFound:
        """There is none of that id here, and why that may be."""
        identifier = ref.partition(":")[2]
        return ExecutionNotFound(
            f"{identifier}: Express executions are not kept. The process that ran one tells of it while it runs and "
            "for ten minutes at most after its end."
        )

    def _changed(self, run: Run) -> None:
        if not run.is_running:
            self.remembered.close(run)
            self._counters.add("detent_express_closed_total")
            self._counters.put("detent_express_running", len(self.remembered.running))
        self._changes.ring(run.ref, closed=not run.is_running)
