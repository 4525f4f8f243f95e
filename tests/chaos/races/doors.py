"""Ways into a running Detent for those who race: its commands in this process, or HTTP. One answer shape for both."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from detent import Client, DetentError

from engine.clock import parse_iso
from engine.documents import Document
from engine.errors import EngineError
from engine.serve import Engine
from engine.views import Ask, Caller, Outcome

ME = Caller()
WAIT_MS = 60_000
READY_SECONDS = 60
TASK_LEASE_SECONDS = 300  # longer than any race: no task is handed out twice here


class Refused(Exception):
    """The server said no. `told` is what it says has happened instead."""

    def __init__(self, status: int, code: str, told: str = "") -> None:
        super().__init__(f"{status} {code} {told}".rstrip())
        self.status = status
        self.code = code
        self.told = told


@dataclass(frozen=True)
class Held:
    """A task in a racer's hands."""

    token: str
    lease: str
    execution: str
    attempt: int


@dataclass(frozen=True)
class End:
    """How an execution stands. `kept`: how many signals it lists that no state has taken."""

    status: str
    output: Any
    kept: int


class Door(Protocol):
    """All raise Refused."""

    async def publish(self, name: str, text: bytes) -> None: ...
    async def start(self, definition: str, name: str) -> str: ...
    async def lease(self, queue: str, most: int) -> list[Held]: ...
    async def succeed(self, token: str, output: Any, lease: str | None) -> None: ...
    async def fail(self, token: str, error: str, lease: str | None) -> None: ...
    async def heartbeat(self, token: str) -> None: ...
    async def signal(self, execution: str, name: str, payload: Any) -> None: ...
    async def stop(self, execution: str) -> str: ...
    async def order(self, execution: str, order: str) -> str: ...
    async def due(self, execution: str) -> float | None: ...
    async def end(self, execution: str) -> End: ...
    async def history(self, execution: str) -> list[dict[str, Any]]: ...


class Inside:
    """The commands and queries of an engine in this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def publish(self, name: str, text: bytes) -> None:
        await _told(self._engine.commands.publish(ME, name, text, "json"))

    async def start(self, definition: str, name: str) -> str:
        given = Document.of({})
        deed = self._engine.commands.start(ME, definition, name=name, input=given, version=None)
        return (await _told(deed)).execution.id

    async def lease(self, queue: str, most: int) -> list[Held]:
        deed = self._engine.commands.lease(
            ME, queue, most=most, wait_ms=1000, lease_ms=TASK_LEASE_SECONDS * 1000, worker="racer"
        )
        return [Held(t.token, t.lease, t.execution, t.attempt) for t in await _told(deed)]

    async def succeed(self, token: str, output: Any, lease: str | None) -> None:
        outcome = Outcome(token, output=Document.of(output), lease=lease)
        await _told(self._engine.commands.settle(ME, outcome))

    async def fail(self, token: str, error: str, lease: str | None) -> None:
        await _told(self._engine.commands.settle(ME, Outcome(token, error=error, lease=lease)))

    async def heartbeat(self, token: str) -> None:
        await _told(self._engine.commands.heartbeat(ME, token, None, None))

    async def signal(self, execution: str, name: str, payload: Any) -> None:
        await _told(self._engine.commands.signal(ME, execution, name, Document.of(payload), None))

    async def stop(self, execution: str) -> str:
        return (await _told(self._engine.commands.stop(ME, execution, None, None, WAIT_MS))).status

    async def order(self, execution: str, order: str) -> str:
        operating, ask = self._engine.commands, Ask(wait_ms=WAIT_MS)
        match order:
            case "terminate":
                deed = operating.terminate(ME, execution, ask, None, None)
            case "pause":
                deed = operating.pause(ME, execution, ask, "hold")
            case _:
                deed = operating.resume(ME, execution, ask)
        return (await _told(deed)).execution.status

    async def due(self, execution: str) -> float | None:
        """When its timer falls due, in seconds since 1970; None while there is none."""
        view = await _told(self._engine.queries.describe(ME, execution))
        return parse_iso(view.timers[0].due) / 1000 if view.timers else None

    async def end(self, execution: str) -> End:
        view = await _told(self._engine.queries.describe(ME, execution, WAIT_MS))
        return End(view.status, _value(view.output), len(view.signals))

    async def history(self, execution: str) -> list[dict[str, Any]]:
        page = await _told(
            self._engine.queries.history(ME, execution, after=None, limit=1000, descending=False)
        )
        return list(page.events)


class Outside:
    """HTTP, by the SDK's client, which is told to repeat nothing."""

    def __init__(self, url: str) -> None:
        self._client = Client(url, retry_seconds=0)

    async def opened(self) -> None:
        """Return when somebody listens behind it."""
        async with asyncio.timeout(READY_SECONDS):
            while True:
                try:
                    await self._client.health()
                    return
                except DetentError:
                    await asyncio.sleep(0.1)

    async def close(self) -> None:
        await self._client.close()

    async def publish(self, name: str, text: bytes) -> None:
        await _heard(self._client.publish(name, text))

    async def start(self, definition: str, name: str) -> str:
        return (await _heard(self._client.start(definition, {}, name=name)))["id"]

    async def lease(self, queue: str, most: int) -> list[Held]:
        tasks = await _heard(
            self._client.lease(
                queue, most=most, wait_seconds=1, lease_seconds=TASK_LEASE_SECONDS, worker="racer"
            )
        )
        return [Held(t["token"], t["lease"], t["execution"], t["attempt"]) for t in tasks]

    async def succeed(self, token: str, output: Any, lease: str | None) -> None:
        await _heard(self._client.succeed(token, output, lease=lease))

    async def fail(self, token: str, error: str, lease: str | None) -> None:
        await _heard(self._client.fail(token, error, lease=lease))

    async def heartbeat(self, token: str) -> None:
        await _heard(self._client.heartbeat(token))

    async def signal(self, execution: str, name: str, payload: Any) -> None:
        await _heard(self._client.signal(execution, name, payload))

    async def stop(self, execution: str) -> str:
        return (await _heard(self._client.stop(execution)))["status"]

    async def order(self, execution: str, order: Any) -> str:
        return (await _heard(self._client.order(execution, order)))["status"]

    async def due(self, execution: str) -> float | None:
        timers = (await _heard(self._client.describe(execution)))["timers"]
        return parse_iso(timers[0]["due"]) / 1000 if timers else None

    async def end(self, execution: str) -> End:
        view = await _heard(self._client.describe(execution, wait_seconds=WAIT_MS / 1000))
        return End(view["status"], view.get("output"), len(view["signals"]))

    async def history(self, execution: str) -> list[dict[str, Any]]:
        return [event async for event in self._client.history(execution)]


def _value(found: Any) -> Any:
    return found.value if isinstance(found, Document) else None


async def _told(deed: Any) -> Any:
    try:
        return await deed
    except EngineError as error:
        facts = error.facts
        told = facts.get("outcome") or facts.get("execution_status") or facts.get("reason") or ""
        raise Refused(error.status, error.code, str(told)) from None


async def _heard(deed: Any) -> Any:
    try:
        return await deed
    except DetentError as error:
        problem = error.problem
        told = (
            problem.get("outcome") or problem.get("execution_status") or problem.get("reason") or ""
        )
        raise Refused(error.status, error.code, str(told)) from None
