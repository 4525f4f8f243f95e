"""The crash-point sweep of what an engine does by itself: whatever call fails, in whatever way, all comes to the same end.

Each run fails one call of one flow, named by its script and passage: it is refused, carried out but unanswered, or the
process that made it dies before or after it, or stands still and wakes as a zombie when all is done. A sample runs by
default, in which each script of each flow fails at least once; DETENT_SWEEP=full runs the first passages of all.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from collections import Counter

import pytest

from engine import serve
from engine.store import scripts
from tests.chaos.rig import dump
from tests.simulation.flows.crossing import HOWS, Point
from tests.simulation.flows.plays import FLOWS
from tests.simulation.flows.theatre import Came, Flow, Theatre, Unsettled

SWEEP = os.environ.get("DETENT_SWEEP", "")
SEED = 20261124
AT_ONCE = 6
PASSAGES = (
    12  # of one script in one flow that are failed in the full form: the later ones are like them
)
flows = pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
_prefixes = itertools.count()

# Scripts that no flow passes through, and where they are failed instead.
ELSEWHERE = {
    "quarantine": "tests/chaos/poison",
    "mark": "tests/store/server/test_replication.py",
    "note_loss": "tests/chaos/outages",
}


@pytest.fixture
async def play(url, monkeypatch):
    monkeypatch.setattr(serve, "SWEEP_SECONDS", 0.1)
    monkeypatch.setattr(serve, "FINISH_SECONDS", 0.2)
    raw = dump.client_of(url)
    await raw.config_set("appendfsync", "no")

    async def one(flow: Flow, point: Point | None) -> Came:
        return await Theatre(flow, url, raw, f"f{next(_prefixes)}").run(point)

    yield one
    await raw.config_set("appendfsync", "always")
    await raw.aclose()


def points(flow: Flow, calls: Counter[str]) -> list[Point]:
    """All of the first passages, or one of each script and command in a way that the seed says."""
    every = [
        Point(name, nth, how)
        for name, count in sorted(calls.items())
        for nth in range(1, min(count, PASSAGES) + 1)
        for how in HOWS
    ]
    if SWEEP == "full":
        return every
    chance = random.Random(f"{SEED}/{flow.name}")
    return [
        chance.choice([point for point in every if point.name == name]) for name in sorted(calls)
    ]


def differences(right: Came, found: Came) -> list[str]:
    out = [f"left behind: {text}" for text in found.problems]
    for key in sorted({*right.told, *found.told}):
        expected, seen = right.told.get(key), found.told.get(key)
        if isinstance(expected, list) and isinstance(seen, list):
            out += [f"{key}: {each} is missing" for each in expected if each not in seen]
            out += [f"{key}: {each} is too much" for each in seen if each not in expected]
        elif expected != seen:
            out.append(f"{key} is {seen}, should be {expected}")
    return out


@flows
async def test_whatever_call_fails_all_comes_to_the_same_end(play, flow):
    right = await play(flow, None)
    assert right.problems == []
    wrong, hits = {}, 0
    gate = asyncio.Semaphore(AT_ONCE)

    async def attempt(point: Point) -> None:
        nonlocal hits
        async with gate:
            try:
                found = await play(flow, point)
            except (Unsettled, TimeoutError) as error:
                wrong[point] = [repr(error)]
                return
        hits += found.hit
        if texts := differences(right, found):
            wrong[point] = texts

    tried = points(flow, right.calls)
    await asyncio.gather(*map(attempt, tried))
    assert not wrong
    assert hits >= 0.8 * len(tried), "too few faults met a call: the sweep proves nothing"


async def test_every_script_is_failed_in_some_flow_or_said_to_be_elsewhere(play):
    passed = set()
    for flow in FLOWS:
        passed |= set((await play(flow, None)).calls)
    assert set(scripts.names()) - passed == set(ELSEWHERE)
