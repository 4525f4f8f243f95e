"""Every limit of the core, with its unit and the reason for its size."""

from __future__ import annotations

from msgspec import Struct

from engine.documents import Document

# As AWS Step Functions.
PAYLOAD_BYTES_MAX = 256 * 1024  # UTF-8, per state input, task parameters or output
VARIABLES_BYTES_MAX = 10 * 1024 * 1024  # of all variables of an execution
RECORDS_MAX = 25_000  # history records of one execution
SECONDS_MAX = 99_999_999  # of a time-out, a heartbeat or a Wait's Seconds
WAIT_MS_MAX = 2**31 * 1000  # measured: 24,855 days are waited for, 24,856 are refused

# How much goes into one commit: 100 frames, and about 64 KiB of what is not payload.
SPAWN_MAX = 100  # children made
SPAWN_BYTES = 64 * 1024  # of their inputs, beyond the first child's
UNWIND_MAX = 100  # children looked at when they are dropped
SWEEP_MAX = 500  # results dropped by a join: about 8 KiB of keys
EXPIRED_MAX = 100  # signals dropped because their time is over
LEFT_OVER_NAMES_MAX = 100  # names of signals that the record of those left over tells
READY_MAX = 200  # ids in Execution.ready, which every commit writes

# Parallel and Map.
# iterations at once where MaxConcurrency is 0 or absent; what AWS was measured to run
MAP_WINDOW = 40
PAGE_ITEMS = 100  # items in one page
PAGE_BYTES = 64 * 1024  # about the size of one page, beyond its first item
RESIDENT_MAX = 100  # results kept in memory until the join; of more, all are read back then
# payloads that results may fill before the join reads them: it drops their white space
RESULTS_FACTOR = 4


class Limits(Struct, frozen=True, kw_only=True):
    """The limits an operator may set."""

    payload_bytes_max: int = PAYLOAD_BYTES_MAX
    records_max: int = RECORDS_MAX
    map_window: int = MAP_WINDOW
    lambda_endpoint: bool = False  # whether the engine invokes Lambda functions itself
    deleted_activities: frozenset[str] = frozenset()  # those that tasks cannot be given to

    def fits(self, payload: Document) -> bool:
        """Whether a payload is within the limit. One nested too deeply to be written as text is not."""
        try:
            return not payload.exceeds(self.payload_bytes_max)
        except RecursionError:
            return False


DEFAULT = Limits()
