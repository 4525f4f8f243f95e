"""A rehearsed execution and those that it starts: whose turn it is, and what they tell one another.

They share one virtual time, which passes only when none of them can go on at the present moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.core.effects import ScheduleTask
from engine.core.events import Event, StopRequested, TaskFailed, TaskSucceeded
from engine.core.execution import Child
from engine.core.failures import Failure
from engine.core.states.distributed.spec import MAPS_QUEUE
from engine.core.states.nested import (
    DEPTH_MAX,
    STATES_QUEUE,
    TOO_DEEP,
    Answers,
    End,
    Naming,
    Start,
    StartRefused,
    is_start,
    key_of,
    refused_send,
    sent_failure,
    sent_output,
    start_of,
    waits_for_child,
)
from engine.core.tokens import parse_task_token, task_token
from engine.documents import Document
from engine.errors import InvalidDocument
from engine.language.machine import Machine, Resource
from engine.language.resources import parse_resource
from engine.rehearsal.answers import Answer, Fail, Silence, Submit, Succeed
from engine.rehearsal.datasets import Datasets
from engine.rehearsal.map_runs import PlayedMapRun
from engine.rehearsal.memory import TaskKey

if TYPE_CHECKING:
    from engine.rehearsal.rehearsal import Rehearsal


class _Waiting(Struct, frozen=True):
    """A task that waits for a child's end."""

    run: Rehearsal
    task: TaskKey
    resource: Resource


