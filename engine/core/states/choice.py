"""Choice: goes where the first true rule says. https://states-language.net/spec.html#choice-state"""

from __future__ import annotations

from engine.core import dataflow
from engine.core.outcomes import Outcome, Visit
from engine.language.expressions.scope import ExpressionError
from engine.language.machine import Choice, Rule


def advance(state: Choice, visit: Visit) -> Outcome:
    """Where nothing matches and there is no Default the execution fails; States.NoChoiceMatched is not used (measured)."""
    raw, scope = visit.frame.input, visit.scope
    effective = dataflow.enter(state, raw, scope)
    is_jsonata = state.query_language == "JSONata"
    value = dataflow.states(raw) if is_jsonata else effective.value
    taken: Choice | Rule = state  # whose Output and Assign apply
    target = state.default
    for rule in state.rules:
        if rule.condition.holds(value, scope):
            taken, target = rule, rule.next
            break
    if target is None:
        raise ExpressionError(
            "Failed to transition out of the state. The state does not point to a next state."
        )
    return dataflow.pass_on(
        state, visit, target, effective=effective, output=taken.output, assign=taken.assign
    )
