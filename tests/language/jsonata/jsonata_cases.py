"""What the tests of JSONata share: an expression evaluated in a small, known scope."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.entropy import SeededEntropy
from engine.language.expressions.jsonata import compile_jsonata
from engine.language.expressions.patience import Patience
from engine.language.expressions.scope import ExpressionError, Scope
from engine.language.expressions.templates import Template

EVERYWHERE = frozenset(("input", "context", "result", "errorOutput"))
CONTEXT = {
    "Execution": {"Name": "e-1"},
    "State": {"Name": "Go", "EnteredTime": "2026-11-24T10:00:00.123Z"},
}


def compiled(document: Any, *, field: str = "Output", available: Any = EVERYWHERE) -> Template:
    return compile_jsonata(document, field=field, available=frozenset(available))


def scope_with(variables: dict[str, Any] | None = None, **more: Any) -> Scope:
    return Scope(lambda: CONTEXT, SeededEntropy(b"seed", 1), variables or {}, **more)


def in_the_loop() -> Patience:
    """What the engine's loop allows, its clock standing still, so that only the library counts time."""
    return Patience(50, lambda: 0.0, insists=False)


def value_of(expression: str, given: Any = None, **variables: Any) -> Any:
    """What an expression yields for `$states.input` and variables."""
    template = compiled("{% " + expression + " %}")
    return template.evaluate({"input": given}, scope_with(variables))


def failure_of(expression: str, given: Any = None, **variables: Any) -> str:
    """AWS's sentence about a failing expression, from behind the field's name on."""
    with pytest.raises(ExpressionError) as caught:
        value_of(expression, given, **variables)
    error = caught.value
    assert (error.error, error.location) == ("States.QueryEvaluationError", "Output")
    head = f"The JSONata expression '{expression}' specified for the field 'Output' "
    assert error.cause.startswith(head)
    return error.cause.removeprefix(head)
