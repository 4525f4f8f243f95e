"""The table of orders, and the answer that each gives to whoever waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.core import orders
from engine.core.control import changes, pausing, redriving, releasing, stopping, strands
from engine.core.draft import Draft
from engine.core.effects import Tally

DONE, REFUSED = "done", "refused"  # the outcomes of an order

_HANDLERS: dict[type[orders.Order], Callable[[Draft, Any], str | None]] = {
    orders.PauseRequested: pausing.pause,
    orders.ResumeRequested: pausing.resume,
    orders.ReleaseRequested: releasing.release,
    orders.CancelRequested: stopping.cancel,
    orders.TerminateRequested: stopping.terminate,
    orders.RetryRequested: strands.retry,
    orders.SkipRequested: strands.skip,
    orders.GotoRequested: strands.goto,
    orders.DataSet: changes.set_data,
    orders.VariablesSet: changes.set_variables,
    orders.RedriveRequested: redriving.redrive,
}

ORDERS = tuple(_HANDLERS)


def obey(draft: Draft, order: orders.Order) -> None:
    """Apply an order, or refuse it; whoever waits for the answer gets it with the same commit."""
    answer(draft, order, _HANDLERS[type(order)](draft, order))


def answer(draft: Draft, order: orders.Order, refusal: str | None) -> None:
    """Tell the order's operation, where it has one."""
    if order.operation:
        outcome = DONE if refusal is None else REFUSED
        draft.effects.append(Tally(order.operation, outcome, refusal))


def go_on(draft: Draft) -> None:
    """The next stretch of a resumption."""
    pausing.go_on(draft)
