"""Parallel: runs its branches side by side on copies of one input. https://states-language.net/spec.html#parallel-state"""

from __future__ import annotations

from engine.core import dataflow
from engine.core.outcomes import Divide, Leave, Outcome, Visit
from engine.documents import Document
from engine.language.machine import Parallel


def arrive(state: Parallel, visit: Visit) -> Outcome:
    """Parameters are evaluated once, for all branches."""
    effective = dataflow.select(state.input_path, visit.frame.input, visit.scope)
    shared = dataflow.shape(state.parameters, effective, visit.scope)
    return Divide(len(state.branches), 0, None, shared)


def join(state: Parallel, visit: Visit, results: Document) -> Outcome:
    """`results` is the array of the branches' outputs, in the order of the definition."""
    shaped = dataflow.shape(state.result_selector, results, visit.scope)
    output = dataflow.place(state.result_path, visit.frame.input, shaped)
    return Leave(dataflow.select(state.output_path, output, visit.scope), state.next)
