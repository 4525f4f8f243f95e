"""The workflow on Restate: five durable steps that do nothing, as a service that the Restate server calls.

Run in the peers' environment as: restate_app.py PORT. Served by Hypercorn over HTTP/2, as Restate's guide for Python
recommends, so that one connection carries all invocations.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import hypercorn.asyncio
import restate
import uvloop

STEPS = 5

service = restate.Service("Peers")


async def step(number: int) -> dict[str, int]:
    return {"step": number}


@service.handler()
async def run(ctx: restate.Context, given: dict[str, Any]) -> dict[str, Any]:
    done: Any = {}
    for number in range(STEPS):
        done = await ctx.run_typed(f"step {number}", step, number=number)
    return {**given, "done": done}


def main(port: int) -> None:
    config = hypercorn.Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.loglevel = "WARNING"
    config.h2_max_concurrent_streams = 2_147_483_647
    config.keep_alive_max_requests = 2_147_483_647
    config.keep_alive_timeout = 2_147_483_647
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(hypercorn.asyncio.serve(restate.app([service]), config))  # type: ignore[arg-type]


if __name__ == "__main__":
    main(int(sys.argv[1]))
