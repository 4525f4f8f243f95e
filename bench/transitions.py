"""What does a transition cost? One engine process, executions of a Pass/Choice chain, against the floor.

The engine runs in this process on uvloop, the embedded server in its own. The executions exist before the clock starts
and are then offered to the engine all at once: the figures hold claims and commits, not starts. Rounds of the engine and
of the floor (the same chain's recorded commits, replayed in batches of 100 without an engine) take turns.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from _chain import Replay, advance, publish, record
from _lab import Store, arguments, close, engine, machine, medians, run, show, store

CHAINS = {10: 10, 100: 1}  # states, and how many times --executions run it
WARM_UP = 30


async def compare(at: Store, states: int, executions: int, rounds: int) -> dict[str, Any]:
    """The engine and the floor in turns."""
    replay = Replay(await record(at, states, min(executions, 500)), at.url)
    engines, floors = [], []
    for _ in range(rounds):
        async with engine(at.url) as running:
            chain = await publish(running, states)
            await advance(running, at, chain, WARM_UP)
            engines.append(await advance(running, at, chain, executions))
        await replay.restore()
        floors.append(await replay.run(at, 100))
    await replay.close()

    def cpu(figures: dict[str, float]) -> float:
        return figures["engine_us" if "engine_us" in figures else "client_us"] + figures["redis_us"]

    pairs = list(zip(engines, floors, strict=True))
    return {
        "engine": medians(engines),
        "floor": medians(floors),
        # Of each round by itself: a slow half minute is in both of its halves.
        "ratio": median(ours["per_second"] / floor["per_second"] for ours, floor in pairs),
        "cpu_us": median(cpu(ours) for ours in engines),
        "cpu_ratio": median(cpu(ours) / cpu(floor) for ours, floor in pairs),
    }


async def main() -> None:
    options = arguments(
        __doc__ or "",
        executions=(150, "executions of 100 states; ten times as many of 10"),
        rounds=(3, "rounds of engine and floor, in turns"),
    )
    result: dict[str, Any] = {}
    with store(options.data) as at:
        result["machine"] = machine(at, options.data)
        show("machine", result["machine"])
        for states, share in CHAINS.items():
            found = await compare(at, states, options.executions * share, options.rounds)
            result[f"chain_of_{states}"] = found
            show(f"chain of {states}, engine", found["engine"])
            show(f"chain of {states}, floor", found["floor"])
            kept = ("ratio", "cpu_us", "cpu_ratio")
            show(f"chain of {states}", {key: found[key] for key in kept})
    close(options, result)


if __name__ == "__main__":
    run(main())
