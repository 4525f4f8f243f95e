"""Small executions, one after the other, that tell how long nothing went on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

import httpx2

DEFINITION = "probe"
TEXT = """
StartAt: First
States:
  First: {Type: Pass, Next: Second}
  Second: {Type: Pass, End: true}
"""
EVERY_SECONDS = 0.1
ANSWER_SECONDS = 3.0


@dataclass
class Probes:
    """Each is asked for again until it has succeeded; `done` holds (begun, ended) of each, by the monotonic clock."""

    url: str
    token: str
    done: list[tuple[float, float]] = field(default_factory=list)
    lags: list[tuple[float, float]] = field(
        default_factory=list
    )  # when, and by how much a sleep was late
    begun: float = 0.0

    async def run(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx2.AsyncClient(
            base_url=self.url, headers=headers, timeout=ANSWER_SECONDS
        ) as client:
            while not await self._published(client):
                await self._pause()
            number = 0
            while True:
                number += 1
                self.begun = time.monotonic()
                while not await self._succeeds(client, f"p-{number}"):
                    await self._pause()
                self.done.append((self.begun, time.monotonic()))
                await self._pause()

    async def _published(self, client: httpx2.AsyncClient) -> bool:
        with contextlib.suppress(httpx2.HTTPError):
            answer = await client.put(
                f"/v1/definitions/{DEFINITION}",
                content=TEXT,
                headers={"Content-Type": "application/yaml"},
            )
            return answer.is_success
        return False

    async def _pause(self) -> None:
        before = time.monotonic()
        await asyncio.sleep(EVERY_SECONDS)
        late = time.monotonic() - before - EVERY_SECONDS
        self.lags.append((before, late))

    async def _succeeds(self, client: httpx2.AsyncClient, name: str) -> bool:
        with contextlib.suppress(httpx2.HTTPError):
            await client.post(f"/v1/definitions/{DEFINITION}/executions", json={"name": name})
            found = await client.get(f"/v1/executions/{DEFINITION}:{name}", params={"wait": 1})
            return found.status_code == 200 and found.json()["status"] == "SUCCEEDED"
        return False

    async def recovered(self, at: float, seconds: float) -> float | None:
        """Seconds from a moment until a probe that was begun after it, or in progress at it, and the next have ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            after = [ended for _, ended in self.done if ended > at]
            if len(after) >= 2:
                return after[1] - at
            await asyncio.sleep(0.05)
        return None

    def lag(self, since: float) -> float:
        """By how much this process was late at most since then: what a busy machine does to everybody."""
        return max((late for when, late in self.lags if when >= since), default=0.0)
