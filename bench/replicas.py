"""What does it cost to await replicas? Executions of a Pass/Choice chain with DETENT_WAIT_REPLICAS at 0, 1 and 2.

One primary and two replicas on this machine, each with its log flushed at every write; the engine runs in this process.
Many executions at once share the waits of a write; one alone pays each of them. All settings take turns in every round.
The replicas take part of the same cores and the same disk: on machines of their own less is lost, and a network adds its
round trip to each wait.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from _lab import Store, arguments, close, engine, folder, machine, run, show
from _lab.chain import advance, publish

from tests.chaos.sentinel.servers import Options, Servers

STATES = 10
LONE_STATES = 100
WAITS = (0, 1, 2)


async def measure(at: Store, replicas: int, executions: int) -> dict[str, float]:
    async with engine(at.url, wait_replicas=replicas) as running:
        chain = await publish(running, STATES)
        await advance(running, at, chain, 20)
        many = await advance(running, at, chain, executions)
        lone = await publish(running, LONE_STATES)
        alone = await advance(running, at, lone, 1)
    return {
        "per_second": many["per_second"],
        "engine_us": many["engine_us"],
        "redis_us": many["redis_us"],
        "alone_ms": 1000 / alone["per_second"],
    }


async def main() -> None:
    options = arguments(
        __doc__ or "",
        executions=(1000, "executions of 10 states at once"),
        rounds=(3, "rounds of all settings, in turns"),
    )
    result: dict[str, Any] = {}
    with folder(options.data) as path:
        servers = Servers(path, Options())
        try:
            servers.start(sentinels=False)
            at = Store(f"redis://127.0.0.1:{servers.servers[0].port}")
            result["machine"] = machine(at, options.data)
            show("machine", result["machine"])
            found: dict[int, list[dict[str, float]]] = {replicas: [] for replicas in WAITS}
            for _ in range(options.rounds):
                for replicas in WAITS:
                    found[replicas].append(await measure(at, replicas, options.executions))
        finally:
            servers.close()
    for replicas, rounds in found.items():
        # Of each round by itself: a slow half minute is in all of its settings.
        ratio = median(
            ours["per_second"] / none["per_second"]
            for ours, none in zip(rounds, found[0], strict=True)
        )
        figures = {name: median(each[name] for each in rounds) for name in rounds[0]}
        result[f"awaiting {replicas}"] = figures | {"ratio": ratio}
        show(f"awaiting {replicas} of 2 replicas", result[f"awaiting {replicas}"])
    close(options, result)


if __name__ == "__main__":
    run(main())
