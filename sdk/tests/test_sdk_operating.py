"""What the client sends to migrate and to operate, against the protocol script."""

from __future__ import annotations

from sdk_script import Cut

MIGRATIONS = "POST /v1/definitions/order/migrations"
BEGUN = {"id": "m", "status": "RUNNING", "answers": {}}


async def test_a_plan_says_so_and_leaves_out_what_is_not_given(client, script):
    script.on(MIGRATIONS, {"blocked": 0})
    assert await client.plan_migration("order", mapping={"A": "B"}, filter={"state": "A"}) == {
        "blocked": 0
    }
    assert script.seen[0].body == {"mode": "plan", "mapping": {"A": "B"}, "filter": {"state": "A"}}


async def test_a_migration_is_begun_once_however_often_it_is_sent(client, script):
    script.on(MIGRATIONS, Cut(), BEGUN)
    assert await client.migrate("order", percent=5, reason="new check") == BEGUN
    first, second = (seen.body for seen in script.seen)
    assert first == second
    assert (first["mode"], first["percent"], first["reason"], len(first["id"])) == (
        "apply",
        5,
        "new check",
        36,
    )


async def test_verdicts_are_asked_for_page_by_page(client, script):
    pages = [
        {"executions": [{"id": "a"}], "next": "c"},
        {"executions": [{"id": "b"}], "next": None},
    ]
    script.on("POST /v1/definitions/order/migrations:verdicts", *pages)
    found = await client.verdicts("order", outcome="blocked", mapping={"A": "B"}).list()
    assert [each["id"] for each in found] == ["a", "b"]
    assert [seen.body for seen in script.seen] == [{"mapping": {"A": "B"}}] * 2
    assert script.seen[1].query == {"outcome": "blocked", "limit": "100", "cursor": "c"}


async def test_operations_are_read_steered_and_taken_back(client, script):
    for deed in ("pause", "rollback"):
        script.on(f"POST /v1/operations/m/{deed}", BEGUN)
    script.on("GET /v1/operations/m", BEGUN)
    script.on("GET /v1/operations/m/executions", {"executions": [{"reason": "no"}], "next": None})
    assert await client.operation("m") == BEGUN
    await client.steer("m", "pause")
    await client.roll_back("m", reason="slow")
    assert script.seen[-1].body == {"mode": "apply", "reason": "slow"}
    assert await client.refusals("m").list() == [{"reason": "no"}]


async def test_an_order_carries_what_it_takes_and_an_id(client, script):
    script.on("POST /v1/executions/order:1/goto", Cut(), {"status": "RUNNING"})
    script.on("POST /v1/definitions/order/operations", BEGUN)
    await client.order("order:1", "goto", state="Ship", data={"n": 1}, reason="asked")
    first, second = (seen.body for seen in script.seen)
    assert first == second
    assert {k: v for k, v in first.items() if k != "id"} == {
        "state": "Ship",
        "data": {"n": 1},
        "reason": "asked",
    }
    await client.order_many("order", "pause", filter={"state": "Pay"}, id="mine", mode="catch_up")
    assert script.seen[-1].body == {
        "verb": "pause",
        "id": "mine",
        "filter": {"state": "Pay"},
        "mode": "catch_up",
    }
