"""Finding over HTTP at a running engine: executions are listed and counted by what their definition declares."""

from __future__ import annotations

from typing import Any

from desk import Desk
from scripted_engine import client

STATES: dict[str, Any] = {
    "Ask": {"Type": "Task", "Resource": "signal:approval", "TimeoutSeconds": 600, "Next": "Judge"},
    "Judge": {
        "Type": "Choice",
        "Choices": [{"Variable": "$.granted", "BooleanEquals": True, "Next": "Done"}],
        "Default": "Refuse",
    },
    "Done": {"Type": "Succeed"},
    "Refuse": {"Type": "Fail", "Error": "Refused"},
}
DETENT = {"SearchAttributes": {"customer": "$.customer", "granted": "$.granted"}}


async def started(desk: Desk) -> None:
    """Three loans: one granted, one refused, one that waits."""
    await desk.publish(STATES, name="loan", Detent=DETENT)
    for name, answer in (("a", True), ("b", False), ("c", None)):
        execution = await desk.start(name, {"customer": "ann" if name != "b" else "bob"}, "loan")
        if answer is not None:
            async with client(desk.engine) as http:
                body = {"payload": {"granted": answer}}
                await http.post(f"/v1/executions/{execution}/signals/approval", json=body)
            await desk.end(execution)
    async with client(desk.engine) as http:
        while (await http.get("/v1/executions:count?definition=loan&state=Ask")).json()[
            "count"
        ] < 1:
            pass


async def test_executions_are_listed_counted_and_described_by_their_search_attributes(desk):
    await started(desk)
    async with client(desk.engine) as http:

        async def ids(query: str) -> list[str]:
            answer = await http.get(f"/v1/executions?definition=loan&{query}")
            assert answer.status_code == 200, answer.text
            return [each["id"] for each in answer.json()["executions"]]

        assert await ids("attribute=customer:ann") == ["loan:c", "loan:a"]
        assert await ids("attribute=customer:ann&attribute=granted:true") == ["loan:a"]
        assert await ids("attribute=customer:ann&status=RUNNING&state=Ask") == ["loan:c"]
        assert await ids("error=Refused") == ["loan:b"]
        assert await ids("started_before=2026-01-01T00:00:00Z") == []
        assert await ids("started_after=2026-01-01T00:00:00Z&version=1") == [
            "loan:c", "loan:b", "loan:a",
        ]  # fmt: skip
        [shown] = (await http.get("/v1/executions?definition=loan&error=Refused")).json()[
            "executions"
        ]
        assert (shown["error"], shown["attributes"]) == (
            "Refused",
            {"customer": "bob", "granted": False},
        )
        view = (await http.get("/v1/executions/loan:a")).json()
        assert view["attributes"] == {"customer": "ann", "granted": True}
        count = await http.get("/v1/executions:count?definition=loan&attribute=customer:ann")
        assert count.json() == {"count": 2, "exact": True}


async def test_a_search_attribute_without_its_definition_is_refused(desk):
    async with client(desk.engine) as http:
        for path in ("/v1/executions", "/v1/executions:count"):
            answer = await http.get(path + "?attribute=customer:ann")
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
            assert "definition" in answer.json()["detail"]


async def test_what_a_page_leaves_out_follows_under_its_cursor(desk):
    await started(desk)
    found, cursor = [], ""
    async with client(desk.engine) as http:
        while True:
            query = f"definition=loan&attribute=customer:ann&limit=1{cursor}"
            page = (await http.get(f"/v1/executions?{query}")).json()
            found += [each["id"] for each in page["executions"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
    assert found == ["loan:c", "loan:a"]
