"""Orders that change what a strand works with: its data, its variables."""

from __future__ import annotations

from msgspec import structs

from engine.core import orders
from engine.core.context import parent_of
from engine.core.control import refusals
from engine.core.control.pausing import told
from engine.core.draft import Draft
from engine.core.execution import Frame, Unwind
from engine.core.limits import VARIABLES_BYTES_MAX
from engine.language.variables import is_variable_name


def set_data(draft: Draft, order: orders.DataSet) -> str | None:
    """Replace the raw input of the strand's state. What the state has sent out already was made of the old one."""
    frame = draft.live(order.frame)
    if frame is None:
        return refusals.NO_FRAME
    if not draft.limits.fits(order.data):
        return refusals.TOO_LARGE
    details = told(order, name=frame.state, input=order.data)
    recorded = draft.record("StateInputSet", frame.previous, details)
    hold = frame.hold
    if isinstance(hold, Unwind) and hold.then is not None:  # it is on its way to another state
        hold = structs.replace(hold, then=structs.replace(hold.then, data=order.data))
    draft.put(structs.replace(frame, input=order.data, previous=recorded, hold=hold))
    return None


def set_variables(draft: Draft, order: orders.VariablesSet) -> str | None:
    """Set variables of the strand's own scope; all of them, or none."""
    frame = draft.live(order.frame)
    if frame is None:
        return refusals.NO_FRAME
    if not order.variables or not all(_is_settable(draft, frame, n) for n in order.variables):
        return refusals.NO_VARIABLE
    if not _fits(draft, frame, order):
        return refusals.TOO_LARGE
    details = told(order, name=frame.state, assignedVariables=order.variables)
    recorded = draft.record("StateVariablesSet", frame.previous, details)
    draft.assign(structs.replace(frame, previous=recorded), order.variables)
    return None


def _is_settable(draft: Draft, frame: Frame, name: str) -> bool:
    """Whether the name is one, and no strand around this one has a variable of that name."""
    if not is_variable_name(name):
        return False
    above = parent_of(frame.id)
    while above:
        owner = draft.frames.get(above)
        if owner is not None and name in owner.variables:
            return False
        above = parent_of(above)
    return True


def _fits(draft: Draft, frame: Frame, order: orders.VariablesSet) -> bool:
    """As for what one Assign sets."""
    limits = draft.limits
    if not all(limits.fits(value) for value in order.variables.values()):
        return False
    size = sum(len(value.text) for value in order.variables.values())
    held = draft.variables_bytes - sum(frame.variables.get(name, 0) for name in order.variables)
    return size <= limits.payload_bytes_max and held + size <= VARIABLES_BYTES_MAX
