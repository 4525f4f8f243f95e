"""When a Map Run has failed: the rules of ToleratedFailureCount and ToleratedFailurePercentage. Pure.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html#maprun-fail-threshold
"""

from __future__ import annotations

from engine.core.failures import Failure
from engine.store.maps.held import Standing

EXCEEDED = Failure(
    "States.ExceedToleratedFailureThreshold",
    "The specified tolerated failure threshold was exceeded",  # measured
)


CHILDREN_MAX = 10_000  # of one run that are out at once; as AWS Step Functions


def has_exceeded(standing: Standing, total: int | None) -> bool:
    """Whether more items have failed or timed out than are tolerated; none are where neither threshold is given.

    `total` is the number of all items, None while they are still being read: the percentage is of all.
    """
    failed = standing.items.get("FAILED", 0) + standing.items.get("TIMED_OUT", 0)
    count, percentage = standing.tolerated_count, standing.tolerated_percentage
    if not failed:
        return False
    if count is None and percentage is None:
        return True
    if count is not None and failed > count:
        return True
    return percentage is not None and bool(total) and 100 * failed / (total or 1) > percentage


def window_of(standing: Standing, most: int) -> int:
    """How many children may be out at once; `most` where the author sets no limit."""
    return min(standing.concurrency or most, CHILDREN_MAX)
