"""One state under test, from its arrival to its answer: the states' own code, without frames, records or a store.

        begin  ->  Leave, Fails              it is decided: `conclude`
               ->  Proceed                   `go_on`
               ->  Sleep                     let time pass, then `go_on`
               ->  Dispatch, Await           have the task performed, then `complete` or `fail`
               ->  Divide                    take the children's results from somewhere, then `join` or `fail`

A failure goes to the state's Retry, else to its Catch, as in an execution (`engine.core.flow.steps.fail`), but that the
next attempt is not made. Causes are bare: there is no event in a history that they could name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from engine.core import dataflow
from engine.core.entropy import SeededEntropy
from engine.core.execution import ROOT, RUN, Frame
from engine.core.failures import Failure, result_too_large, variables_too_large
from engine.core.flow import retry
from engine.core.limits import Limits
from engine.core.outcomes import Fails, Leave, Outcome, Proceed, Visit
from engine.core.states import ADVANCE, ARRIVE, JOIN, task
from engine.core.tokens import task_token
from engine.documents import Document
from engine.language.expressions.patience import Patience
from engine.language.expressions.scope import ExpressionError, Scope
from engine.language.machine import Machine, Map, Parallel, State, Task
from engine.rehearsal.onestate.context import builder
from engine.rehearsal.onestate.inspection import inspection
from engine.rehearsal.onestate.question import Answer, Question, Status

TOO_DEEP = "The data is nested too deeply to be evaluated."


class NotingScope(Scope):
    """A scope that keeps what the state's fields make of the data."""

    __slots__ = ("_notes",)

    def __init__(self, notes: dict[str, Any], *given: Any) -> None:
        super().__init__(*given)
        self._notes = notes

    def note(self, field: str, value: Any) -> None:
        self._notes[field] = value


class Trial:
    """Asks the state, step by step. `seed` is what chance derives from."""

    def __init__(
        self,
        machine: Machine,
        state: State,
        question: Question,
        *,
        seed: bytes,
        now_ms: int,
        limits: Limits,
        patience: Patience,
    ) -> None:
        self.machine = machine
        self.state = state
        self.seed = seed
        self.limits = limits
        self.notes: dict[str, Any] = {}
        self.call: Mapping[str, Mapping[str, str]] = {}  # the HTTP call that was made, if one was
        self._question = question
        self._entropy = SeededEntropy(seed, 1)
        self.patience = patience
        self._now_ms = now_ms
        self._build = builder(question, machine, self._entropy, now_ms)
        self._variables = {name: each.value for name, each in question.variables.items()}
        retries = question.situation.retries or 0
        frame = Frame(ROOT, state.name, RUN, question.input, entered_ms=now_ms, retry_count=retries)
        self.visit = Visit(frame, now_ms, limits, self._token, self._scope)

    def begin(self) -> Outcome:
        """Arrive at the state."""
        if self.state.type == "Fail":
            self.notes["InputPath"] = self._question.input  # it has none, but shows one (measured)
        if self.state.type not in ARRIVE:
            return self.go_on()
        outcome = self.decide(ARRIVE[self.state.type])
        if isinstance(outcome, Fails):
            self.notes.pop("MaxConcurrency", None)  # not shown without the items (measured)
        return self.go_on() if isinstance(outcome, Proceed) else outcome

    def go_on(self) -> Outcome:
        """Nothing holds the state any more."""
        return self.decide(ADVANCE[self.state.type])

    def complete(self, result: Document) -> Outcome:
        """The task is done."""
        assert isinstance(self.state, Task)
        refusal = task.refusal(self.state, self.visit, result)
        if refusal is not None:
            return refusal
        self.notes["Result"] = result
        return self.decide(task.succeed, result)

    def join(self, results: Document) -> Outcome:
        """All children are done."""
        return self.decide(JOIN[self.state.type], results)

    def conclude(self, outcome: Leave | Fails) -> Answer:
        """The answer, once the state has been left or has failed."""
        if isinstance(outcome, Fails):
            return self._fail(outcome.failure)
        oversize = self._too_large(outcome)
        return self._fail(oversize) if oversize is not None else self._left("SUCCEEDED", outcome)

    def decide(self, ask: Callable[..., Outcome], *given: Any) -> Outcome:
        """Ask the state. An expression that fails is its failure."""
        try:
            return ask(self.state, self.visit, *given)
        except ExpressionError as error:
            return Fails(bare(error))
        except RecursionError:
            return Fails(bare(ExpressionError(TOO_DEEP)))

    def _fail(self, failure: Failure) -> Answer:
        state, situation = self.state, self._question.situation
        if not isinstance(state, Task | Parallel | Map):
            return self._failed("FAILED", failure, {})
        details = {}
        index = retry.named_by(state.retry, failure)
        if index is not None:
            details["retryIndex"] = index
            used = (*(0,) * index, situation.retries or 0)
            again = retry.next_attempt(state.retry, failure, used, self._entropy)
            if again is not None:
                details["retryBackoffIntervalSeconds"] = round(again.delay_ms / 1000)
                return self._failed("RETRIABLE", failure, details)
        index = retry.named_by(state.catch, failure)
        if index is None:
            return self._failed("FAILED", failure, details)
        details["catchIndex"] = index
        try:
            out = dataflow.caught(state, self.visit, state.catch[index], failure.output())
        except ExpressionError as error:
            return self._failed("FAILED", bare(error), details)
        oversize = self._too_large(out)
        if oversize is not None:
            return self._failed("FAILED", oversize, details)
        return self._left("CAUGHT_ERROR", out, failure, details)

    def _too_large(self, out: Leave) -> Failure | None:
        if not self.limits.fits(out.output):
            return result_too_large(self.state.name)
        if not all(self.limits.fits(value) for value in out.assigned.values()):
            return variables_too_large(self.state.name)
        return None

    def _left(
        self,
        status: Status,
        out: Leave,
        failure: Failure | None = None,
        details: dict[str, int] | None = None,
    ) -> Answer:
        variables = {**self._question.variables, **out.assigned}
        answer = self._answer(status, failure, details or {}, variables)
        return replace(answer, output=out.output, next=out.next)

    def _failed(self, status: Status, failure: Failure, details: dict[str, int]) -> Answer:
        return self._answer(status, failure, details, dict(self._question.variables))

    def _answer(
        self,
        status: Status,
        failure: Failure | None,
        details: dict[str, int],
        variables: dict[str, Document],
    ) -> Answer:
        return Answer(
            status=status,
            error=None if failure is None else failure.error,
            cause=None if failure is None else failure.cause,
            inspection={
                **inspection(self.state, self._question.input, self.notes, variables, details),
                **self.call,
            },
        )

    def _token(self) -> tuple[str, str]:
        secret = self._entropy.token()
        return secret, task_token("TestState", ROOT, 1, secret)

    def _scope(
        self, frame: Frame, *, token: str | None = None, item: tuple[int, Any] | None = None
    ) -> Scope:
        return NotingScope(
            self.notes,
            lambda: self._build(frame, token=token, item=item),
            self._entropy,
            self._variables,
            self.patience,
            self._now_ms,
        )


def bare(error: ExpressionError) -> Failure:
    """The failure that an expression's error is, without the words about its place in an execution."""
    return Failure(error.error, error.cause, location=error.location)
