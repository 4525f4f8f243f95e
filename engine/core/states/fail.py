"""Fail: ends its scope with an error. https://states-language.net/spec.html#fail-state"""

from __future__ import annotations

from engine.core import dataflow
from engine.core.failures import CAUSE_CHARACTERS_MAX, Failure
from engine.core.outcomes import Fails, Outcome, Visit
from engine.documents import Document
from engine.language.expressions.templates import Template
from engine.language.machine import Fail


def advance(state: Fail, visit: Visit) -> Outcome:
    """A value that ErrorPath or CausePath finds and that is not a string is given as its JSON text, cut when long."""
    error = _text(state.error, state, visit)
    cause = _text(state.cause, state, visit)
    return Fails(Failure(error, cause))


def _text(given: str | Template | None, state: Fail, visit: Visit) -> str | None:
    if not isinstance(given, Template):
        return given
    raw = visit.frame.input
    is_jsonata = state.query_language == "JSONata"
    value = given.evaluate(dataflow.states(raw) if is_jsonata else raw.value, visit.scope)
    text = value if isinstance(value, str) else Document.of(value).text.decode()
    return text[:CAUSE_CHARACTERS_MAX]
