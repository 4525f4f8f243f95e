"""Fail: ends its scope with an error. https://states-language.net/spec.html#fail-state"""

from __future__ import annotations

from engine.core.failures import CAUSE_CHARACTERS_MAX, Failure
from engine.core.outcomes import Fails, Outcome, Visit
from engine.documents import Document
from engine.language.expressions.templates import Template
from engine.language.machine import Fail


def advance(state: Fail, visit: Visit) -> Outcome:
    """ErrorPath and CausePath read the raw input. A value that is not a string is given as its JSON text, cut when long."""
    error = _text(state.error, state.error_path, visit)
    cause = _text(state.cause, state.cause_path, visit)
    return Fails(Failure(error, cause))


def _text(literal: str | None, path: Template | None, visit: Visit) -> str | None:
    if path is None:
        return literal
    value = path.evaluate(visit.frame.input.value, visit.scope)
    text = value if isinstance(value, str) else Document.of(value).text.decode()
    return text[:CAUSE_CHARACTERS_MAX]