class Family:
    """The first run and all that came of it; `machines` are the definitions that can be started."""

    def __init__(
        self,
        first: Rehearsal,
        machines: Mapping[str, Machine] | None,
        naming: Naming,
        datasets: Datasets,
    ) -> None:
        self.runs = [first]
        self._machines = machines
        self._answers = Answers(naming)
        self._keys: dict[str, str] = {}  # by child: of the start that made it
        self._waiting: dict[str, list[_Waiting]] = {}
        self._datasets = datasets
        self._map_runs: dict[str, PlayedMapRun] = {}  # by the run's id

    def turns(self) -> Iterator[Rehearsal]:
        """The runs that can go on, one transition each, until the first has closed or nothing can happen any more."""
        while True:
            run = next((run for run in self.runs if run.has_work), None)
            if run is not None:
                yield run
            elif self.runs[0].is_closed or not self._pass_time():
                return

    def _pass_time(self) -> bool:
        """Let time pass until something happens; False when nothing will."""
        waiting = [
            (at_ms, number)
            for number, run in enumerate(self.runs)
            if not run.is_closed and (at_ms := run.agenda.next_ms()) is not None
        ]
        if not waiting:
            return False
        first = self.runs[min(waiting)[1]]
        first.pass_time()
        for run in self.runs:
            run.now_ms = max(run.now_ms, first.now_ms)
            while not run.is_closed and run.agenda.next_ms() == run.now_ms:
                run.pass_time()
        return True

    # Tasks of the engine's own queue

    def performs(self, task: ScheduleTask) -> bool:
        """Whether a task is a Map Run, starts one of the machines, or settles another by its token."""
        if task.queue == MAPS_QUEUE:
            return True
        return task.queue == STATES_QUEUE and self._machines is not None

    def perform(self, run: Rehearsal, task: ScheduleTask) -> Answer:
        """Do a task as the engine's runner would; what it answers."""
        if task.queue == MAPS_QUEUE:
            self._begin_map_run(run, task)
            return Silence()
        resource = parse_resource(task.uri)
        token = task_token(run.execution.id, task.frame, task.revision, task.token)
        key = key_of(token, task.idempotency_key, callback=task.callback)
        if not is_start(resource):
            return _answer(self._send(resource.action, task.input, key))
        try:
            start = start_of(resource, task.input, key)
            if run.execution.depth + 1 > DEPTH_MAX:
                return _answer(TOO_DEEP)
            child = self._start(run, start, key)
        except StartRefused as refused:
            return _answer(self._answers.refused(resource, refused.code, str(refused), key))
        if waits_for_child(resource):
            waiting = _Waiting(run, (task.frame, task.revision), resource)
            self._waiting.setdefault(start.id, []).append(waiting)
        answer = self._answers.started(resource, start.id, child.execution.started_ms, key)
        return Submit(answer.value) if task.callback else Succeed(answer.value)

    def _start(self, run: Rehearsal, start: Start, key: str) -> Rehearsal:
        """The child, made or joined. Raises StartRefused."""
        there = self._find(start.id)
        if there is not None:
            if there.is_closed or there.input != start.input:
                message = self._answers.already_exists(start.id)
                raise StartRefused("ExecutionAlreadyExists", message)
            return there
        assert self._machines is not None
        machine = self._machines.get(start.definition)
        if machine is None or start.qualifier not in ("", "1"):
            message = self._answers.does_not_exist(start.target)
            raise StartRefused("StateMachineDoesNotExist", message)
        child = run.beget(machine, start)
        self.runs.append(child)
        self._keys[start.id] = key
        return child

    def stop(self, child: Child) -> None:
        """Stop a run, if it was this start that made it; nobody waits for it any more."""
        run = self._find(child.id)
        if run is not None and self._keys.get(child.id) == child.key:
            run.inbox.insert(0, StopRequested())

    def ended(self, run: Rehearsal) -> None:
        """Tell the tasks that wait for a run."""
        execution = run.execution
        for played in self._map_runs.values():
            if execution.id in played.out:
                played.ended(run)
                self._drive(played)
        for waiting in self._waiting.pop(execution.id, ()):
            end = End(
                execution.id,
                execution.status,
                run.input,
                execution.started_ms,
                run.now_ms,
                execution.output,
                execution.error,
                execution.cause,
            )
            outcome = self._answers.ended(waiting.resource, end)
            _settle(waiting.run, waiting.task, outcome)

    # Map Runs

    def _begin_map_run(self, run: Rehearsal, task: ScheduleTask) -> None:
        """Play the children of a distributed Map; the task has its outcome from them."""
        name = task.input.value["run"]
        played = PlayedMapRun(run, task, self._datasets, self._map_runs.get(name))
        self._map_runs[name] = played
        self._drive(played)

    def stop_map_run(self, name: str) -> None:
        """Stop the children of a Map Run; nobody waits for it any more."""
        played = self._map_runs.get(name)
        if played is not None and played.outcome is None:
            self._stop_children(played)

    def _drive(self, played: PlayedMapRun) -> None:
        """Start the next children, or tell what has come of all."""
        if played.outcome is None:
            self.runs += played.go_on()
        if played.outcome is not None and not played.is_told:
            played.is_told = True
            self._stop_children(played)
            _settle(played.run, played.task, played.outcome)

    def _stop_children(self, played: PlayedMapRun) -> None:
        for child in played.stop():
            child.inbox.insert(0, StopRequested())

    def _send(self, action: str, given: Document, request_id: str) -> Document | Failure:
        """Settle a task of the family by its token."""
        try:
            token = parse_task_token(given.value["TaskToken"])
        except ValueError:
            return refused_send("InvalidToken", request_id)
        run, key = self._find(token.execution), (token.frame, token.revision)
        known = [] if run is None else [t for t in run.tasks if (t.frame, t.revision) == key]
        if run is None or not known or known[0].token != token.secret:
            return refused_send("TaskDoesNotExist", request_id)
        if key not in run.memory.tasks or run.is_closed:
            return refused_send("TaskTimedOut", request_id)
        if action == "sendTaskHeartbeat":
            run.agenda.plan(run.now_ms, key, key)
        elif action == "sendTaskFailure":
            _settle(run, key, sent_failure(given.value))
        else:
            try:
                _settle(run, key, sent_output(given.value))
            except InvalidDocument:
                return refused_send("InvalidOutput", request_id)
        return Document.of({})

    def _find(self, identifier: str) -> Rehearsal | None:
        return next((run for run in self.runs if run.execution.id == identifier), None)


def _settle(run: Rehearsal, task: TaskKey, outcome: Document | Failure) -> None:
    """Have a task end at the present moment, if it is still out then."""
    started = run.started.get(task)
    if isinstance(outcome, Failure):
        event: Event = TaskFailed(*task, outcome.error, outcome.cause, started)
    else:
        event = TaskSucceeded(*task, outcome, started)
    run.agenda.plan(run.now_ms, event, task)


def _answer(outcome: Document | Failure) -> Answer:
    if isinstance(outcome, Failure):
        return Fail(outcome.error, outcome.cause)
    return Succeed(outcome.value)
