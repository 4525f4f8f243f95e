"""How many failed items a Map Run takes before it fails."""

from __future__ import annotations

import pytest

from engine.core.states.distributed.tolerance import is_exceeded


@pytest.mark.parametrize(
    ("count", "percentage", "failed", "total", "exceeded"),
    [
        (None, None, 0, 10, False),
        (None, None, 1, 10, True),  # nothing is tolerated where nothing is said
        (2, None, 2, 10, False),
        (2, None, 3, 10, True),
        (2, None, 3, None, True),  # a count needs no total
        (None, 25, 2, 8, False),  # at the threshold, not beyond it
        (None, 25, 3, 8, True),
        (None, 33.3, 1, 3, True),
        (None, 33.4, 1, 3, False),
        (None, 25, 3, None, False),  # not to be told before all items are known
        (None, 100, 8, 8, False),
        (5, 10, 2, 10, True),  # either is enough
        (1, 90, 2, 10, True),
        (None, 0, 0, 0, False),
        (None, 0, 1, 5, True),
    ],
)
def test_what_is_too_many(count, percentage, failed, total, exceeded):
    assert is_exceeded(count, percentage, failed, total) is exceeded
