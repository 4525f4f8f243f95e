"""What operators ask of an execution, and what a transition makes of it: one file for each idea.

Every handler gets the draft and the order, and returns None, or why the order is refused; then it has changed nothing.
"""

from engine.core.control.obey import ORDERS, go_on, obey
from engine.core.control.reach import needs_of, needs_to_resume

__all__ = ["ORDERS", "go_on", "needs_of", "needs_to_resume", "obey"]
