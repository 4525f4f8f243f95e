"""The crash-point sweep: whatever store call goes wrong, in whatever way, the end is the one of the fault-free run.

Each run fails one call of one case: before it was executed, after it (the answer is lost), or with the death of the
process that made it, before or after, or that process stands still and goes on when others have done its work
(a zombie). Then everything must come to the same end: status, output, each task done once
in the world, the same history; and nothing may be left behind. A sample runs by default; DETENT_SWEEP=full runs them
all (more than 10,000 runs), DETENT_SWEEP=<number> that many of each definition.
"""

from __future__ import annotations

import logging
import os
import random
from collections import defaultdict

import pytest

from engine.core.events import SignalReceived
from engine.documents import Document
from engine.language import read
from engine.rehearsal import Answer, Given, Rehearsal
from tests.chaos.broken.program import early_dispatch
from tests.chaos.rig import chains
from tests.simulation.ends import End, summary
from tests.simulation.faults import FAULTS, Fault, FaultyRedis
from tests.simulation.scripts import Script, scripts
from tests.simulation.simulation import Stuck

SWEEP = os.environ.get("DETENT_SWEEP", "100")
SEED = 20261122
STORM_CHANCE = 0.02  # of each kind of fault, at each call
BY_DEFINITION: defaultdict[str, list[Script]] = defaultdict(list)
for each in scripts():
    BY_DEFINITION[each.name.partition(":")[0]].append(each)
definitions = pytest.mark.parametrize("definition", sorted(BY_DEFINITION))


def differences(script: Script, right: End, found: End) -> list[str]:
    """How a run with faults came to another end than the one without."""
    out = [f"left behind: {text}" for text in found.problems]
    out += [f"chain: {text}" for text in chains.problems(found.records)]
    if [record["id"] for record in found.records] != list(range(1, len(found.records) + 1)):
        out.append("record ids are not 1 to n")
    expected, seen = summary(right), summary(found)
    out += [
        f"{key} is {seen[key]}, should be {expected[key]}"
        for key in expected
        if seen[key] != expected[key]
    ]
    if script.is_strict and found.history != right.history and not out:
        pairs = zip(found.history, right.history, strict=True)
        out.append(f"history differs: {next(pair for pair in pairs if pair[0] != pair[1])}")
    return out


def points(runs: dict[str, End]) -> list[tuple[str, int, Fault]]:
    """(script, call, fault) of the sweep: all of them, or a sample that is the same every time."""
    every = [
        (name, call, fault)
        for name, end in runs.items()
        for call in range(1, end.calls + 1)
        for fault in FAULTS
    ]
    if SWEEP == "full":
        return every
    return random.Random(SEED).sample(every, min(int(SWEEP), len(every)))


@definitions
async def test_whatever_call_fails_the_end_is_the_same_and_nothing_is_left_behind(
    stage, definition, caplog
):
    by_name = {script.name: script for script in BY_DEFINITION[definition]}
    right = {name: await stage.run(script) for name, script in by_name.items()}
    wrong, hits, runs = {}, 0, points(right)
    for name, call, fault in runs:
        try:
            found = await stage.run(by_name[name], {call: fault})
        except Stuck as stuck:
            wrong[name, call, fault] = [str(stuck)]
            continue
        hits += found.hits
        if texts := differences(by_name[name], right[name], found):
            wrong[name, call, fault] = texts
    assert not wrong
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert hits >= 0.95 * len(runs), "too few faults met a call: the sweep proves nothing"


@definitions
async def test_in_a_storm_of_faults_the_end_is_the_same(stage, definition):
    wrong = {}
    for number, script in enumerate(BY_DEFINITION[definition][:6]):
        right = await stage.run(script)
        chance = random.Random(f"{SEED}/{script.name}/{number}")
        plan = {
            call: chance.choice(FAULTS)
            for call in range(1, right.calls * 3)
            if chance.random() < STORM_CHANCE * len(FAULTS)
        }
        if texts := differences(script, right, await stage.run(script, plan)):
            wrong[script.name] = texts
    assert not wrong


async def test_the_sweep_notices_an_engine_that_dispatches_before_it_commits(stage, monkeypatch):
    monkeypatch.setattr(FaultyRedis, "script", FaultyRedis.script)  # put back at the end
    early_dispatch(FaultyRedis, seconds=0)
    script = BY_DEFINITION["kill-order"][0]
    right = await stage.run(script)
    for call in range(1, right.calls + 1):
        if differences(script, right, await stage.run(script, {call: "killed before"})):
            return
    pytest.fail("not noticed")


def rehearsed(script: Script) -> list[tuple[int, int, str]]:
    """The records of a rehearsal of the script."""
    numbers: defaultdict[str, int] = defaultdict(int)

    def answer(task: object) -> Answer:
        number = numbers[task.state]
        numbers[task.state] += 1
        return script.answer(task, number)

    given = [
        Given(SignalReceived(s.name, s.id, Document.of(s.payload)), after_ms=s.at_ms)
        for s in script.signals
    ]
    machines = {name: read(text) for name, text in script.children.items()}
    result = Rehearsal(
        read(script.text), script.input, answers=answer, given=given, machines=machines
    ).run()
    return [(record.id, record.previous, record.type) for record in result.records]


@pytest.mark.parametrize("definition", sorted(set(BY_DEFINITION) - {"kill-order"}))
async def test_on_a_real_store_a_case_goes_as_in_the_rehearsal(stage, definition):
    for script in BY_DEFINITION[definition]:
        end = await stage.run(script)
        found = [(record["id"], record["previous"], record["type"]) for record in end.records]
        assert found == rehearsed(script), script.name
        assert end.problems == []
