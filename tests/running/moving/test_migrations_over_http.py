"""Migrations and orders to many, as operators give them: the command line and plain HTTP against one live server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner

from api.app import create_app
from api.server import serving
from cli.authoring.watching import Watcher
from cli.failures import Unreachable
from cli.http import Server
from cli.main import main
from engine.settings import Settings

END = {"Type": "Succeed"}
OLD = {"A": {"Type": "Task", "Resource": "signal:go", "Next": "Done"}, "Done": END}
# Nothing that `A` could have become: a wait for another signal, behind another state.
OTHER = {
    "Check": {"Type": "Task", "Resource": "activity:check", "Next": "B"},
    "B": {"Type": "Task", "Resource": "signal:other", "TimeoutSeconds": 99, "Next": "Done"},
    "Done": END,
}
RENAMED = {"B": OLD["A"], "Done": END}


def text(states: dict[str, Any], **top: Any) -> str:
    return json.dumps({"StartAt": next(iter(states)), "States": states, **top})


class Operator:
    """Somebody at a terminal, with a folder of definitions and `curl`."""

    def __init__(self, url: str, folder: Any) -> None:
        self.url = url
        self.folder = folder
        self.http = httpx2.AsyncClient(base_url=url, timeout=60)

    async def detent(self, *arguments: str, exits: int = 0) -> str:
        """What a command prints, on both channels."""
        result = await asyncio.to_thread(CliRunner().invoke, main, list(arguments))
        assert result.exit_code == exits, result.output
        return result.output

    async def shown(self, *arguments: str, exits: int = 0) -> Any:
        return json.loads(await self.detent(*arguments, "--json", exits=exits))

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        content = body if isinstance(body, str | None) else json.dumps(body)
        headers = {"content-type": "application/json"}
        answer = await self.http.request(method, path, content=content, headers=headers)
        return answer.status_code, answer.json()

    def save(self, states: dict[str, Any] | str, name: str = "d", **top: Any) -> str:
        file = self.folder / f"{name}.json"
        file.write_text(states if isinstance(states, str) else text(states, **top))
        return str(file)

    async def parked(self, count: int, states: dict[str, Any] = OLD, **top: Any) -> list[str]:
        """So many executions of version 1, all of which wait for a signal."""
        assert (await self.call("PUT", "/v1/definitions/d", text(states, **top)))[0] == 201
        ids = [f"d:n{number}" for number in range(count)]
        for each in ids:
            await self.call("POST", "/v1/definitions/d/executions", {"name": each[2:]})
        await self.until(lambda: self.count(state=next(iter(states))), count)
        return ids

    async def count(self, **wanted: Any) -> int:
        _, found = await self.call(
            "GET", str(httpx2.URL("/v1/executions", params={"definition": "d", **wanted}))
        )
        return len(found["executions"])

    async def done(self, operation: str) -> dict[str, int]:
        """The answers of an operation, once all are there."""
        shown = await self.shown("operations", operation, "--wait", exits=0)
        assert (shown["status"], shown["waiting"]) == ("DONE", 0)
        return shown["answers"]

    async def until(self, look: Any, wanted: Any) -> None:
        async with asyncio.timeout(60):
            while await look() != wanted:
                await asyncio.sleep(0.02)

    async def versions(self) -> list[int]:
        _, page = await self.call("GET", "/v1/definitions/d/versions")
        return [each["version"] for each in page["versions"]]


@pytest.fixture
async def operator(engine: Any, tmp_path: Any, monkeypatch: Any) -> AsyncIterator[Operator]:
    settings = Settings(port=0, drain_seconds=2)
    async with serving(create_app(engine, settings), settings) as server:
        url = f"http://127.0.0.1:{server.port}"
        monkeypatch.setenv("DETENT_URL", url)
        operator = Operator(url, tmp_path)
        yield operator
        await operator.http.aclose()


# detent migrate, detent operations


async def test_a_plan_that_strands_nobody_exits_0_and_one_that_does_exits_3(operator):
    await operator.parked(4)
    await operator.call("PUT", "/v1/definitions/d", text(OTHER))
    plan = await operator.shown("migrate", "d", exits=3)
    assert (plan["examined"], plan["blocked"], plan["complete"]) == (4, 4, True)
    assert "blocked: state_removed" in await operator.detent("migrate", "d", exits=3)
    plan = await operator.shown("migrate", "d", "--map", "A=B")
    assert (plan["blocked"], plan["moves_by_mapping"]) == (0, 4)
    assert "moves to B" in await operator.detent("migrate", "d", "--map", "A=B")
    assert await operator.count(version=1) == 4


async def test_those_that_were_left_behind_are_listed_and_the_exit_code_says_so(operator):
    ids = await operator.parked(3)
    await operator.call("PUT", "/v1/definitions/d", text(OTHER))
    done = await operator.shown("migrate", "d", "--apply", exits=3)
    assert done["answers"] == {"blocked": 3}
    refused = await operator.shown("operations", done["id"], "--refused")
    assert sorted(each["execution"] for each in refused["executions"]) == ids
    assert "state_removed" in await operator.detent("operations", done["id"], "--refused")
    assert done["id"] in await operator.detent("operations")


async def test_a_part_is_moved_taken_back_and_then_all_are_moved_and_finish(operator):
    ids = await operator.parked(5)
    await operator.call("PUT", "/v1/definitions/d", text(RENAMED))
    some = await operator.shown("migrate", "d", "--apply", "--count", "2", "--reason", "trial")
    assert some["answers"] == {"moved": 2}
    assert await operator.count(version=2, state="B") == 2
    plan = await operator.shown("operations", some["id"], "--rollback")
    assert (plan["examined"], plan["moves_by_mapping"], plan["blocked"]) == (2, 2, 0)
    assert await operator.count(version=2) == 2
    back = await operator.shown("operations", some["id"], "--rollback", "--apply")
    assert (back["answers"], back["rolls_back"]) == ({"moved": 2}, some["id"])
    assert await operator.count(version=1, state="A") == 5
    done = await operator.shown("migrate", "d", "--apply")
    assert done["answers"] == {"moved": 5}
    for each in ids:
        await operator.call("POST", f"/v1/executions/{each}/signals/go", {"payload": each})
    await operator.until(lambda: operator.count(status="SUCCEEDED", version=2), 5)


async def test_a_slow_migration_is_paused_resumed_and_cancelled(operator):
    await operator.parked(12)
    await operator.call("PUT", "/v1/definitions/d", text(RENAMED))
    slow = ("migrate", "d", "--apply", "--rate", "1", "--no-wait")
    begun = await operator.shown(*slow)
    operation = begun["id"]
    assert begun["status"] == "RUNNING"
    assert (await operator.shown("operations", operation, "--pause"))["status"] == "PAUSED"
    assert (await operator.shown("operations", operation, "--resume"))["status"] == "RUNNING"
    assert (await operator.shown("operations", operation, "--cancel"))["status"] == "CANCELLED"
    ended = await operator.shown("operations", operation, "--resume", exits=1)
    assert ended["code"] == "operation_ended"
    assert await operator.count(version=1) > 0


async def test_steering_an_operation_that_nobody_began_is_refused(operator):
    await operator.detent("operations", "--refused", exits=2)
    refused = await operator.shown("operations", "nobody", "--pause", exits=1)
    assert refused["code"] == "operation_not_found"
    refused = await operator.shown("migrate", "nothing", exits=1)
    assert refused["code"] == "definition_not_found"


# detent publish, PUT with running=


async def test_a_publish_that_would_strand_somebody_publishes_nothing_unless_forced(operator):
    await operator.parked(2)
    file = operator.save(OTHER)
    plans = await operator.shown("publish", file, "--dry-run", exits=3)
    assert [plan["blocked"] for plan in plans["plans"]] == [2]
    await operator.detent("publish", file, "--running", "migrate", exits=3)
    assert await operator.versions() == [1]
    published = await operator.shown("publish", file, "--running", "migrate", "--force")
    [answer] = published["definitions"]
    assert answer["version"] == 2
    shown = await operator.shown("operations", answer["migration"], "--wait", exits=3)
    assert shown["answers"] == {"blocked": 2}


async def test_a_dry_run_that_strands_nobody_publishes_nothing_and_exits_0(operator):
    await operator.parked(2)
    plans = await operator.shown("publish", operator.save(RENAMED), "--dry-run")
    assert [plan["mapping"] for plan in plans["plans"]] == [{"1": {"A": "B"}}]
    assert await operator.versions() == [1]
    await operator.detent("publish", str(operator.folder), "--running", "migrate")
    await operator.until(lambda: operator.count(version=2, state="B"), 2)


async def test_a_put_plans_or_migrates_as_it_is_told(operator):
    await operator.parked(3)
    status, planned = await operator.call("PUT", "/v1/definitions/d?running=plan", text(RENAMED))
    assert (status, planned["version"], planned["plan"]["moves_by_mapping"]) == (201, 2, 3)
    assert await operator.count(version=1) == 3
    status, moved = await operator.call("PUT", "/v1/definitions/d?running=migrate", text(RENAMED))
    assert (status, moved["changed"]) == (200, False)
    assert await operator.done(moved["migration"]) == {"moved": 3}


async def test_a_definition_can_say_itself_that_its_executions_move_and_a_put_can_overrule_it(
    operator,
):
    await operator.parked(3)
    moving = {"Detent": {"Running": "migrate"}}
    _, kept = await operator.call("PUT", "/v1/definitions/d?running=keep", text(RENAMED, **moving))
    assert "migration" not in kept
    assert await operator.count(version=1) == 3
    _, moved = await operator.call(
        "PUT", "/v1/definitions/d", text(RENAMED, Comment="once more", **moving)
    )
    assert moved["version"] == 3
    assert await operator.done(moved["migration"]) == {"moved": 3}


async def test_verdicts_are_listed_one_by_one_for_a_version_and_for_a_text_not_yet_published(
    operator,
):
    ids = await operator.parked(3)
    path = "/v1/definitions/d/migrations:verdicts"
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        _, page = await operator.call(
            "POST", f"{path}?outcome=blocked&limit=1&cursor={cursor}" if cursor else f"{path}?outcome=blocked&limit=1",
            {"text": text(OTHER)},
        )  # fmt: skip
        found += [each["id"] for each in page["executions"]]
        cursor = page["next"]
    assert sorted(found) == ids
    _, page = await operator.call("POST", path, {"text": text(OTHER), "mapping": {"A": "B"}})
    assert {each["outcome"] for each in page["executions"]} == {"moves_by_mapping"}
    body = {"text": text(OTHER), "mode": "apply"}
    status, refused = await operator.call("POST", "/v1/definitions/d/migrations", body)
    assert (status, refused["code"]) == (400, "invalid_request")


# Orders to many


async def test_orders_reach_those_that_the_filter_wants_and_each_answers(operator):
    await operator.parked(4)
    path = "/v1/definitions/d/operations"
    status, begun = await operator.call(
        "POST", path, {"verb": "pause", "filter": {"ids": ["n0", "d:n1"]}, "id": "hold"}
    )
    assert (status, begun["id"], begun["kind"]) == (202, "hold", "pause")
    assert await operator.done("hold") == {"done": 2}
    await operator.call("POST", path, {"verb": "pause", "id": "all"})
    shown = await operator.shown("operations", "all", "--wait", exits=3)
    assert shown["answers"] == {"done": 2, "refused": 2}
    _, refused = await operator.call("GET", "/v1/operations/all/executions")
    assert {(each["execution"], each["reason"]) for each in refused["executions"]} == {
        ("d:n0", "already_paused"),
        ("d:n1", "already_paused"),
    }
    _, begun = await operator.call("POST", path, {"verb": "resume"})
    assert await operator.done(begun["id"]) == {"done": 4}
    order = {"verb": "skip", "output": {"by": "hand"}, "filter": {"state": "A"}}
    _, begun = await operator.call("POST", path, order)
    assert await operator.done(begun["id"]) == {"done": 4}
    await operator.until(lambda: operator.count(status="SUCCEEDED"), 4)
    _, one = await operator.call("GET", "/v1/executions/d:n3")
    assert one["output"] == {"by": "hand"}


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ({"verb": "goto"}, "goto needs state"),
        ({"verb": "skip"}, "skip needs output"),
        ({"verb": "pause", "state": "A"}, "pause does not take state"),
        ({"verb": "variables", "variables": [1]}, "variables is an object"),
        ({"verb": "cancel", "filter": {"started_after": "yesterday"}}, "yesterday"),
    ],
    ids=lambda given: given["verb"] if isinstance(given, dict) else None,
)
async def test_an_order_that_cannot_be_is_refused_and_no_operation_begins(operator, order, told):
    await operator.call("PUT", "/v1/definitions/d", text(OLD))
    status, refused = await operator.call("POST", "/v1/definitions/d/operations", order)
    assert (status, refused["code"]) == (400, "invalid_request")
    assert told in refused["detail"]
    _, page = await operator.call("GET", "/v1/operations")
    assert page["operations"] == []


# serve --watch


async def test_a_watcher_publishes_what_is_new_or_changed_and_says_what_that_means(
    operator, capsys
):
    watcher = Watcher(operator.folder, Server(operator.url))
    operator.save(OLD)
    (operator.folder / "notes.txt").write_text("no definition")
    assert await asyncio.to_thread(watcher.tick) == ["d"]
    assert await asyncio.to_thread(watcher.tick) == []
    assert "d: version 1 is new" in capsys.readouterr().err
    await operator.call("POST", "/v1/definitions/d/executions", {"name": "n0"})
    await operator.until(lambda: operator.count(state="A"), 1)
    operator.save(OTHER)
    assert await asyncio.to_thread(watcher.tick) == ["d"]
    told = capsys.readouterr().err
    assert "d: version 2 is new" in told
    assert "blocked: state_removed" in told
    operator.save(RENAMED, Detent={"Running": "migrate"})
    await asyncio.to_thread(watcher.tick)
    assert "its executions are migrating as" in capsys.readouterr().err
    await operator.until(lambda: operator.count(version=3, state="B"), 1)


async def test_a_watcher_shows_what_is_wrong_once_and_goes_on_with_the_others(operator, capsys):
    watcher = Watcher(operator.folder, Server(operator.url))
    operator.save(text({"A": {"Type": "Pass", "Next": "Nowhere"}}), "bad")
    operator.save(OLD, "good")
    assert await asyncio.to_thread(watcher.tick) == ["bad", "good"]
    told = capsys.readouterr().err
    assert "bad: not published" in told
    assert "Nowhere" in told
    assert "good: version 1 is new" in told
    assert await asyncio.to_thread(watcher.tick) == []


async def test_a_watcher_tries_again_what_it_could_not_publish_while_the_server_was_away(
    operator,
):
    away = Server("http://127.0.0.1:1")
    watcher = Watcher(operator.folder, away)
    operator.save(OLD)
    with pytest.raises(Unreachable):
        await asyncio.to_thread(watcher.tick)
    watcher._server = Server(operator.url)
    assert await asyncio.to_thread(watcher.tick) == ["d"]
    assert await operator.versions() == [1]


async def test_the_children_of_a_distributed_map_move_by_a_migration_of_their_own(operator):
    def over(last: str) -> str:
        states = {
            "A": {**OLD["A"], "Next": last},
            last: {"Type": "Pass", "Result": last, "End": True},
        }
        config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        processor = {"ProcessorConfig": config, "StartAt": "A", "States": states}
        return text({"M": {"Type": "Map", "Label": "L", "ItemProcessor": processor, "End": True}})

    async def waiting(**wanted: Any) -> list[str]:
        query = httpx2.URL("/v1/executions", params={"definition": "d~L", "state": "A", **wanted})
        _, found = await operator.call("GET", str(query))
        return [each["id"] for each in found["executions"]]

    async def waiting_count(**wanted: Any) -> int:
        return len(await waiting(**wanted))

    await operator.call("PUT", "/v1/definitions/d", over("Old"))
    started = {"name": "n", "input": [1, 2, 3]}
    await operator.call("POST", "/v1/definitions/d/executions", started)
    await operator.until(waiting_count, 3)
    await operator.call("PUT", "/v1/definitions/d", over("New"))
    _, plan = await operator.call("POST", "/v1/definitions/d~L/migrations", {})
    assert (plan["examined"], plan["moves"], plan["mapping"]) == (3, 3, {"1": {"Old": "New"}})
    wish = {"mode": "apply"}
    _, begun = await operator.call("POST", "/v1/definitions/d~L/migrations", wish)
    assert await operator.done(begun["id"]) == {"moved": 3}
    for each in await waiting(version=2):
        await operator.call("POST", f"/v1/executions/{each}/signals/go", {})
    await operator.until(lambda: operator.count(status="SUCCEEDED", version=1), 1)
    _, ended = await operator.call("GET", "/v1/executions/d:n")
    assert ended["output"] == ["New", "New", "New"]
