"""The expression that adjusts an execution's data on the way to another version."""

from __future__ import annotations

from functools import lru_cache

from msgspec import structs

from engine.core.draft import Draft
from engine.core.execution import Frame, Unwind
from engine.documents import Document
from engine.language.expressions.jsonata import compile_jsonata, is_expression
from engine.language.expressions.scope import ExpressionError
from engine.language.expressions.templates import Template

FIELD = "data"
_GIVEN = frozenset({"input", "context"})


class DataFailed(Exception):
    """The expression gives no data for this execution."""


@lru_cache(maxsize=256)
def compiled(expression: str) -> Template:
    """The expression, with or without its `{% %}`. Raises InvalidExpression with every problem."""
    text = expression if is_expression(expression) else "{% " + expression + " %}"
    return compile_jsonata(text, field=FIELD, available=_GIVEN)


def adjusted(draft: Draft, frame: Frame, expression: str) -> Document:
    """The strand's new data. `$states` has its data as input and the Context Object; its variables can be read.

    Raises DataFailed for whatever goes wrong: then the execution stays where it is; OverBudget as every transition.
    """
    try:
        scope = draft.visit(frame).scope
        given = {"input": data_of(frame).value}
        data = Document.of(compiled(expression).evaluate(given, scope))
    except (ExpressionError, RecursionError) as error:
        raise DataFailed(str(error) or "the data is nested too deeply") from None
    if not draft.limits.fits(data):
        raise DataFailed("the data that it gives is too large")
    return data


def data_of(frame: Frame) -> Document:
    """A strand's data: of one that is on its way to another state, what it will enter that with."""
    hold = frame.hold
    sent = hold.then if isinstance(hold, Unwind) else None
    return frame.input if sent is None else sent.data


def with_data(frame: Frame, data: Document) -> Frame:
    """The strand with other data."""
    hold = frame.hold
    if isinstance(hold, Unwind) and hold.then is not None:
        hold = structs.replace(hold, then=structs.replace(hold.then, data=data))
    return structs.replace(frame, hold=hold, input=data)
