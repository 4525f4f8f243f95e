"""How many items of a Map Run may fail before it does.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html#maprun-fail-threshold. A child that fails,
times out or is stopped has failed with all items of its batch.
"""

from __future__ import annotations

from engine.core.failures import Failure

EXCEEDED = Failure(
    "States.ExceedToleratedFailureThreshold",
    "The specified tolerated failure threshold was exceeded",
)


def is_exceeded(
    count: int | None, percentage: float | None, failed: int, total: int | None
) -> bool:
    """Whether so many failed items of `total` are too many; None: how many there are is not known yet.

    Either threshold is one; without any, one failed item is too many. A percentage of 100 tolerates everything.
    """
    if count is None and percentage is None:
        return failed > 0
    if count is not None and failed > count:
        return percentage is None or percentage < 100
    if percentage is None or total is None:
        return False
    return failed * 100 > percentage * total
