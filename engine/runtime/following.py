"""What a caller can ask of the feed: what becomes of all executions, or of those of one definition."""

from __future__ import annotations

from msgspec import UNSET

from engine.clock import Clock, iso
from engine.errors import ChangesNotKept, InvalidRequest
from engine.names import check_name
from engine.runtime.followers import Followers
from engine.store.feed import Change, read_place
from engine.views import Caller, ChangePage, ChangeView


class FeedQueries:
    """`kept`: how many changes this store keeps; 0 where it keeps none."""

    def __init__(self, followers: Followers, clock: Clock, kept: int) -> None:
        self._followers = followers
        self._clock = clock
        self._kept = kept

    async def changes(
        self, caller: Caller, *, after: str | None, definition: str | None, wait_ms: int
    ) -> ChangePage:
        """What comes after a place, or (without one) from now on; waits up to `wait_ms` for it.

        A place is that of a change, or a moment in milliseconds since 1970. A page may hold nothing that matches and still
        lead further. Raises ChangesNotKept, InvalidRequest for a place that is none, StoreUnavailable.
        """
        if not self._kept:
            raise ChangesNotKept
        if definition is not None:
            check_name(definition, "definition")
        if after is None:
            return ChangePage([], str(await self._followers.now(caller.namespace)), gap=False)
        place = read_place(after)
        if place is None:
            raise InvalidRequest("the place is not one of the feed")
        deadline = self._clock.monotonic() + wait_ms / 1000
        while True:
            left = max(0.0, deadline - self._clock.monotonic())
            told = await self._followers.after(caller.namespace, place, round(left * 1000))
            shown = [_view(change) for change in told.changes]
            if definition is not None:
                shown = [view for view in shown if view.definition == definition]
            if shown or told.gap or left <= 0:
                return ChangePage(shown, str(told.upto), told.gap)
            place = told.upto


def _view(change: Change) -> ChangeView:
    entry = change.entry
    return ChangeView(
        kind=entry.kind,
        execution=entry.execution,
        definition=entry.execution.partition(":")[0],
        version=change.version,
        status=entry.status,
        revision=entry.revision,
        time=iso(change.place.ms),
        place=str(change.place),
        state=entry.state or UNSET,
    )
