"""Succeed: ends its scope well. https://states-language.net/spec.html#succeed-state"""

from __future__ import annotations

from engine.core import dataflow
from engine.core.outcomes import Outcome, Visit
from engine.language.machine import Succeed


def advance(state: Succeed, visit: Visit) -> Outcome:
    return dataflow.pass_on(state, visit, None, output=state.output)
