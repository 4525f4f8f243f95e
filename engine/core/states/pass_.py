"""Pass: hands its input on, changed or not. https://states-language.net/spec.html#pass-state"""

from __future__ import annotations

from engine.core import dataflow
from engine.core.outcomes import Leave, Outcome, Visit
from engine.language.machine import Pass


def advance(state: Pass, visit: Visit) -> Outcome:
    """Parameters win over Result; with neither the effective input is the result (measured)."""
    if state.query_language == "JSONata":
        return dataflow.pass_on(state, visit, state.next, output=state.output, assign=state.assign)
    raw = visit.frame.input
    if state.parameters is not None:
        effective = dataflow.select(state.input_path, raw, visit.scope)
        result = dataflow.shape(state.parameters, effective, visit.scope)
    elif state.result is not None:
        result = state.result
    elif state.input_path is None:
        result = raw
    else:
        result = dataflow.select(state.input_path, raw, visit.scope)
    output = dataflow.place(state.result_path, raw, result)
    if state.output_path is not None:
        output = dataflow.select(state.output_path, output, visit.scope)
    if state.assign is None:
        return Leave(output, state.next)
    return Leave(output, state.next, dataflow.assigned(state.assign, result.value, visit.scope))
