"""Asking a single state, for the tests of tests."""

from __future__ import annotations

import json
from typing import Any

from engine.arns import Place
from engine.clock import Clock
from engine.commands.state_tests import StateTests
from engine.core.limits import Limits
from engine.documents import Document
from engine.rehearsal.onestate import Answer, Mock, MockedError, Question, Situation
from engine.views import Caller

PLACE = Place("eu-north-1", "210987654321")
DONE = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}


class Jumping(Clock):
    """Nobody waits: time jumps."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000
        self.slept = 0.0

    def now_ms(self) -> int:
        return self.ms

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.ms += round(seconds * 1000)


def mocked(result: Any = None, **more: Any) -> Mock:
    return Mock(result=json.dumps(result), **more)


def failing(error: str, cause: str | None = None) -> Mock:
    return Mock(error=MockedError(error=error, cause=cause))


async def ask(
    state: Any,
    given: Any = None,
    *,
    runners: Any = None,
    clock: Clock | None = None,
    variables: Any = None,
    context: Any = None,
    name: str | None = None,
    **more: Any,
) -> Answer:
    """The answer to a question about a state; `more` are parts of the question, or of the situation."""
    parts = {
        k: more.pop(k)
        for k in ("retries", "caused_by", "failed_iterations", "reader_data")
        if k in more
    }
    question = Question(
        definition=json.dumps(state),
        place=PLACE,
        state=name,
        input=Document.of({} if given is None else given),
        variables={k: Document.of(v) for k, v in (variables or {}).items()},
        context=None if context is None else Document.of(context),
        situation=Situation(**parts),
        **more,
    )
    tests = StateTests(runners or {}, clock or Jumping(), Limits())
    return await tests.test(Caller(), question)


def seen(answer: Answer) -> dict[str, Any]:
    """The inspection as JSON values."""
    return {
        name: value.value if isinstance(value, Document) else value
        for name, value in answer.inspection.items()
    }


def made(answer: Answer) -> Any:
    assert answer.output is not None, answer
    return answer.output.value
