"""What operators ask of an execution, and what a transition makes of it: one file for each idea.

Every handler gets the draft and the order, and returns None, or why the order is refused; then it has changed nothing.
"""

from engine.core.control.obey import DONE, ORDERS, go_on, obey
from engine.core.control.reach import needs_of, needs_to_resume
from engine.core.control.refusals import MEANINGS

__all__ = ["DONE", "MEANINGS", "ORDERS", "go_on", "needs_of", "needs_to_resume", "obey"]
