"""Why an execution that was ready is not claimed."""

from __future__ import annotations

SUSPECT_FROM = 2  # claims without a commit from which on it may be what kills its holders


class Suspect(Exception):
    """The execution was not claimed: `SUSPECT_FROM` claims of it ended without a commit.

    A process that dies takes all that it holds along, and all of it is counted. So whoever claims suspects holds one at a
    time: then the next death tells which it was, and none is set aside for what another does.
    """


class ExecutionMissing(Exception):
    """An execution was ready and nothing is left of it: its keys were deleted by hand, or evicted."""
