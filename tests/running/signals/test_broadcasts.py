"""One signal to many executions: each that matches has it once."""

from __future__ import annotations

import pytest
from desk import ME

from engine.commands import broadcasts
from engine.documents import Document
from engine.errors import DefinitionNotFound, ExpressUnsupported, OutcomeUnknown, QuotaExceeded

WAITS = {"Type": "Task", "Resource": "signal:go", "End": True}
STRICT = {"A": {**WAITS, "Parameters": {"Schema": {"type": "string"}}}}
DETENT = {"SearchAttributes": {"customer": "$.customer"}}


async def orders(desk, count=12, states=None, **top):
    await desk.publish(states or {"A": WAITS}, Detent=DETENT, **top)
    return [await desk.start(f"o{n}", {"customer": f"c{n % 3}"}) for n in range(count)]


async def send(desk, payload=None, definition="d", **more):
    return await desk.engine.commands.broadcast(
        ME,
        definition,
        "go",
        Document.of(payload),
        signal_id=more.get("id"),
        ttl_ms=None,
        attributes=more.get("attributes", ()),
    )


async def test_only_executions_with_the_attribute_have_the_signal(desk):
    executions = await orders(desk)
    sent = await send(desk, 7, id="a", attributes=[("customer", "c1")])
    assert (sent.matched, sent.delivered, sent.duplicates, sent.refused) == (4, 4, 0, {})
    for number, execution in enumerate(executions):
        if number % 3 == 1:
            assert (await desk.end(execution)).output.value == 7
        else:
            assert await desk.fates(execution) == []


async def test_without_attributes_all_that_run_have_it_and_no_other_definitions(desk):
    await orders(desk, 5)
    await desk.publish({"A": WAITS}, name="other")
    spared = await desk.start("n", definition="other")
    closed = await desk.start("closed")
    await desk.send(closed, id="before")
    await desk.end(closed)
    assert (await send(desk, id="a")).delivered == 5
    assert await desk.fates(spared) == []
    assert await desk.fates(closed) == [("before", "consumed")]


async def test_a_repeat_brings_it_to_those_that_have_not_got_it(desk, monkeypatch):
    states = {
        "P": {"Type": "Task", "Resource": "activity:pay", "Next": "A"},
        "A": WAITS,
    }
    executions = await orders(desk, 12, states)
    deliver, left = desk.engine.commands._signals.deliver, [5]

    async def failing(*args, **more):
        left[0] -= 1
        if left[0] < 0:
            raise OutcomeUnknown
        return await deliver(*args, **more)

    monkeypatch.setattr(broadcasts, "AT_ONCE", 2)
    monkeypatch.setattr(desk.engine.commands._signals, "deliver", failing)
    with pytest.raises(OutcomeUnknown):
        await send(desk, id="a")
    monkeypatch.setattr(desk.engine.commands._signals, "deliver", deliver)
    reached = [execution for execution in executions if await desk.fates(execution)]
    assert 0 < len(reached) < 12
    again = await send(desk, id="a")
    assert (again.matched, again.duplicates) == (12, len(reached))
    assert again.delivered == 12 - len(reached)
    for execution in executions:
        assert [name for name, _ in await desk.fates(execution)] == ["a"]


async def test_what_an_execution_refuses_is_counted_and_holds_up_no_other(desk):
    await orders(desk, 3, STRICT)
    await desk.publish({"A": WAITS}, Detent=DETENT)
    await desk.start("new", {"customer": "c1"})
    sent = await send(desk, {"no": "text"}, id="a")
    assert (sent.matched, sent.delivered, sent.refused) == (4, 1, {"signal_invalid": 3})


async def test_more_than_the_bound_are_refused_and_none_has_it(desk, monkeypatch):
    monkeypatch.setattr(broadcasts, "BROADCAST_MAX", 4)
    executions = await orders(desk, 5)
    with pytest.raises(QuotaExceeded):
        await send(desk, id="a")
    assert [await desk.fates(execution) for execution in executions] == [[]] * 5
    assert (await send(desk, id="a", attributes=[("customer", "c0")])).delivered == 2


async def test_there_is_nothing_to_send_to_where_there_is_no_definition_or_an_express_one(desk):
    with pytest.raises(DefinitionNotFound):
        await send(desk, definition="none")
    express = b'{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
    await desk.engine.commands.publish(ME, "x", express, "json", "EXPRESS")
    with pytest.raises(ExpressUnsupported):
        await send(desk, definition="x")
