"""Ordinary executions at a steady rate: what they take from the start to the answer that they have succeeded."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import defaultdict
from dataclasses import dataclass, field

import aiohttp

NAME = "neighbour"
DEFINITION = {
    "StartAt": "Count",
    "States": {
        "Count": {"Type": "Pass", "Parameters": {"n.$": "$.n"}, "Next": "Large"},
        "Large": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericGreaterThan": 10, "Next": "Done"}],
            "Default": "Done",
        },
        "Done": {"Type": "Succeed"},
    },
}
WAIT_SECONDS = 30


def percentile(values: list[float], share: float) -> float:
    """The value that this share of all does not exceed; 0 for none."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def slowness(milliseconds: float = 10.0) -> float:
    """How many times longer work takes here than the CPU it uses: 1 on an idle machine."""
    began, cpu = time.perf_counter(), time.process_time()
    while time.process_time() - cpu < milliseconds / 1000:
        pass
    return max(1.0, (time.perf_counter() - began) / (time.process_time() - cpu))


@dataclass
class Neighbours:
    """Starts `per_second` executions, whatever becomes of the ones before, so that a stall is felt by all that it holds up."""

    client: aiohttp.ClientSession
    per_second: float
    phase: str = "quiet"
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: list[str] = field(default_factory=list)

    async def publish(self) -> None:
        async with self.client.put(f"/v1/definitions/{NAME}", json=DEFINITION) as answer:
            assert answer.status in {200, 201}, await answer.text()

    async def run(self) -> None:
        """Until cancelled; what is under way then is not counted."""
        async with asyncio.TaskGroup() as group:
            began = time.perf_counter()
            for number in itertools.count():
                await asyncio.sleep(
                    max(0.0, began + number / self.per_second - time.perf_counter())
                )
                group.create_task(self._one(self.phase))

    async def measure(self, phase: str, count: int, at_once: int = 8) -> None:
        """`count` executions, `at_once` at a time."""
        left = iter(range(count))

        async def repeat() -> None:
            for _ in left:
                await self._one(phase)

        await asyncio.gather(*(repeat() for _ in range(at_once)))

    async def _one(self, phase: str) -> None:
        began = time.perf_counter()
        try:
            failure = await self._ends()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            failure = repr(error)
        if failure is None:
            self.seconds[phase].append(time.perf_counter() - began)
        else:
            self.failures.append(f"{phase}: {failure}")

    async def _ends(self) -> str | None:
        """Start one and wait for its success; what happened instead, where something else did."""
        path = f"/v1/definitions/{NAME}/executions"
        async with self.client.post(path, json={"input": {"n": 7}}) as answer:
            started = await answer.json()
            if answer.status != 201:
                return f"start: {answer.status} {started}"
        path = f"/v1/executions/{started['id']}?wait={WAIT_SECONDS}"
        async with self.client.get(path) as answer:
            ended = await answer.json()
            return None if ended.get("status") == "SUCCEEDED" else f"{answer.status} {ended}"

    def figures(self) -> dict[str, float]:
        """Counts and percentiles of every phase, and the p99 of each over that of the quiet one."""
        found: dict[str, float] = {}
        quiet = percentile(self.seconds["quiet"], 0.99)
        for phase, values in self.seconds.items():
            found[f"{phase}_count"] = len(values)
            found[f"{phase}_p50_ms"] = round(1000 * percentile(values, 0.5), 1)
            found[f"{phase}_p99_ms"] = round(1000 * percentile(values, 0.99), 1)
            if phase != "quiet" and quiet:
                found[f"{phase}_p99_ratio"] = round(percentile(values, 0.99) / quiet, 2)
        return found
