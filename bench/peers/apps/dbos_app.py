"""The workflow on DBOS: five steps that do nothing, and the web server that starts it, in one process.

Run in the peers' environment as: dbos_app.py PORT DATABASE_URL POOL. `POST /run` runs one workflow and answers at its
end. `POST /load?concurrency=&seconds=&pids=` measures the same callers as for the others, but inside this process, without
HTTP, and answers with what the window saw.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from dbos import DBOS, DBOSConfig

# This runs in an environment that holds nothing of ours; both modules need none of it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import loading
import watching

STEPS = 5


@DBOS.step()
async def step(number: int) -> dict[str, int]:
    return {"step": number}


@DBOS.workflow()
async def workflow(given: dict[str, Any]) -> dict[str, Any]:
    done = {}
    for number in range(STEPS):
        done = await step(number)
    return {**given, "done": done}


async def one() -> None:
    await workflow({"order": 42})


async def load(concurrency: int, seconds: float, pids: list[int]) -> dict[str, Any]:
    cpu: list[float] = []

    def note() -> None:
        cpu.append(watching.cpu_seconds(pids))

    seen = await loading.run(one, concurrency, seconds, note, note)
    found = dataclasses.asdict(seen)
    del found["concurrency"]
    return {**found, "cpu": cpu[1] - cpu[0] if len(cpu) == 2 else 0.0}


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    answer: Any = "ready"
    if scope["path"] == "/run":
        answer = await workflow({"order": 42})
    elif scope["path"] == "/load":
        asked = parse_qs(scope["query_string"].decode())
        pids = [int(pid) for pid in asked["pids"][0].split(",")]
        answer = await load(int(asked["concurrency"][0]), float(asked["seconds"][0]), pids)
    body = json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main(port: int, url: str, pool: int) -> None:
    config: DBOSConfig = {
        "name": "peers",
        "system_database_url": url,
        "sys_db_pool_size": pool,
        "log_level": "WARNING",
        "max_executor_threads": max(64, pool),
    }
    DBOS(config=config)
    DBOS.launch()
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", loop="uvloop")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
