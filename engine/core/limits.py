"""Every limit of the core, with its unit and the reason for its size."""

from __future__ import annotations

from msgspec import Struct

from engine.documents import Document

PAYLOAD_BYTES_MAX = (
    256 * 1024
)  # UTF-8, per state input, task parameters or output; as AWS Step Functions.
RECORDS_MAX = 25_000  # history records of one execution; as AWS Step Functions.
WAIT_MS_MAX = (
    2**31 * 1000
)  # AWS refuses a wait of more than 2^31 seconds (measured: 24,855 days go, 24,856 do not).
MAP_WINDOW = (
    40  # iterations at once where MaxConcurrency is 0 or absent; what AWS was measured to run.
)
SPAWN_MAX = 100  # children put into one transition; design.md, section 5.
SPAWN_BYTES = (
    64 * 1024
)  # of children's inputs put into one transition, beyond the first child; design.md, section 5.
READY_MAX = 200  # ids in Execution.ready: they are written with every commit.
UNWIND_MAX = 100  # frames dropped in one transition; design.md, section 5.
SWEEP_MAX = 500  # results dropped in one transition by a join: about 8 KiB of keys.
PAGE_ITEMS = 100  # items in one page of a Map.
PAGE_BYTES = 64 * 1024  # about the size of one page of a Map, beyond its first item.
RESIDENT_MAX = 100  # results of a Parallel or Map kept in memory until its join; more are read back at the join.
RESULTS_FACTOR = 4  # results are read for a join up to so many payloads: their own white space may be dropped there.


class Limits(Struct, frozen=True, kw_only=True):
    """The limits an operator may set."""

    payload_bytes_max: int = PAYLOAD_BYTES_MAX
    records_max: int = RECORDS_MAX
    map_window: int = MAP_WINDOW

    def fits(self, payload: Document) -> bool:
        """Whether a payload is within the limit. One nested too deeply to be written as text is not."""
        try:
            return len(payload.text) <= self.payload_bytes_max
        except RecursionError:
            return False


DEFAULT = Limits()
