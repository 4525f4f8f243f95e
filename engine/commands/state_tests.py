"""Testing one state: what it makes of an input, with its work mocked or done for real, without an execution."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping

from engine.clock import Clock
from engine.core.entropy import secret
from engine.core.failures import Failure, timed_out
from engine.core.limits import Limits
from engine.core.outcomes import Await, Dispatch, Distribute, Divide, Fails, Leave, Outcome, Sleep
from engine.core.tokens import task_token
from engine.documents import Document
from engine.errors import StateTestRefused
from engine.language.expressions.patience import Patience
from engine.language.machine import Task
from engine.rehearsal.onestate import (
    Answer,
    Question,
    Trial,
    check,
    finished,
    tested,
    told,
)
from engine.tasks.runner import Runner, Succeeded
from engine.tasks.watched import WatchedTask
from engine.views import Caller

TEST_SECONDS_MAX = 300.0  # as AWS Step Functions; then the state fails with States.Timeout


class StateTests:
    """`runners` perform the tasks of the engine's own queues. Nobody else performs any here: workers get none."""

    def __init__(self, runners: Mapping[str, Runner], clock: Clock, limits: Limits) -> None:
        self._runners = runners
        self._clock = clock
        self._limits = limits

    async def test(self, caller: Caller, question: Question, /) -> Answer:
        """The answer, at the latest after `TEST_SECONDS_MAX`: a Wait waits, and a task that is not mocked is performed.

        Raises InvalidDefinition; StateTestRefused for parts that do not go together.
        """
        del caller  # whoever may call this may test anything
        machine, state = tested(question.definition, question.state)
        mocked = check(question, machine, state)
        trial = Trial(
            machine,
            state,
            question,
            seed=secrets.token_bytes(16),
            now_ms=self._clock.now_ms(),
            limits=self._limits,
            patience=Patience.last(self._clock.monotonic),
        )
        try:
            async with asyncio.timeout(TEST_SECONDS_MAX):
                outcome = await self._played(trial, trial.begin(), question, mocked)
        except TimeoutError:
            outcome = Fails(timed_out())
        return trial.conclude(outcome)

    async def _played(
        self, trial: Trial, outcome: Outcome, question: Question, mocked: Document | Failure | None
    ) -> Leave | Fails:
        match outcome:
            case Leave() | Fails():
                return outcome
            case Sleep(due_ms=due_ms):
                while (left_ms := due_ms - self._clock.now_ms()) > 0:
                    await self._clock.sleep(min(left_ms / 1000, TEST_SECONDS_MAX))
                after = trial.go_on()
            case Dispatch() if mocked is None:
                result = await self._performed(trial, outcome, question)
                after = _done(trial, result)
            case Dispatch() | Await():
                assert mocked is not None
                after = _done(trial, mocked)
            case Divide() | Distribute():
                assert mocked is not None
                after = finished(trial, outcome, mocked, question.situation)
            case _:
                raise AssertionError(outcome)
        assert isinstance(after, Leave | Fails)
        return after

    async def _performed(
        self, trial: Trial, out: Dispatch, question: Question
    ) -> Document | Failure:
        """What the task comes to. Raises StateTestRefused where the engine does not perform it itself."""
        state = trial.state
        assert isinstance(state, Task)
        runner = self._runners.get(out.queue)
        if runner is None:
            raise StateTestRefused(
                f"Resource '{state.resource.uri}' is performed by workers; specify a mock to test the state"
            )
        work = WatchedTask(
            uri=state.resource.uri,
            input=out.input,
            idempotency_key=secret(trial.seed, "key"),
            state=state.name,
            attempt=trial.visit.frame.retry_count + 1,
            token=task_token("", trial.visit.frame.id, 1, out.secret),
            names=question.place.names("TestState:TestState", question.role or ""),
        )
        try:
            async with asyncio.timeout(out.timeout_seconds):
                result = await runner.perform(work, timeout_seconds=out.timeout_seconds)
        except TimeoutError:
            return timed_out()
        if work.exchanges:
            trial.call = told(work.exchanges[-1], reveals_secrets=question.reveals_secrets)
        if isinstance(result, Succeeded):
            return result.output
        return Failure(getattr(result, "error", None), getattr(result, "cause", None))


def _done(trial: Trial, result: Document | Failure) -> Outcome:
    return Fails(result) if isinstance(result, Failure) else trial.complete(result)
