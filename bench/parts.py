"""Where does the time of a transition go? The parts of the engine's and of Redis' CPU, on a chain of Pass and Choice.

The engine's CPU per transition is measured without a profiler and shared out by cProfile's figures of a second run: a
profiler makes small functions look dearer than they are, so the parts are estimates, their sum is not. Redis tells
itself how long scripts run and what their commands take of that; the rest of its CPU goes into reading requests,
answering, writing the log and flushing it.
"""

from __future__ import annotations

import cProfile
import pstats
from statistics import median
from typing import Any

from _lab import Store, arguments, close, engine, machine, run, show, store
from _lab.chain import advance, publish

STATES = 100
# The parts, and the functions whose time, with all they call, each of them is.
PARTS = {
    "see what is needed": (("advancer.py", "_load"),),
    "decide": (("advancer.py", "_decide"),),
    "write the commit down": (("commits.py", "of"),),
    "send": (("connection.py", "script"), ("link.py", "_flush")),
    "receive": (("wire.py", "data_received"),),
    "take it over": (("advancer.py", "_accept"),),
}


def shares(profile: cProfile.Profile) -> dict[str, float]:
    """The share of each part in all that ran, and of the rest: the coroutines, the loop, claims."""
    stats: dict[tuple[str, int, str], tuple[Any, ...]] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    total = sum(figures[2] for figures in stats.values())
    found = {
        part: sum(
            figures[3]
            for (file, _, name), figures in stats.items()
            if any(file.endswith("/" + ending) and name == wanted for ending, wanted in functions)
        )
        / total
        for part, functions in PARTS.items()
    }
    return {**found, "rest": 1 - sum(found.values())}


def commands(at: Store) -> dict[str, float]:
    """Microseconds that each command has taken since the statistics were reset; EVALSHA is all of the scripts."""
    info: dict[str, Any] = at.client.info("commandstats")
    return {name.removeprefix("cmdstat_"): float(one["usec"]) for name, one in info.items()}


async def turn(at: Store, executions: int) -> tuple[dict[str, float], dict[str, float]]:
    """The parts of the engine and of Redis, in microseconds of CPU per transition."""
    async with engine(at.url) as running:
        chain = await publish(running, STATES)
        await advance(running, at, chain, executions // 5)
        at.client.config_resetstat()
        plain = await advance(running, at, chain, executions)
        taken = commands(at)
        profile = cProfile.Profile()
        profile.enable()
        await advance(running, at, chain, executions)
        profile.disable()
    ours = {"all": plain["engine_us"]}
    ours |= {part: share * plain["engine_us"] for part, share in shares(profile).items()}
    # The starts before the clock are in Redis' statistics: 1 script of 102.
    each = {name: usec / plain["transitions"] for name, usec in taken.items()}
    scripts = each.pop("evalsha")
    theirs = {"all": plain["redis_us"], "scripts": scripts}
    theirs |= dict(sorted(each.items(), key=lambda one: -one[1])[:6])
    theirs["outside scripts"] = plain["redis_us"] - scripts
    return ours, theirs


async def main() -> None:
    options = arguments(
        __doc__ or "",
        executions=(100, "executions of 100 states in a round, twice"),
        rounds=(5, "rounds"),
    )
    with store(options.data) as at:
        result: dict[str, Any] = {"machine": machine(at, options.data)}
        show("machine", result["machine"])
        rounds = [await turn(at, options.executions) for _ in range(options.rounds)]
    for title, half in (("engine", 0), ("redis", 1)):
        parts = [one[half] for one in rounds]
        names = [name for name in parts[0] if all(name in one for one in parts)]
        result[title] = {name: median(one[name] for one in parts) for name in names}
        show(f"{title}, microseconds of a transition", result[title])
    close(options, result)


if __name__ == "__main__":
    run(main())
