"""What does a transition cost? One engine process, executions of a Pass/Choice chain, against the floor.

The engine runs in this process on uvloop, the embedded server in its own. The executions exist before the clock starts
and are then offered to the engine all at once: the figures hold claims and commits, not starts. Rounds of the engine and
of the floor (the same chain's recorded commits, replayed in batches of 100 without an engine) take turns.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from _lab import Store, arguments, close, engine, machine, medians, run, show, store
from _lab.chain import Replay, advance, publish, record

# states, whether they are in JSONata, and how many times --executions run them
CHAINS = ((10, False, 10), (100, False, 1), (100, True, 1))
WARM_UP = 30


async def compare(
    at: Store, states: int, executions: int, rounds: int, *, jsonata: bool
) -> dict[str, Any]:
    """The engine and the floor in turns."""
    replay = Replay(await record(at, states, min(executions, 500), jsonata=jsonata), at.url)
    engines, floors = [], []
    for _ in range(rounds):
        async with engine(at.url) as running:
            chain = await publish(running, states, jsonata=jsonata)
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
        for states, jsonata, share in CHAINS:
            executions = options.executions * share
            found = await compare(at, states, executions, options.rounds, jsonata=jsonata)
            title = f"chain of {states}{' in JSONata' * jsonata}"
            result[title.lower().replace(" ", "_")] = found
            show(f"{title}, engine", found["engine"])
            show(f"{title}, floor", found["floor"])
            kept = ("ratio", "cpu_us", "cpu_ratio")
            show(title, {key: found[key] for key in kept})
    close(options, result)


if __name__ == "__main__":
    run(main())
