"""One Express execution: the same `transition` as the advancer applies, on frames and values in memory, in real time.

    event or ready frame  ->  transition  ->  kept in memory, effects performed  ->  next

There is no claim, no commit and no other holder: the process that started it is the only one that knows of it. The
loop takes what the clock and others have put in, and yields to the rest of the process every few transitions.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import structs

from engine.clock import Clock
from engine.core.effects import CancelTask, Record, ScheduleTask, StartTimer, Transition
from engine.core.events import (
    Advance,
    Begin,
    DeadlineReached,
    Event,
    StopRequested,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
)
from engine.core.execution import Execution, Started
from engine.core.failures import RUNTIME
from engine.core.limits import READY_MAX
from engine.core.needs import needs
from engine.documents import Document
from engine.express.memory import Agenda, Memory, TaskKey
from engine.language.machine import Machine
from engine.runtime.deciders import NotNow, Read
from engine.runtime.deciding import Deciding
from engine.telemetry import plain

TURN_SECONDS = 0.005  # or so many transitions, whichever comes first; then the others in the process have a turn
TURN_TRANSITIONS = 100
RECORDS_MAX = 1_000  # of one execution that are kept; the oldest go first
RECORD_BYTES_MAX = 1024 * 1024  # of their payloads
NOT_NOW_SECONDS = 0.05  # until a process to decide in is asked for again
OUTCOMES_MAX = 100  # of tasks, so that a repeated report gets the same answer
DEADLINE = ("", 1, "deadline")

log = logging.getLogger("detent.express")


class Work(Protocol):
    """Where a run's tasks go."""

    def offer(self, run: Run, task: ScheduleTask) -> None:
        """Have the task performed, by a worker or here."""

    def withdraw(self, run: Run, key: TaskKey) -> None:
        """Nobody needs it any more."""

    def started(self, run: Run, keys: Sequence[TaskKey]) -> dict[TaskKey, Started | None]:
        """Since when each is being performed, and by whom; None for one that nobody has."""

    def lapse(self, run: Run, key: TaskKey) -> None:
        """Its lease may have run out: then it is offered again."""

    def expire(self, run: Run, event: TimerFired) -> TimerFired | None:
        """Its time-out or heartbeat has come: the event that tells the run, or None if it was put off."""


