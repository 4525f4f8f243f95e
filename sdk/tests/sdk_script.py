"""A protocol script: an HTTP server that answers what a test wrote down and keeps what it was asked.

It decides nothing an engine would decide: no state follows from a request. `Cut` breaks the connection instead of
answering; a function is called with the request seen.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


class Cut:
    """The connection breaks after the request was read."""


@dataclass
class Answer:
    body: Any = None
    status: int = 200
    headers: dict[str, str] | None = None


@dataclass
class Seen:
    method: str
    path: str  # as it came, percent-encoded
    query: dict[str, str]
    body: Any
    headers: Any
    pairs: list[tuple[str, str]]  # of the query, in order


def problem(status: int, code: str, **facts: Any) -> Answer:
    body = {"type": f"urn:detent:error:{code}", "title": "No.", "status": status, "code": code}
    return Answer({**body, **facts}, status)


class Script:
    """Answers by "METHOD path": the next one written down, the last one ever after."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.answers: dict[str, deque[Any]] = defaultdict(deque)
        self.otherwise: Any = problem(404, "not_in_the_script")
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    def on(self, request: str, *answers: Any) -> None:
        self.answers[request].extend(answers)

    def requests(self, request: str) -> list[Seen]:
        return [seen for seen in self.seen if f"{seen.method} {seen.path}" == request]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        text = await request.read()
        try:
            body = json.loads(text) if text else None
        except ValueError:
            body = text.decode()
        path = request.rel_url.raw_path
        seen = Seen(
            request.method,
            path,
            dict(request.query),
            body,
            request.headers,
            [*request.query.items()],
        )
        self.seen.append(seen)
        answers = self.answers[f"{request.method} {path}"]
        if not answers:
            answer = self.otherwise
        else:
            answer = answers.popleft() if len(answers) > 1 else answers[0]
        if callable(answer):
            answer = answer(seen)
            if asyncio.iscoroutine(answer):
                answer = await answer
        if isinstance(answer, Cut):
            request.transport.close()
        return _response(answer if isinstance(answer, Answer) else Answer(answer))


def _response(answer: Answer) -> web.Response:
    kind = "application/json" if answer.status < 400 else "application/problem+json"
    if isinstance(answer.body, str):
        return web.Response(text=answer.body, status=answer.status, headers=answer.headers)
    return web.json_response(
        answer.body, status=answer.status, headers=answer.headers, content_type=kind
    )


class TaskScript:
    """The task side, for one queue: hands out the batches written down, accepts every outcome.

    A poll that finds none is held until it may end, or there is one. `refusals` are answered, each once, to requests
    that carry results; `heartbeats` answers heartbeats.
    """

    def __init__(self, script: Script, queue: str = "charge") -> None:
        self.script = script
        self.queue = queue
        self.tasks: deque[dict[str, Any]] = deque()
        self.refusals: deque[Any] = deque()
        self.results: list[dict[str, Any]] = []
        self.leased_most = 0
        self.polls = 0
        self.news = asyncio.Event()
        script.on(f"POST /v1/queues/{queue}/exchange", self._exchange)

    @property
    def url(self) -> str:
        return self.script.url

    def add(self, *inputs: Any, **facts: Any) -> None:
        for value in inputs:
            number = len(self.tasks) + self.leased_most + 1
            self.tasks.append(
                lease(self.queue, f"{self.queue}-{number}-{id(value)}", value, **facts)
            )
        self.news.set()

    def heartbeats(self, token: str, *answers: Any) -> None:
        self.script.on(f"POST /v1/tasks/{token}/heartbeat", *answers)

    async def settled(self, count: int) -> list[dict[str, Any]]:
        await until(lambda: len(self.results) >= count)
        return self.results

    async def _exchange(self, seen: Seen) -> Any:
        if seen.body["results"] and self.refusals:
            refusal = self.refusals.popleft()
            return refusal(seen) if callable(refusal) else refusal
        self.results.extend(seen.body["results"])
        if seen.body["wait_seconds"]:
            self.polls += 1
            try:
                await self._tasks_or(seen.body["wait_seconds"])
            finally:
                self.polls -= 1
        tasks = [self.tasks.popleft() for _ in range(min(seen.body["max"], len(self.tasks)))]
        self.leased_most += len(tasks)
        answers = [{"token": r["token"], "status": "accepted"} for r in seen.body["results"]]
        return {"results": answers, "tasks": tasks}

    async def _tasks_or(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not self.tasks:
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            return


def lease(queue: str, token: str, value: Any, **facts: Any) -> dict[str, Any]:
    return {
        "token": token,
        "lease": f"lease-of-{token}",
        "queue": queue,
        "execution": "order:1",
        "definition": "order",
        "state": "Charge",
        "attempt": 1,
        "input": value,
        "idempotency_key": f"key-{token}",
        "lease_until": "2026-11-22T10:00:30.000Z",
        **facts,
    }


async def until(condition: Any, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
