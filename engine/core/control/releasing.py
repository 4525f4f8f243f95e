"""Release from quarantine: an execution that was set aside goes on where it stands."""

from __future__ import annotations

from engine.core import orders
from engine.core.control.pausing import told
from engine.core.draft import Draft


def release(draft: Draft, order: orders.ReleaseRequested) -> str | None:
    """Note who let it go on, and why: its next tries count from here."""
    draft.record("ExecutionReleased", 0, told(order))
    return None
