"""Follow executions: their history as a stream of events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from api.rest import examples
from api.rest.operation import Call, Operation, Shown
from api.rest.requests import ChangesQuery, FollowQuery, NoBody
from api.rest.streaming import (
    KEEP_ALIVE,
    KEEP_ALIVE_MS,
    OPENING,
    Streamed,
    event,
    last_event_id,
)
from engine.errors import (
    ChangesNotKept,
    ExecutionNotFound,
    InvalidName,
    InvalidRequest,
    QuotaExceeded,
    StoreUnavailable,
)
from engine.views import ChangePage, HistoryPage

# Read at once for one reader: with payloads of the largest size, what a page of history may hold in any case.
RECORDS_AT_ONCE = 16
RECORD_ID_DIGITS_MAX = 15


async def follow(call: Call[FollowQuery, NoBody]) -> Streamed:
    return Streamed(chunks=_records(call, _seen(call)))


def _seen(call: Call[FollowQuery, NoBody]) -> int:
    """The last record that the caller has. A browser comes back to the same address, so the header wins."""
    given = last_event_id(call.headers)
    if given is None:
        return call.query.after
    if not given.isdigit() or len(given) > RECORD_ID_DIGITS_MAX:
        raise InvalidRequest(detail="Last-Event-ID is not the id of a record")
    return int(given)


async def _records(call: Call[FollowQuery, NoBody], after: int) -> AsyncGenerator[bytes, None]:
    page = await _page(call, after, 0)
    yield OPENING
    while True:
        for record in page.events:
            if record["id"] > after + 1:
                # Records before it are kept no longer: say so, rather than let it look as if nothing had been there.
                yield event("gap", {"after": after, "next": record["id"]})
            after = record["id"]
            yield event(record["type"], record, str(after))
        if page.next is None and page.status != "RUNNING":
            # Its status was read before these records were, so there are no more.
            yield event("end", {"status": page.status})
            return
        if not page.events:
            yield KEEP_ALIVE
        page = await _page(call, after, KEEP_ALIVE_MS)


async def changes(call: Call[ChangesQuery, NoBody]) -> Streamed:
    given = last_event_id(call.headers)
    after = call.query.after if given is None else given
    return Streamed(chunks=_changes(call, after))


async def _changes(
    call: Call[ChangesQuery, NoBody], after: str | None
) -> AsyncGenerator[bytes, None]:
    page = await _some(call, after, 0)
    yield OPENING
    place = after
    while True:
        if page.gap:
            yield event("gap", {"after": place})
        for change in page.changes:
            yield event(change.kind, change, change.place)
        if not page.changes:
            # A line with an id and no data is no event, and moves the place where its reader comes back to.
            yield KEEP_ALIVE + f"id: {page.place}\n\n".encode()
        place = page.place
        page = await _some(call, place, KEEP_ALIVE_MS)


async def _some(call: Call[ChangesQuery, NoBody], after: str | None, wait_ms: int) -> ChangePage:
    return await call.engine.feed.changes(
        call.caller, after=after, definition=call.query.definition, wait_ms=wait_ms
    )


async def _page(call: Call[Any, NoBody], after: int, wait_ms: int) -> HistoryPage:
    return await call.engine.queries.history(
        call.caller,
        call.path["id"],
        after=after,
        limit=RECORDS_AT_ONCE,
        descending=False,
        wait_ms=wait_ms,
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/executions/{id}/events",
        name="follow",
        group="executions",
        summary="Follow an execution",
        about="Server-sent events, one for each record of the history: `id` is the record's id, `event` its type, `data` "
        "the record as the history shows it. The stream starts after `Last-Event-ID` or `after`, goes on while the "
        "execution runs, and ends with an event `end`, whose `data` tells the status. One that stops without `end` goes on "
        "where it stopped when it is asked for with the last id seen. An event `gap` tells that records before the next one "
        "are kept no longer. A comment comes every 15 s in which nothing happened.",
        perform=follow,
        query=FollowQuery,
        answers={
            200: Shown(
                meaning="The records, as they come.",
                example=examples.EVENT_STREAM,
                content_type="text/event-stream",
            )
        },
        errors=(InvalidName, ExecutionNotFound, QuotaExceeded, StoreUnavailable),
    ),
    Operation(
        method="GET",
        path="/v1/events",
        name="follow_all",
        group="executions",
        summary="Follow all executions",
        about="Server-sent events, one for each change of an execution: `started`, `parked` (it rests in another state), "
        "`moved` (to another version), `closed`. All that there are, in one order, from `Last-Event-ID` or `after` on, or from "
        "now on; the stream does not end by itself. The server keeps about `DETENT_CHANGES_KEPT` changes, and an event `gap` "
        "tells that some before the next one may be kept no longer. Express executions are not told of. A comment and the id "
        "reached come every 15 s in which nothing happened.",
        perform=changes,
        query=ChangesQuery,
        answers={
            200: Shown(
                meaning="The changes, as they come.",
                example=examples.CHANGES_STREAM,
                content_type="text/event-stream",
            )
        },
        errors=(InvalidName, ChangesNotKept, QuotaExceeded, StoreUnavailable),
    ),
)
