"""What each type of state does. One file a type; the tables below are how `transition` finds them.

A state decides and touches nothing: it reads its `Visit` and answers with an `Outcome`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.core.outcomes import Outcome, Visit
from engine.core.states import choice, fail, map_, parallel, pass_, succeed, task, wait
from engine.documents import Document

# The frame has arrived: what does it do there? A type without an entry can go on at once.
ARRIVE: dict[str, Callable[[Any, Visit], Outcome]] = {
    "Task": task.arrive,
    "Wait": wait.arrive,
    "Parallel": parallel.arrive,
    "Map": map_.arrive,
}

# The frame has entered and nothing holds it: how does it leave?
ADVANCE: dict[str, Callable[[Any, Visit], Outcome]] = {
    "Pass": pass_.advance,
    "Choice": choice.advance,
    "Wait": wait.advance,
    "Succeed": succeed.advance,
    "Fail": fail.advance,
}

# All children are done: how does it leave, with the array of their outputs?
JOIN: dict[str, Callable[[Any, Visit, Document], Outcome]] = {
    "Parallel": parallel.join,
    "Map": map_.join,
}
