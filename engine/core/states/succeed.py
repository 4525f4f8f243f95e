"""Succeed: ends its scope well. https://states-language.net/spec.html#succeed-state"""

from __future__ import annotations

from engine.core import dataflow
from engine.core.outcomes import Leave, Outcome, Visit
from engine.language.machine import Succeed


def advance(state: Succeed, visit: Visit) -> Outcome:
    effective = dataflow.select(state.input_path, visit.frame.input, visit.scope)
    return Leave(dataflow.select(state.output_path, effective, visit.scope), None)
