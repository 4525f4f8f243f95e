"""The history of an execution."""

from __future__ import annotations

from typing import Any

from api.aws.arguments import PAGE, execution, invalid_token, next_token, place_of
from api.aws.call import Call, Handler
from api.aws.operations.executions import told
from api.aws.rendering import event
from engine.errors import InvalidRequest
from engine.queries.paging import moment_of


async def get_execution_history(call: Call) -> dict[str, Any]:
    """Records in their order, or newest first. A page of large records may be short."""
    given = call.given
    found = execution(given["executionArn"])
    listing = f"history {found.identifier}"
    with told(given["executionArn"]):
        page = await call.engine.queries.history(
            call.caller,
            found.identifier,
            after=_after(place_of(given.get("nextToken"), listing)),
            limit=given.get("maxResults") or PAGE,
            descending=given.get("reverseOrder", False),
            wait_ms=0,
        )
    with_data = given.get("includeExecutionData", True)
    members: dict[str, Any] = {"events": [event(each, with_data=with_data) for each in page.events]}
    if page.next is not None:
        members["nextToken"] = next_token(listing, str(page.next))
    return members


def _after(place: str | None) -> int | None:
    """The number of the last record that was told."""
    if place is None:
        return None
    try:
        return moment_of(place)
    except InvalidRequest:
        raise invalid_token() from None


HANDLERS: dict[str, Handler] = {"GetExecutionHistory": get_execution_history}