class Run:
    """An execution of `machine` from its first transition to its end, at most `milliseconds` after its start.

    `on_change(run)` is called after each transition. `ended` is set once it is closed.
    """

    def __init__(
        self,
        machine: Machine,
        execution: Execution,
        ref: str,
        clock: Clock,
        work: Work,
        deciding: Deciding,
        source: Read,
        milliseconds: int,
        on_change: Callable[[Run], None],
    ) -> None:
        self.machine = machine
        self.execution = execution
        self.ref = ref
        self.memory = Memory()
        self.agenda = Agenda()
        self.beats: dict[TaskKey, int] = {}
        self.outcomes: OrderedDict[TaskKey, tuple[str, str, str]] = OrderedDict()
        self.ended = asyncio.Event()
        self.stopped_ms: int | None = None
        self.forgotten = 0  # id of the newest record that is not kept any more
        self._record_bytes = 0
        self._clock = clock
        self._work = work
        self._deciding = deciding
        self._source = source
        self._slow: tuple[Event, int] | None = None  # taken up, and to be decided apart
        self._on_change = on_change
        self._control: deque[Event] = deque()
        self._inbox: deque[Event] = deque()
        self._wake = asyncio.Event()
        # The machine's own time-out comes beside this one; whichever is first ends the run.
        self.memory.timers[DEADLINE] = execution.started_ms + milliseconds
        self.agenda.plan(execution.started_ms + milliseconds, DeadlineReached())

    @property
    def is_running(self) -> bool:
        return self.execution.status == "RUNNING"

    def deliver(self, event: TaskSucceeded | TaskFailed) -> None:
        """A task's outcome has come."""
        self.memory.tasks.pop((event.frame, event.revision), None)
        self._inbox.append(event)
        self._wake.set()

    def stop(self, error: str | None, cause: str | None) -> None:
        """End it as ABORTED, before anything else that has come, also before what is being decided."""
        self._slow = None
        self._control.append(StopRequested(error, cause))
        self._wake.set()

    def finish(self) -> None:
        """Apply what there is to apply, without waiting for anything."""
        while self.is_running and self.step():
            pass

    async def live(self) -> None:
        """Go on until it is closed."""
        while self.is_running:
            if self.turn():
                await self._clock.sleep(0)
            elif not self.is_running:
                break
            elif self._slow is not None:
                await self._decide_apart(*self._slow)
            else:
                await self._idle()

    def turn(self) -> bool:
        """Apply what there is to apply, for a moment; whether there may be more."""
        until = self._clock.monotonic() + TURN_SECONDS
        for _ in range(TURN_TRANSITIONS):
            if not (self.is_running and self.step()):
                return False
            if self._clock.monotonic() > until:
                break
        return self.is_running

    def step(self) -> bool:
        """Apply one transition, if there is anything to apply now. A fault of the engine's own ends the run as FAILED."""
        if self._slow is not None:
            return False
        try:
            self._take_due()
            event = self._next()
            if event is None:
                return False
            now_ms = max(self._clock.now_ms(), self.execution.last_ms, _came_ms(event))
            step = self._deciding.at_once(self.machine, self._loaded(event), event, now_ms)
            if step is None:
                self._slow = event, now_ms
                return False
            self._apply(step, now_ms)
        except Exception as error:
            self._fault(error)
        return True

    async def _decide_apart(self, event: Event, now_ms: int) -> None:
        """Have a transition decided whose expressions take long; nothing else is applied meanwhile."""
        try:
            execution = self._loaded(event)
            step: Transition | None = None
            while step is None and self._slow is not None:
                apart = self._deciding.apart(self.machine, self._source, execution, event, now_ms)
                try:
                    step = await apart
                except NotNow:
                    await self._clock.sleep(NOT_NOW_SECONDS)
            if step is not None and self._slow is not None:  # not stopped meanwhile
                self._slow = None
                self._apply(step, now_ms)
        except Exception as error:
            self._slow = None
            self._fault(error)

    def _fault(self, error: Exception) -> None:
        log.error("advancing %s failed", plain(self.ref), exc_info=error)
        self._break_off(f"{type(error).__name__}: {error}")

    async def _idle(self) -> None:
        """Sleep until something comes in or falls due."""
        self._wake.clear()
        due_ms = self.agenda.next_ms()
        assert due_ms is not None  # the deadline at least
        seconds = max(0.001, (due_ms - self._clock.now_ms()) / 1000)
        sleeping = asyncio.get_running_loop().create_task(self._clock.sleep(seconds))
        sleeping.add_done_callback(lambda _: self._wake.set())
        try:
            await self._wake.wait()
        finally:
            sleeping.cancel()

    def _next(self) -> Event | None:
        """In the order in which the advancer takes them: control events, the first, what has come in, what is ready."""
        execution = self.execution
        if self._control:
            return self._control.popleft()
        if execution.revision == 0:
            return Begin()
        if execution.closing is not None:
            return Advance(execution.ready[0] if execution.ready else "")
        if self._inbox and len(execution.ready) < READY_MAX:
            return self._inbox.popleft()
        return Advance(execution.ready[0]) if execution.ready else None

    def _apply(self, step: Transition, now_ms: int) -> None:
        self.memory.write(step)
        self.execution = step.execution
        self._keep_records(step.records)
        self._perform(step, now_ms)
        if not self.is_running:
            self._close()
        self._on_change(self)

    def _loaded(self, event: Event) -> Execution:
        execution = self.execution
        while wanted := needs(self.machine, execution, event):
            frames = {frame: self.memory.frame(frame) for frame in wanted.frames}
            values = {key: self.memory.value(key) for key in wanted.values}
            execution = structs.replace(
                execution,
                frames={**execution.frames, **frames},
                values={**execution.values, **values},
                leases={**execution.leases, **self._work.started(self, wanted.leases)},
            )
        return execution

    def _perform(self, step: Transition, now_ms: int) -> None:
        for effect in step.effects:
            match effect:
                case ScheduleTask():
                    self._schedule(effect, now_ms)
                case CancelTask():
                    self.beats.pop((effect.frame, effect.revision), None)
                    self._work.withdraw(self, (effect.frame, effect.revision))
                case StartTimer(kind="deadline"):
                    self.agenda.plan(effect.due_ms, DeadlineReached())
                case StartTimer(kind="due"):
                    # Only Wait states and retries set these; a task's time-out comes with the task.
                    fired = TimerFired(effect.frame, effect.revision, "due")
                    self.agenda.plan(effect.due_ms, fired)
                case _:
                    pass

    def _schedule(self, task: ScheduleTask, now_ms: int) -> None:
        key = (task.frame, task.revision)
        if task.timeout_ms is not None:
            self.agenda.plan(task.timeout_ms, TimerFired(*key, "timeout"), key)
        if task.heartbeat_ms is not None:
            self.put_off(key, now_ms + task.heartbeat_ms)
        self._work.offer(self, task)

    def put_off(self, key: TaskKey, due_ms: int) -> None:
        """The task's next heartbeat is due then."""
        self.beats[key] = due_ms
        self.agenda.plan(due_ms, TimerFired(*key, "heartbeat"), key)
        self._wake.set()

    def lend(self, key: TaskKey, until_ms: int) -> None:
        """The task's lease runs out then."""
        self.agenda.plan(until_ms, key, key)
        self._wake.set()

    def remember(self, key: TaskKey, secret: str, digest: str, how: str) -> None:
        """How a task ended, for whoever reports on it again."""
        self.outcomes[key] = (secret, digest, how)
        if len(self.outcomes) > OUTCOMES_MAX:
            self.outcomes.popitem(last=False)

    def _take_due(self) -> None:
        now_ms = self._clock.now_ms()
        while self.is_running and (at_ms := self.agenda.next_ms()) is not None and at_ms <= now_ms:
            task, event = self.agenda.pop()
            if task is not None:
                self._take_due_task(task, event, now_ms)
            elif isinstance(event, DeadlineReached):
                if self.memory.timers.pop(DEADLINE, None) is not None:
                    self._control.append(event)
            elif isinstance(event, TimerFired):
                armed = (event.frame, event.revision, event.kind)
                if self.memory.timers.pop(armed, None) is not None:
                    self._inbox.append(event)

    def _take_due_task(self, key: TaskKey, event: Event | TaskKey, now_ms: int) -> None:
        if key not in self.memory.tasks:
            return
        if not isinstance(event, TimerFired):
            self._work.lapse(self, key)
            return
        if event.kind == "heartbeat" and self.beats.get(key, 0) > now_ms:
            return
        expired = self._work.expire(self, event)
        if expired is not None:
            del self.memory.tasks[key]
            self._inbox.append(expired)

    def _keep_records(self, records: tuple[Record, ...]) -> None:
        kept = self.memory.records
        self._record_bytes += sum(map(_size, records))
        drop = max(0, len(kept) - RECORDS_MAX)
        self._record_bytes -= sum(map(_size, kept[:drop]))
        while self._record_bytes > RECORD_BYTES_MAX and drop < len(kept) - 1:
            self._record_bytes -= _size(kept[drop])
            drop += 1
        if drop:
            self.forgotten = kept[drop - 1].id
            del kept[:drop]

    @property
    def size(self) -> int:
        """Bytes of what is kept of it once it is closed, about."""
        documents = (self.execution.input, self.execution.output)
        return self._record_bytes + sum(len(d.text) for d in documents if d is not None) + 2_000

    def _break_off(self, cause: str) -> None:
        run = self.execution
        details = {"error": RUNTIME, "cause": cause}
        number, at_ms = run.last_record + 1, max(self._clock.now_ms(), run.last_ms)
        self.memory.records.append(Record(number, 0, "ExecutionFailed", at_ms, details))
        self.execution = structs.replace(
            run,
            status="FAILED",
            error=RUNTIME,
            cause=cause,
            last_record=number,
            last_ms=at_ms,
            frames={},
        )
        self._close()
        self._on_change(self)

    def _close(self) -> None:
        """Let go of everything but what can still be told."""
        self.stopped_ms = self.execution.last_ms
        for key in list(self.memory.tasks):
            self._work.withdraw(self, key)
        records, self.memory = self.memory.records, Memory()
        self.memory.records = records
        self.agenda = Agenda()
        self.beats.clear()
        self._inbox.clear()
        self.execution = structs.replace(self.execution, frames={}, values={})
        self.ended.set()


def _came_ms(event: Event) -> int:
    """When a task of this event was taken: what follows is never dated before it."""
    started = getattr(event, "started", None)
    return started.at_ms if started is not None else 0


def _size(record: Record) -> int:
    return sum(
        len(value.text) if isinstance(value, Document) else len(str(value))
        for value in record.details.values()
    )
