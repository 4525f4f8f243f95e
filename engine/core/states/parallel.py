"""Parallel: runs its branches side by side on copies of one input. https://states-language.net/spec.html#parallel-state"""

from __future__ import annotations

from engine.core import dataflow
from engine.core.outcomes import Divide, Outcome, Visit
from engine.documents import Document
from engine.language.machine import Parallel


def arrive(state: Parallel, visit: Visit) -> Outcome:
    """Parameters, or Arguments, are evaluated once, for all branches."""
    raw, scope = visit.frame.input, visit.scope
    effective = dataflow.enter(state, raw, scope)
    shared = dataflow.arguments(state, raw, effective, scope)
    return Divide(len(state.branches), 0, None, shared)


def join(state: Parallel, visit: Visit, results: Document) -> Outcome:
    """`results` is the array of the branches' outputs, in the order of the definition."""
    return dataflow.leave(state, visit, results)
