"""The loop of a rehearsal: what the engine's advancer, timekeeper and workers do, in one thread and in no time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import structs

from engine.core.effects import ScheduleTask, StartTimer, StopChild, StopMapRun, Transition
from engine.core.entropy import derive
from engine.core.events import (
    Advance,
    Begin,
    DeadlineReached,
    Event,
    SignalReceived,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
)
from engine.core.execution import Execution, Names, Started
from engine.core.limits import DEFAULT, READY_MAX, UNWIND_MAX, Limits
from engine.core.states.nested import Naming, Start
from engine.core.transition import needs, transition
from engine.documents import Document
from engine.language.machine import Machine
from engine.rehearsal.answers import Answer, Answers, Fail, Silence, Submit, Succeed
from engine.rehearsal.datasets import NO_DATASETS, Datasets
from engine.rehearsal.family import Family
from engine.rehearsal.memory import Agenda, Memory, TaskKey, TimerKey, through_bytes
from engine.rehearsal.result import BrokenPromise, Given, Result, RunType

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
SEED = b"a rehearsal is repeatable"
TRANSITIONS_MAX = 1_000_000
EXPRESS_MS = 300_000  # from an Express execution's start to its time-out; as AWS Step Functions
DEADLINE: TimerKey = ("", 1, "deadline")
VALUES_PER_COMMIT = 2_000  # the pages of the largest Map an input can hold, or what a join drops
FRAMES_PER_COMMIT = UNWIND_MAX + 10  # those spawned or dropped, and their ancestors


class Rehearsal:
    """One run in memory.

    `answers` gives the answers of each state's attempts in turn (the last is repeated), or is asked with each task;
    a task without an answer is never answered. An EXPRESS run times out after five minutes; EXPRESS_SYNC is one whose
    caller waits, and which is told nothing of redrives. `machines` are the definitions that nested executions can be
    started of: they run in the same time and with the same answers, unless the state that starts them has answers of its
    own; `naming` says what they are called in what their parents are told. `datasets` are what the
    ItemReaders of distributed Maps find: what each object holds, by bucket and key. With `evict`, nothing stays loaded between two transitions. Every
    promise of the core that can be seen from here is checked after each transition; BrokenPromise tells of the first
    one broken.
    """

    def __init__(
        self,
        machine: Machine,
        input: Any = None,  # noqa: A002
        *,
        answers: Answers | None = None,
        given: Sequence[Given] = (),
        definition: str = "rehearsal",
        name: str = "run",
        version: int = 1,
        names: Names | None = None,
        machines: Mapping[str, Machine] | None = None,
        naming: Naming = Naming(),  # noqa: B008 - frozen
        start_ms: int = START_MS,
        seed: bytes = SEED,
        limits: Limits = DEFAULT,
        evict: bool = False,
        transitions_max: int = TRANSITIONS_MAX,
        type: RunType = "STANDARD",  # noqa: A002 - the word of definitions
        datasets: Datasets = NO_DATASETS,
    ) -> None:
        document = (
            input if isinstance(input, Document) else Document.of({} if input is None else input)
        )
        self.machine = machine
        self.answers: Answers = {} if answers is None else answers
        self.given = list(given)
        self.limits = limits
        self.evict = evict
        self.transitions_max = transitions_max
        self.now_ms = start_ms
        self.parent: Rehearsal | None = None
        self.memory = Memory()
        self.agenda = Agenda()
        self.inbox: list[Event] = []
        self.input = document
        self.tasks: list[ScheduleTask] = []
        self.waits_ms: list[int] = []
        self.family = Family(self, machines, naming, datasets)
        self.begun = False
        self.started: dict[TaskKey, Started | None] = {}
        self.beats: dict[TaskKey, int] = {}
        self.turns: dict[str, int] = {}
        self.execution = Execution(
            f"{definition}:{name}",
            definition,
            name,
            version,
            seed,
            start_ms,
            input=document,
            names=names,
            redrives=None if type == "EXPRESS_SYNC" else 0,
        )
        if type != "STANDARD":
            self._limit(start_ms + EXPRESS_MS)
        self.is_express = type != "STANDARD"

    def run(self) -> Result:
        """Go on until the execution closes, or until nothing can happen any more."""
        for given in self.given:
            if given.after_record is None:
                self.agenda.plan(self.now_ms + given.after_ms, given.event)
        for count, run in enumerate(self.family.turns(), 1):
            run.step()
            if count > self.transitions_max:
                raise BrokenPromise(f"no end after {count} transitions")
        return self.result()

    def result(self) -> Result:
        """How it stands."""
        children = [run.result() for run in self.family.runs if run.parent is self]
        execution = self.execution
        if self.is_closed and self.is_express:
            self.memory.timers.pop(DEADLINE, None)  # the run's own; the core knows nothing of it
        succeeded = self.execution.status == "SUCCEEDED"
        left = self.memory.left_behind(succeeded=succeeded) if self.is_closed else []
        output = None if execution.output is None else execution.output.value
        return Result(
            execution.status,
            output,
            execution.error,
            execution.cause,
            self.memory.records,
            self.tasks,
            self.waits_ms,
            self.execution.revision,
            self.now_ms,
            execution,
            left + [f"{run.execution.id}: {text}" for run in children for text in run.left_behind],
            children,
        )

    def _limit(self, due_ms: int) -> None:
        """The time-out of every Express execution, beside the machine's own."""
        self.memory.timers[DEADLINE] = due_ms
        self.agenda.plan(due_ms, DeadlineReached())

    def beget(
        self,
        machine: Machine,
        start: Start,
        type: RunType = "STANDARD",  # noqa: A002
    ) -> Rehearsal:
        """A run that this one starts, of the same family."""
        child = Rehearsal(
            machine,
            start.input,
            answers=self.answers,
            definition=start.definition,
            name=start.name,
            start_ms=self.now_ms,
            seed=derive(self.execution.seed, "child", start.id),
            limits=self.limits,
            evict=self.evict,
            transitions_max=self.transitions_max,
            type=type,
        )
        child.family, child.parent = self.family, self
        depth = self.execution.depth + 1
        child.execution = structs.replace(child.execution, parent=self.execution.id, depth=depth)
        return child

    @property
    def is_closed(self) -> bool:
        return self.execution.status != "RUNNING"

    @property
    def has_work(self) -> bool:
        """Whether it can go on without time passing."""
        return not self.is_closed and bool(self.inbox or self.execution.ready or not self.begun)

    def step(self) -> None:
        """One transition."""
        self._apply(self._next() if self.begun else Begin())
        self.begun = True
        if self.is_closed:
            self.family.ended(self)

    def _next(self) -> Event:
        """Events before runnable frames, as the engine does."""
        ready = self.execution.ready
        if self.inbox and len(ready) < READY_MAX:
            return self.inbox.pop(0)
        return Advance(ready[0])

    def pass_time(self) -> None:
        """Let the next thing on the agenda happen, and time pass until then."""
        at_ms = self.agenda.next_ms()
        assert at_ms is not None
        task, event = self.agenda.pop()
        if task is not None and task not in self.memory.tasks:
            return
        if isinstance(event, tuple):
            self.now_ms = max(self.now_ms, at_ms)
            self._heartbeat(event)
        elif isinstance(event, TimerFired | DeadlineReached):
            self._fire(at_ms, event)
        else:
            self.now_ms = max(self.now_ms, at_ms)
            if isinstance(event, TaskSucceeded | TaskFailed):
                del self.memory.tasks[event.frame, event.revision]
            elif isinstance(event, SignalReceived):
                event = structs.replace(event, at_ms=self.now_ms)
            self.inbox.append(event)

    def _fire(self, at_ms: int, event: TimerFired | DeadlineReached) -> None:
        """A timer counts only if it is still armed; a heartbeat only if none came since."""
        if isinstance(event, DeadlineReached):
            if self.memory.timers.pop(DEADLINE, None) is None:
                return
        elif event.kind == "heartbeat":
            if self.beats.get((event.frame, event.revision)) != at_ms:
                return
        elif (event.frame, event.revision) not in self.memory.tasks:
            key = (event.frame, event.revision, event.kind)
            if self.memory.timers.pop(key, None) is None:
                return
        self.now_ms = max(self.now_ms, at_ms)
        if isinstance(event, TimerFired):
            started = self.started.get((event.frame, event.revision))
            event = structs.replace(event, started=started)
        self.inbox.append(event)

    def _apply(self, event: Event) -> None:
        before = self._load(event)
        change = self._decide(before, event)
        self._check(before, change)
        change = through_bytes(change)
        self.memory.write(change)
        for effect in change.effects:
            if isinstance(effect, ScheduleTask):
                self._hand_out(effect)
            elif isinstance(effect, StartTimer):
                self._arm(effect)
            elif isinstance(effect, StopChild):
                self.family.stop(effect.child)
            elif isinstance(effect, StopMapRun):
                self.family.stop_map_run(effect.run)
        self.execution = self._loaded(change.execution, change.frames)
        for given in list(self.given):
            if given.after_record in {record.type for record in change.records}:
                self.given.remove(given)
                self.agenda.plan(self.now_ms + given.after_ms, given.event)

    def _decide(self, before: Execution, event: Event) -> Transition:
        return transition(self.machine, before, event, self.now_ms, limits=self.limits)

    def _load(self, event: Event) -> Execution:
        execution = self.execution
        while wanted := needs(self.machine, execution, event):
            frames = {frame: self.memory.frame(frame) for frame in wanted.frames}
            values = {key: self.memory.value(key) for key in wanted.values}
            if frames.keys() & execution.frames.keys() or values.keys() & execution.values.keys():
                raise BrokenPromise(f"asked twice: {wanted}")
            execution = structs.replace(
                execution,
                frames={**execution.frames, **frames},
                values={**execution.values, **values},
                input=self.input if wanted.input else execution.input,
                leases={
                    **execution.leases,
                    **{task: self.started.get(task) for task in wanted.leases},
                },
            )
        return execution

    def _loaded(self, execution: Execution, changed: Iterable[str]) -> Execution:
        """What stays in memory: everything as it was packed, or nothing."""
        if self.evict:
            return structs.replace(execution, frames={}, values={}, input=None)
        frames = dict(execution.frames)
        for frame in changed:
            if frame in frames:
                frames[frame] = self.memory.frame(frame)
        return structs.replace(execution, frames=frames)

    def _check(self, before: Execution, change: Transition) -> None:
        """What every transition promises, whatever the definition."""
        after = change.execution
        numbers = [record.id for record in change.records]
        first = before.last_record + 1
        broken = ""
        if after.revision != before.revision + 1:
            broken = "a transition is one revision"
        elif numbers != list(range(first, first + len(numbers))):
            broken = f"record ids {numbers} do not follow {before.last_record}"
        elif any(not 0 <= record.previous < record.id for record in change.records):
            broken = "a record follows one that is not there"
        elif len(change.frames) > FRAMES_PER_COMMIT:
            broken = f"{len(change.frames)} frames in one commit"
        elif len(change.values) > VALUES_PER_COMMIT:
            broken = f"{len(change.values)} values in one commit"
        elif len(after.ready) > 2 * READY_MAX:
            broken = f"{len(after.ready)} frames ready"
        elif after.status == "RUNNING" and any(not self._exists(f, change) for f in after.ready):
            broken = f"a frame is ready and not there: {after.ready}"
        if broken:
            raise BrokenPromise(broken)

    def _exists(self, frame: str, change: Transition) -> bool:
        if frame in change.frames:
            return change.frames[frame] is not None
        return frame in self.memory.frames

    def _hand_out(self, task: ScheduleTask) -> None:
        """A task is taken at once, and answered as scripted."""
        key = (task.frame, task.revision)
        self.tasks.append(task)
        answer = self._answer(task)
        taken = not (isinstance(answer, Silence) and not answer.taken)
        self.started[key] = Started(self.now_ms, answer.worker) if taken else None
        if task.timeout_ms is not None:
            self.agenda.plan(task.timeout_ms, TimerFired(*key, "timeout"), key)
        for beat_ms in answer.beats_ms:
            self.agenda.plan(self.now_ms + beat_ms, key, key)
        self._heartbeat(key)
        self._reply(key, answer, self.now_ms)

    def _reply(self, key: TaskKey, answer: Answer, from_ms: int) -> None:
        started = self.started[key]
        match answer:
            case Succeed():
                event: Event = TaskSucceeded(*key, Document.of(answer.output), started)
            case Fail():
                event = TaskFailed(*key, answer.error, answer.cause, started, answer.transport)
            case Submit():
                event = TaskSubmitted(*key, Document.of(answer.output), started)
            case Silence():
                return
        at_ms = from_ms + answer.after_ms
        self.agenda.plan(at_ms, event, key)
        if isinstance(answer, Submit):
            self._reply(key, answer.then, at_ms)

    def _answer(self, task: ScheduleTask) -> Answer:
        is_scripted = isinstance(self.answers, Mapping) and task.state in self.answers
        if self.family.performs(task) and not is_scripted:
            return self.family.perform(self, task)
        if callable(self.answers):
            return self.answers(task)
        script = self.answers.get(task.state, ())
        turn = self.turns.get(task.state, 0)
        self.turns[task.state] = turn + 1
        return script[min(turn, len(script) - 1)] if script else Silence()

    def _heartbeat(self, key: TaskKey) -> None:
        task = self.memory.tasks.get(key)
        if task is not None and task.heartbeat_ms is not None:
            due_ms = self.now_ms + task.heartbeat_ms
            self.beats[key] = due_ms
            self.agenda.plan(due_ms, TimerFired(*key, "heartbeat"), key)

    def _arm(self, timer: StartTimer) -> None:
        if timer.kind == "deadline":
            self.agenda.plan(timer.due_ms, DeadlineReached())
            return
        if timer.kind == "due":
            self.waits_ms.append(timer.due_ms - self.now_ms)
        self.agenda.plan(timer.due_ms, TimerFired(timer.frame, timer.revision, timer.kind))
