"""Choice: goes where the first true rule says. https://states-language.net/spec.html#choice-state"""

from __future__ import annotations

from engine.core import dataflow
from engine.core.outcomes import Leave, Outcome, Visit
from engine.language.expressions.scope import ExpressionError
from engine.language.machine import Choice


def advance(state: Choice, visit: Visit) -> Outcome:
    """Where nothing matches and there is no Default the execution fails; States.NoChoiceMatched is not used (measured)."""
    scope = visit.scope
    effective = dataflow.select(state.input_path, visit.frame.input, scope)
    value = effective.value
    for rule in state.rules:
        if rule.condition.holds(value, scope):
            target: str | None = rule.next
            break
    else:
        target = state.default
    if target is None:
        raise ExpressionError(
            "Failed to transition out of the state. The state does not point to a next state."
        )
    return Leave(dataflow.select(state.output_path, effective, scope), target)
