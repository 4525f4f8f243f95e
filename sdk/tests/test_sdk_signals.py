"""What the client sends for signals, against the protocol script."""

from __future__ import annotations

PATH = "POST /v1/executions/order:1/signals/paid"
RECEIPT = {"execution": "order:1", "signal": "paid", "id": "x", "duplicate": False}
ACCEPTED = RECEIPT | {"status": "accepted"}
TAKEN = RECEIPT | {"duplicate": True, "status": "consumed", "state": "A", "record": 7}


async def test_waiting_longer_than_one_answer_can_is_asking_again_under_the_same_id(client, script):
    script.on(PATH, ACCEPTED, ACCEPTED | {"duplicate": True}, TAKEN)
    receipt = await client.signal("order:1", "paid", {"a": 1}, ttl_seconds=5, wait_seconds=200)
    assert receipt == TAKEN | {"duplicate": False}
    assert len({seen.body["id"] for seen in script.seen}) == 1
    assert [seen.query["wait"] for seen in script.seen] == ["consumed"] * 3
    assert script.seen[0].query["wait_seconds"] == "60.000"
    assert script.seen[0].body["ttl_seconds"] == 5


async def test_without_waiting_nothing_is_asked_of_the_answer(client, script):
    script.on(PATH, ACCEPTED)
    assert (await client.signal("order:1", "paid"))["status"] == "accepted"
    assert [seen.query for seen in script.seen] == [{}]
    assert "payload" not in script.seen[0].body


async def test_a_signal_that_goes_with_a_start_gets_an_id(client, script):
    started = {"id": "order:1", "status": "RUNNING", "signal": RECEIPT}
    script.on("POST /v1/definitions/order/executions", started)
    await client.start("order", name="1", signal={"name": "paid", "payload": None})
    await client.start("order", name="1", signal={"name": "paid", "id": "mine"})
    first, second = (seen.body["signal"] for seen in script.seen)
    assert (len(first["id"]), first["payload"], second["id"]) == (36, None, "mine")


async def test_a_broadcast_names_the_attributes_and_is_repeated_under_one_id(client, script):
    from sdk_script import Cut

    script.on("POST /v1/definitions/order/signals/paid", Cut(), {"matched": 2})
    sent = await client.broadcast("order", "paid", 1, attributes={"customer": "c", "vip": True})
    assert sent == {"matched": 2}
    assert script.seen[0].body == script.seen[1].body
    assert script.seen[0].body["attribute"] == {"customer": "c", "vip": True}


async def test_signals_are_listed_page_by_page(client, script):
    pages = [{"signals": [{"id": "a"}], "next": "c"}, {"signals": [{"id": "b"}], "next": None}]
    script.on("GET /v1/executions/order:1/signals", *pages)
    assert [each["id"] for each in await client.signals("order:1").list()] == ["a", "b"]
