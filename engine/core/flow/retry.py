"""The next attempt: which retrier takes a failure, and how long it waits."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.core.failures import Failure
from engine.language.expressions.scope import Entropy
from engine.language.machine import Catcher, Retrier

EXPONENT_MAX = 1_000  # of the backoff rate; any further and the delay is beyond the longest anyway
DELAY_SECONDS_MAX = 99_999_999  # as the longest IntervalSeconds AWS accepts


class Again(Struct, frozen=True):
    """Try once more after `delay_ms`; `retries` are the attempts used of each retrier, this one counted."""

    delay_ms: int
    retries: tuple[int, ...]


def next_attempt(
    retriers: tuple[Retrier, ...], failure: Failure, used: tuple[int, ...], entropy: Entropy
) -> Again | None:
    """What the first retrier that names the failure says; None when none does or its attempts are used up.

    A used-up retrier does not pass the failure on to later ones (measured).
    https://states-language.net/spec.html#retrying-after-error
    """
    if failure.cancelled:
        return None  # whoever stops an execution does not want it tried again
    index = named_by(retriers, failure)
    if index is None:
        return None
    counts = (*used, *(0,) * len(retriers))[: len(retriers)]  # another version may have had others
    if counts[index] >= retriers[index].attempts_max:
        return None
    counts = (*counts[:index], counts[index] + 1, *counts[index + 1 :])
    return Again(_delay_ms(retriers[index], counts[index], entropy), counts)


def _delay_ms(retrier: Retrier, attempt: int, entropy: Entropy) -> int:
    """min(interval x backoff^(attempt-1), max delay), then jitter over the whole of it if FULL."""
    exponent = min(attempt - 1, EXPONENT_MAX)
    longest = retrier.delay_seconds_max or DELAY_SECONDS_MAX
    try:
        delay = min(retrier.interval_seconds * retrier.backoff_rate**exponent, longest)
    except OverflowError:
        delay = longest
    if retrier.jitter_full:
        delay *= entropy.uniform()
    return round(delay * 1000)


def catcher_for(catchers: tuple[Catcher, ...], failure: Failure) -> Catcher | None:
    """The first catcher that names the failure. https://states-language.net/spec.html#fallback-states"""
    index = named_by(catchers, failure)
    return None if index is None else catchers[index]


def named_by(entries: Sequence[Retrier | Catcher], failure: Failure) -> int | None:
    """Which retrier or catcher names the failure: the first that does, counted from 0."""
    for index, entry in enumerate(entries):
        if failure.is_matched_by(entry.error_equals):
            return index
    return None
