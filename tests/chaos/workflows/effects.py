"""The effect server: the world that HTTP tasks act on. What it has done is on the disk before it answers, if it answers."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from detent import Client

from tests.chaos.rig.journal import Journal
from tests.chaos.workflows import acts
from tests.chaos.workflows.acts import Act
from tests.chaos.workflows.performers import PATIENCE_SECONDS, note, settle

MUTE_SECONDS = 30.0  # longer than any caller waits


class EffectServer:
    """Answers, delays, refuses, breaks off after the deed, and calls back. `api` is where callbacks go."""

    def __init__(self, seed: int, api: str, effects: Journal, operations: Journal) -> None:
        self._seed = seed
        self._effects = effects
        self._operations = operations
        self._client = Client(api, retry_seconds=PATIENCE_SECONDS)
        self._calling: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Begin to listen on a free port; returns the URL."""
        app = web.Application()
        app.router.add_post("/do", self._do)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        for task in self._calling:
            task.cancel()
        await asyncio.gather(*self._calling, return_exceptions=True)
        await self._client.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _do(self, request: web.Request) -> web.StreamResponse:
        given = await request.json()
        execution = unquote(request.headers["Detent-Execution"])
        attempt = int(request.headers["Detent-Attempt"])
        kind = given["kind"]
        act = acts.act_of(self._seed, execution, given["state"], given["item"], kind)
        is_busy = attempt <= act.busy
        done = not is_busy and act.error is None and kind != "mute"
        token = request.headers.get("Detent-Task-Token", "")
        key = request.headers["Idempotency-Key"]
        await note(
            self._effects, given, execution=execution, done=done, key=key,
            token=token or f"{execution}/{given['state']}/{given['item']}/{attempt}", attempt=attempt,
        )  # fmt: skip
        if kind == "callback" and act.manner == "early":
            await self._call_back(token, given, act)
        if kind == "mute":
            await asyncio.sleep(MUTE_SECONDS)
        if kind == "callback":
            if act.manner != "early":
                self._later(self._call_back(token, given, act))
            return web.json_response({"taken": True}, status=202)
        if act.manner == "reset" and attempt == act.busy + 1 and request.transport is not None:
            request.transport.abort()
            return web.Response()
        await asyncio.sleep(act.delay if act.manner == "slow" else 0)
        if is_busy:
            return web.Response(status=503, headers={"Retry-After": "1"})
        if act.error is not None:
            return web.Response(status=422, text="declined")
        return web.json_response(acts.result_of(given))

    def _later(self, deed: Any) -> None:
        task = asyncio.create_task(deed)
        self._calling.add(task)
        task.add_done_callback(self._calling.discard)

    async def _call_back(self, token: str, given: dict[str, Any], act: Act) -> None:
        if act.manner == "slow":
            await asyncio.sleep(act.delay)
        if act.error is not None:
            await settle(self._operations, token, "settle", self._client.fail(token, act.error))
            return
        output = acts.result_of(given)
        accepted = await settle(
            self._operations, token, "settle", self._client.succeed(token, output)
        )
        if act.manner == "twice" and accepted:
            again = self._client.succeed(token, output)
            await settle(self._operations, token, "again", again)
            other = self._client.succeed(token, {"other": True})
            await settle(self._operations, token, "otherwise", other)
