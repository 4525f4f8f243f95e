"""Nested executions: what a task asks for, and what it is told. Pure; the runner and the rehearsal do the rest.

A task that starts another execution goes into the engine's own queue. Whoever performs it starts the child under a
name that is the same at every delivery, so that a task delivered twice starts it once. A task that waits for its child
is submitted by that start; the child's end completes it.
"""

from engine.core.states.nested.answers import TOO_DEEP, Answers, End, Naming
from engine.core.states.nested.sends import refused_send, sent_failure, sent_output
from engine.core.states.nested.starts import (
    DEPTH_MAX,
    STATES_QUEUE,
    SYNC_QUEUE,
    Start,
    StartRefused,
    addressed,
    child_of,
    is_start,
    is_sync_start,
    key_of,
    start_of,
    waits_for_child,
)

__all__ = [
    "DEPTH_MAX",
    "STATES_QUEUE",
    "SYNC_QUEUE",
    "TOO_DEEP",
    "Answers",
    "End",
    "Naming",
    "Start",
    "StartRefused",
    "addressed",
    "child_of",
    "is_start",
    "is_sync_start",
    "key_of",
    "refused_send",
    "sent_failure",
    "sent_output",
    "start_of",
    "waits_for_child",
]
