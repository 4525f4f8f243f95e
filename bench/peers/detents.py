"""Detent, in the arrangements that are compared: workers over HTTP, HTTP tasks, and chains of Pass states through boto3."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from bench.peers.chains import Chain
from bench.peers.system import APPS, INPUT, Ports, System

SERVE = (sys.executable, "-c", "from cli.main import main; main()", "serve")


def definition(resource: str, steps: int) -> dict[str, Any]:
    states: dict[str, Any] = {}
    for number in range(steps):
        following = {"End": True} if number == steps - 1 else {"Next": f"T{number + 1}"}
        states[f"T{number}"] = {
            "Type": "Task",
            "Resource": resource,
            "ResultPath": "$.done",
            **following,
        }
    return {"StartAt": "T0", "States": states}


class _Detent(System):
    """`detent serve` with its embedded Redis, appendfsync always: what it starts with where nobody says otherwise."""

    async def serve(self) -> str:
        """Start the server; its address."""
        port = Ports.next()
        self.spawn(
            *(*SERVE, "--port", str(port), "--data", self.folder / "data"),
            DETENT_LOG_LEVEL="warning",
        )
        url = f"http://127.0.0.1:{port}"
        await self.ready(f"{url}/readyz")
        return url

    async def publish(self, url: str, resource: str) -> None:
        session = await self.connect(url)
        async with session.put("/v1/definitions/peers", json=definition(resource, 5)) as answer:
            assert answer.status == 201, await answer.text()

    async def one(self) -> None:
        seen = await self.post("/v1/definitions/peers/executions?wait=60", {"input": INPUT})
        if seen.get("status") != "SUCCEEDED":
            raise RuntimeError(str(seen)[:200])


class DetentWorker(_Detent):
    """Each step is a task that an SDK worker, a process of its own, performs over HTTP."""

    name: ClassVar[str] = "Detent, workers"

    async def start(self) -> None:
        url = await self.serve()
        await self.publish(url, "activity:peers")
        self.spawn(sys.executable, APPS / "detent_worker.py", url)


class DetentHttp(_Detent):
    """Each step is an HTTP call that the engine makes to a small server, a process of its own."""

    name: ClassVar[str] = "Detent, HTTP tasks"

    async def start(self) -> None:
        url = await self.serve()
        port = Ports.next()
        self.spawn(sys.executable, APPS / "http_app.py", str(port))
        await self.ready(f"http://127.0.0.1:{port}/")
        await self.publish(url, f"http://127.0.0.1:{port}/step")


class _DetentChain(Chain, _Detent):
    async def start(self) -> None:
        self.open(await self.serve())


class DetentChain10(_DetentChain):
    name: ClassVar[str] = "Detent, boto3, 10 Pass states"
    steps: ClassVar[int] = 10


class DetentChain100(_DetentChain):
    name: ClassVar[str] = "Detent, boto3, 100 Pass states"
    steps: ClassVar[int] = 100
