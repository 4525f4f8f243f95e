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
    raw, scope = visit.frame.input, visit.scope
    if state.result is not None:
        result = state.result
        scope.note("Result", result)
    else:
        effective = dataflow.enter(state, raw, scope)
        result = dataflow.shape(state.parameters, effective, scope)
        scope.note("Parameters", result)
    scope.note(
        "ResultSelector", result
    )  # it has none, but a test of the state shows one (measured)
    placed = dataflow.place(state.result_path, raw, result)
    scope.note("ResultPath", placed)
    output = dataflow.select(state.output_path, placed, scope)
    if state.assign is None:
        return Leave(output, state.next)
    return Leave(output, state.next, dataflow.assigned(state.assign, result.value, scope))
