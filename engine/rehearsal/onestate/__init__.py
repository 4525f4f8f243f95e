"""A test of one state: no execution, no history, no store; mocked work, and what each field makes of the data.

    definition  the state alone or in its definition          -> a compiled machine and the state
    checks      mock, context and situation against the state -> what stands for the work
    trial       the state's own code, step by step            -> how it is left, or fails: Retry, Catch
    inspection  what of all that is shown; exchanges: of the HTTP call, where one was made

Nothing here waits or calls anybody. Whoever drives a trial has its time pass and its task performed
(`engine.commands.state_tests`).
"""

from engine.rehearsal.onestate.checks import check
from engine.rehearsal.onestate.children import finished
from engine.rehearsal.onestate.definition import tested
from engine.rehearsal.onestate.exchanges import told
from engine.rehearsal.onestate.question import (
    Answer,
    Mock,
    MockedError,
    Question,
    Situation,
)
from engine.rehearsal.onestate.trial import Trial

__all__ = [
    "Answer",
    "Mock",
    "MockedError",
    "Question",
    "Situation",
    "Trial",
    "check",
    "finished",
    "tested",
    "told",
]
