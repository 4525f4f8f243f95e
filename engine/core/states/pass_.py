"""Pass: hands its input on, changed or not. https://states-language.net/spec.html#pass-state"""

from __future__ import annotations

from engine.core import dataflow
from engine.core.outcomes import Leave, Outcome, Visit
from engine.language.machine import Pass


def advance(state: Pass, visit: Visit) -> Outcome:
    """Result wins over InputPath and Parameters, which are not looked at beside it (measured); with none of them the
    input is the result.
    """
    if state.query_language == "JSONata":
        return dataflow.pass_on(state, visit, state.next, output=state.output, assign=state.assign)
    raw = visit.frame.input
    if state.result is not None:
        result = state.result
    elif state.parameters is not None:
        effective = dataflow.enter(state, raw, visit.scope)
        result = dataflow.shape(state.parameters, effective, visit.scope)
        visit.scope.note("Parameters", result)
    elif state.input_path is None:
        result = raw  # without a scope, which would be a fifth of the transition
    else:
        result = dataflow.enter(state, raw, visit.scope)
    output = result
    if state.result_path is not None:
        output = dataflow.place(state.result_path, raw, result)
        visit.scope.note("ResultPath", output)
    if state.output_path is not None:
        output = dataflow.select(state.output_path, output, visit.scope)
    if state.assign is None:
        return Leave(output, state.next)
    return Leave(output, state.next, dataflow.assigned(state.assign, result.value, visit.scope))
