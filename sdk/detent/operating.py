"""What a client asks of running executions besides signals: migrations, and orders to one or many."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Literal

from detent.pages import Pages
from detent.requests import get, given, listing, post
from detent.shapes import ExecutionSummary, MigrationPlan, Operation, Refusal, Verdict
from detent.transport import Transport, segment

Order = Literal[
    "pause",
    "resume",
    "release",
    "terminate",
    "retry",
    "skip",
    "goto",
    "data",
    "variables",
    "redrive",
]
ManyOrder = Literal[
    "pause",
    "resume",
    "cancel",
    "terminate",
    "retry",
    "skip",
    "goto",
    "data",
    "variables",
    "redrive",
]
Steering = Literal["pause", "resume", "cancel"]


class Operating:
    """The part of `Client` that operates on executions that run.

    `filter` is an object as the server's reference describes it: version, state, started_after, started_before,
    attributes, ids.
    """

    _transport: Transport

    async def plan_migration(
        self,
        definition: str,
        *,
        version: int | None = None,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - the server's word
        mapping: Mapping[str, str] | None = None,
        data: str | None = None,
        text: str | None = None,
    ) -> MigrationPlan:
        """What would become of every running execution that is wanted; nothing is written.

        To the newest version without `version`, or to a definition that is not published, given as `text`.
        """
        asked = given(version=version, filter=filter, mapping=mapping, data=data, text=text)
        path = f"/v1/definitions/{segment(definition)}/migrations"
        plan: MigrationPlan = await self._transport.call(post(path, {"mode": "plan", **asked}))
        return plan

    def verdicts(
        self,
        definition: str,
        *,
        version: int | None = None,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - the server's word
        mapping: Mapping[str, str] | None = None,
        outcome: Literal["moves", "moves_by_mapping", "blocked"] | None = None,
        page_size: int = 100,
    ) -> Pages[Verdict]:
        """The verdicts of such a plan, execution by execution."""
        body = given(version=version, filter=filter, mapping=mapping)
        path = f"/v1/definitions/{segment(definition)}/migrations:verdicts"
        query = given(outcome=outcome, limit=page_size)
        return Pages(lambda: listing(self._transport, path, "executions", query, body))

    async def migrate(
        self,
        definition: str,
        *,
        version: int | None = None,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - the server's word
        mapping: Mapping[str, str] | None = None,
        data: str | None = None,
        percent: float | None = None,
        count: int | None = None,
        rate: float | None = None,
        reason: str | None = None,
        id: str | None = None,
    ) -> Operation:
        """Begin to move running executions to a version; it goes on by itself. One `id` begins it once."""
        asked = given(
            version=version,
            filter=filter,
            mapping=mapping,
            data=data,
            percent=percent,
            count=count,
            rate=rate,
            reason=reason,
        )
        path = f"/v1/definitions/{segment(definition)}/migrations"
        body = {"mode": "apply", "id": id or str(uuid.uuid4()), **asked}
        begun: Operation = await self._transport.call(post(path, body))
        return begun

    async def roll_back(
        self, migration: str, *, reason: str | None = None, rate: float | None = None
    ) -> Operation:
        """Begin to take a migration back; executions that have gone on since go back where they can."""
        body = {"mode": "apply", **given(reason=reason, rate=rate)}
        path = f"/v1/operations/{segment(migration)}/rollback"
        # Taking back what has been taken back changes nothing.
        begun: Operation = await self._transport.call(post(path, body))
        return begun

    async def order_many(
        self,
        definition: str,
        order: ManyOrder,
        /,
        *,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - the server's word
        reason: str | None = None,
        rate: float | None = None,
        id: str | None = None,
        **more: Any,
    ) -> Operation:
        """Begin to give one order to many executions. `more` is what the order takes; one `id` begins it once."""
        asked = given(filter=filter, reason=reason, rate=rate, **more)
        path = f"/v1/definitions/{segment(definition)}/operations"
        body = {"verb": order, "id": id or str(uuid.uuid4()), **asked}
        begun: Operation = await self._transport.call(post(path, body))
        return begun

    async def operation(self, id: str) -> Operation:
        """How far a migration or an order to many has come."""
        found: Operation = await self._transport.call(get(f"/v1/operations/{segment(id)}"))
        return found

    def refusals(self, id: str, *, page_size: int = 100) -> Pages[Refusal]:
        """The executions that have not done what was asked, and why."""
        path = f"/v1/operations/{segment(id)}/executions"
        return Pages(lambda: listing(self._transport, path, "executions", {"limit": page_size}))

    async def steer(self, id: str, deed: Steering) -> Operation:
        """Pause, resume or cancel an operation."""
        path = f"/v1/operations/{segment(id)}/{deed}"
        steered: Operation = await self._transport.call(post(path, {}))
        return steered

    async def order(
        self,
        execution: str,
        order: Order,
        /,
        *,
        reason: str | None = None,
        id: str | None = None,
        **more: Any,
    ) -> ExecutionSummary:
        """Give an order to one execution: `await client.order(id, "goto", state="Ship")`. `more` is what it takes.

        Applied once per `id`. Raises Conflict where the execution cannot do it as it stands.
        """
        body = {"id": id or str(uuid.uuid4()), **given(reason=reason, **more)}
        path = f"/v1/executions/{segment(execution)}/{order}"
        ordered: ExecutionSummary = await self._transport.call(post(path, body))
        return ordered
