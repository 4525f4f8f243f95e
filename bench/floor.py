"""How fast could it be? The commits of a real run, sent again by a plain client that decides nothing.

A short run of a Pass/Choice chain is recorded; its commit scripts are replayed with the same keys and bytes through
redis-py's asyncio pipeline, in batches of 100 and one at a time. Every replayed commit is checked to have been OK.
"""

from __future__ import annotations

from _lab import arguments, close, machine, medians, run, show, store
from _lab.chain import Replay, record

STATES = 10
BATCH = 100


async def main() -> None:
    options = arguments(
        __doc__ or "",
        executions=(500, "executions recorded"),
        rounds=(5, "rounds, the two ways in turns"),
        single=(1000, "scripts sent one at a time in a round"),
    )
    with store(options.data) as at:
        about = machine(at, options.data)
        show("machine", about)
        replay = Replay(await record(at, STATES, options.executions), at.url)
        batched, single = [], []
        for _ in range(options.rounds):
            await replay.restore()
            batched.append(await replay.run(at, BATCH))
            await replay.restore()
            single.append(await replay.run(at, 1, options.single))
        await replay.close()
    result = {
        "machine": about,
        "bytes_per_commit": replay.commit_bytes(),
        "batches_of_100": medians(batched),
        "one_at_a_time": medians(single),
    }
    many, one = result["batches_of_100"], result["one_at_a_time"]
    for figures in (many, one):
        figures["cpu_us"] = figures["client_us"] + figures["redis_us"]
    result["ratio"] = many["per_second"] / one["per_second"]
    show("commits in batches of 100", many)
    show("commits one at a time", one)
    show("batches over single", {"ratio": result["ratio"], "bytes a commit": replay.commit_bytes()})
    close(options, result)


if __name__ == "__main__":
    run(main())
