"""A task that was taken for a worker who hung up before the answer goes to another; none is lost with a connection."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from desk import ME

from api.app import create_app
from engine.settings import Settings
from engine.store.catalog.activities import Encryption

ARN = "arn:aws:states:us-east-1:000000000000:activity:pay"
SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/",
    "headers": [
        (b"host", b"localhost:8083"),
        (b"x-amz-target", b"AWSStepFunctions.GetActivityTask"),
    ],
}


async def test_a_task_kept_for_a_worker_who_has_hung_up_goes_to_another(desk):
    activities = desk.engine.activities
    await activities.create(ME, "pay", Encryption(), {})
    await desk.publish({"Pay": {"Type": "Task", "Resource": ARN, "End": True}})
    execution = await desk.start("one")
    kept, sent = asyncio.Event(), []
    keep = activities.keep

    async def keep_and_tell(*given: Any) -> None:
        await keep(*given)
        kept.set()

    bodies = [json.dumps({"activityArn": ARN}).encode()]

    async def receive() -> dict[str, Any]:
        if bodies:
            return {"type": "http.request", "body": bodies.pop(), "more_body": False}
        await kept.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    activities.keep = keep_and_tell
    await create_app(desk.engine, Settings())(dict(SCOPE), receive, send)
    activities.keep = keep
    assert kept.is_set()
    assert not sent
    task = await activities.lease(ME, "pay", wait_ms=60_000, worker="other")
    await activities.keep(ME, task)
    await desk.succeed(task)
    assert (await desk.end(execution)).status == "SUCCEEDED"
