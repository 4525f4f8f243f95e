"""How often a Map Run may be taken without anything having come of it, before it fails.

As with executions: what ends its holder time after time would do so for ever. A take counts until a child was begun or
counted, or until the driver has been seen to wait in good order.
"""

from __future__ import annotations

from typing import Any

from engine.core.failures import RUNTIME, Failure
from engine.errors import StoreUnavailable
from engine.store.maps.held import Held
from engine.store.maps.runs import MapRuns, RunLost

TRIES_MAX = 5  # as many claims quarantine an execution
FAULT_MAX = 1000  # characters of an error that are kept


def in_vain(held: Held) -> Failure:
    """What a run fails with that has been tried too often."""
    last = held.fault or "the engine that drove it has ended"
    cause = f"The Map Run was taken {TRIES_MAX} times and came no further; the last time: {last}"
    return Failure(RUNTIME, cause)


async def note(runs: MapRuns, held: Held, **what: Any) -> None:
    """Note how a try has ended, as far as that can be done: whoever has the run by now, or Redis, may not take it."""
    try:
        await runs.advance(held, **what)
    except (StoreUnavailable, RunLost):
        return
