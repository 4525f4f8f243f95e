"""How long to wait before trying again."""

from __future__ import annotations

import random
from collections.abc import Iterator

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 5.0


def delays(first: float = FIRST_SECONDS, longest: float = LONGEST_SECONDS) -> Iterator[float]:
    """Seconds, doubling up to `longest`, each cut at random by up to a half.

    The chance keeps the many clients of a server that comes back from arriving together.
    """
    while True:
        yield first * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
        first = min(first * 2, longest)
