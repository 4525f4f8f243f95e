"""Deciding apart, when things go wrong: a process that is silent, ended, full or not to be had; and who waits for it.

A process is made silent by SIGSTOP, so that whatever happens meanwhile happens for certain while it decides.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from pathlib import Path

import pytest
from desk import Desk, until

from engine.clock import Clock
from engine.core import events
from engine.core.execution import Execution
from engine.core.limits import DEFAULT
from engine.core.transition import transition
from engine.documents import Document
from engine.language import read
from engine.runtime import deciders
from engine.runtime.deciding import Deciding
from engine.telemetry import Counters

SUM = "{% $sum([1..200000]) %}"  # longer than a sequence may become in the loop
TOTAL = 20000100000
SLOW = {"A": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": SUM, "End": True}}
QUICK = {"A": {"Type": "Pass", "Output": 1, "QueryLanguage": "JSONata", "End": True}}
ROWS = {"rows": [{"n": n} for n in range(10_000)]}
MANY_ROWS = {
    "rows": [{"n": 1}] * 60_000
}  # more than the memory that a process has freed since its start
COUNT = dict.fromkeys(("a.$", "b.$", "c.$", "d.$", "e.$"), "States.ArrayLength($..n)")
WIDE = {"A": {"Type": "Pass", "Parameters": COUNT, "End": True}}
FOREVER = 600.0


async def ready(engine, states=SLOW):
    """A desk at an engine whose process runs, with slow and quick definitions; and that process."""
    desk = Desk(engine)
    await desk.publish(states, "slow")
    await desk.publish(QUICK, "quick")
    await desk.end(await desk.start("first", ROWS, definition="slow"))
    return desk, running(engine)


def running(engine):
    (decider,) = engine._deciders._running
    return decider._process


def apart(engine):
    return engine._advancer._apart


async def kinds_end(desk, execution):
    return (await desk.kinds(execution))[-2:]


async def test_a_claim_is_kept_while_its_transition_is_decided(engines, monkeypatch):
    monkeypatch.setattr(deciders, "DECIDE_SECONDS", FOREVER)
    desk, process = await ready(await engines(lease_ms=500))
    other = await engines(lease_ms=500)
    os.kill(process.pid, signal.SIGSTOP)
    execution = await desk.start("n", definition="slow")
    await until(lambda: apart(desk.engine) == 1)
    prolonged = 0
    real = desk.engine._advancer._executions.prolong

    async def prolong(claim):
        nonlocal prolonged
        prolonged += 1
        return await real(claim)

    monkeypatch.setattr(desk.engine._advancer._executions, "prolong", prolong)
    await until(lambda: prolonged > 10)  # three times as long as the claim lasts
    assert not other._deciders._running
    os.kill(process.pid, signal.SIGCONT)
    assert (await desk.end(execution)).output.value == TOTAL
    assert desk.engine.counters.value("detent_commits_refused_total") == 0
    assert other.counters.value("detent_transitions_total") == 0


async def test_a_decision_for_an_execution_that_another_has_taken_is_given_up(engines, monkeypatch):
    monkeypatch.setattr(deciders, "DECIDE_SECONDS", FOREVER)
    desk, process = await ready(await engines(lease_ms=500))
    os.kill(process.pid, signal.SIGSTOP)
    execution = await desk.start("n", definition="slow")
    await until(lambda: apart(desk.engine) == 1)
    keys = desk.engine.commands._executions._keys.of(f"default:{execution}")
    await desk.engine.redis.call(keys.execution, "HSET", keys.execution, "own", "another's")
    await until(lambda: apart(desk.engine) == 0)
    assert desk.engine.counters.value("detent_commits_refused_total") == 1
    # That one vanishes: the execution goes on with a new process, once.
    assert (await desk.end(execution)).output.value == TOTAL
    assert (await desk.kinds(execution)).count("PassStateExited") == 1


async def test_one_that_is_decided_apart_takes_no_place_of_the_others(engines, monkeypatch):
    monkeypatch.setattr(deciders, "DECIDE_SECONDS", FOREVER)
    desk, process = await ready(await engines(concurrency=1))
    os.kill(process.pid, signal.SIGSTOP)
    slow = await desk.start("n", definition="slow")
    await until(lambda: apart(desk.engine) == 1)
    for number in range(5):
        view = await desk.end(await desk.start(f"n{number}", definition="quick"))
        assert view.status == "SUCCEEDED"
    assert (await desk.describe(slow)).status == "RUNNING"
    os.kill(process.pid, signal.SIGCONT)
    assert (await desk.end(slow)).status == "SUCCEEDED"


async def test_a_process_that_is_silent_too_long_is_replaced_and_its_state_fails(engines):
    desk, process = await ready(await engines())
    os.kill(process.pid, signal.SIGSTOP)
    view = await desk.end(await desk.start("n", definition="slow"))
    assert (view.status, view.error) == ("FAILED", "States.QueryEvaluationError")
    assert "timed out" in view.cause.lower() or "timeout" in view.cause.lower()
    view = await desk.end(await desk.start("m", definition="slow"))
    assert view.output.value == TOTAL
    assert running(desk.engine).pid != process.pid


async def test_a_process_killed_while_it_decides_is_replaced_and_the_execution_ends_once(
    engines, monkeypatch
):
    monkeypatch.setattr(deciders, "DECIDE_SECONDS", FOREVER)
    desk, process = await ready(await engines())
    os.kill(process.pid, signal.SIGSTOP)
    execution = await desk.start("n", definition="slow")
    await until(lambda: apart(desk.engine) == 1 and desk.engine._deciders._free.empty())
    os.kill(process.pid, signal.SIGKILL)
    assert (await desk.end(execution)).output.value == TOTAL
    assert (await desk.kinds(execution)).count("PassStateExited") == 1
    assert desk.engine.counters.value("detent_expressions_stopped_total") == 0


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits are set from outside on Linux")
async def test_processes_without_memory_are_replaced_and_the_state_fails_without_quarantine(
    engines, monkeypatch
):
    desk, process = await ready(await engines(payload_bytes_max=4 * 1024 * 1024), WIDE)
    real = deciders._Decider.start

    async def start():
        decider = await real()
        leave_no_memory(decider._process)
        return decider

    # Whether a process says that it has run out, or just dies of it and is replaced, depends on what asked for more.
    monkeypatch.setattr(deciders._Decider, "start", start)
    leave_no_memory(process)
    view = await desk.end(await desk.start("n", MANY_ROWS, definition="slow"))
    assert (view.status, view.error) == ("FAILED", "States.Runtime")
    monkeypatch.undo()
    view = await desk.end(await desk.start("m", ROWS, definition="slow"))
    assert view.status == "SUCCEEDED"
    assert desk.engine.counters.value("detent_expressions_stopped_total") == 1


def leave_no_memory(process):
    used = int(Path(f"/proc/{process.pid}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(process.pid, resource.RLIMIT_AS, (used, used))


async def test_what_asks_for_a_whole_group_to_end_takes_no_process_from_a_decision(engines):
    desk, process = await ready(await engines())
    os.kill(process.pid, signal.SIGINT)
    os.kill(process.pid, signal.SIGTERM)
    assert (await desk.end(await desk.start("n", definition="slow"))).output.value == TOTAL
    assert running(desk.engine) is process


async def test_where_no_process_starts_an_execution_waits_until_one_does(engines, monkeypatch):
    desk = Desk(await engines())
    await desk.publish(SLOW, "slow")
    real, starts = deciders._Decider.start, 0

    async def start():
        nonlocal starts
        starts += 1
        if starts < 8:  # more often than a claim may end without a commit
            raise OSError("no more processes")
        return await real()

    monkeypatch.setattr(deciders._Decider, "start", start)
    assert (await desk.end(await desk.start("n", definition="slow"))).output.value == TOTAL
    assert starts == 8


async def test_modules_in_the_current_folder_are_not_taken_for_the_engines(
    engines, tmp_path, monkeypatch
):
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "__init__.py").write_text("raise SystemExit(3)")
    (tmp_path / "pickle.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    desk = Desk(await engines())
    await desk.publish(SLOW)
    assert (await desk.end(await desk.start("n"))).output.value == TOTAL


async def test_an_engine_that_stops_lets_go_of_whoever_waits_for_a_process(engines, monkeypatch):
    monkeypatch.setattr(deciders, "DECIDE_SECONDS", FOREVER)
    desk, process = await ready(await engines(drain_seconds=0))
    os.kill(process.pid, signal.SIGSTOP)
    asked = await desk.start("asked", definition="slow")
    await until(lambda: apart(desk.engine) == 1)
    waits = await desk.start("waits", definition="slow")
    await until(lambda: apart(desk.engine) == 2)
    await desk.engine.stop()
    assert process.returncode is not None
    other = Desk(await engines())
    for execution in (asked, waits):
        assert (await other.end(execution)).output.value == TOTAL
        assert await kinds_end(other, execution) == ["PassStateExited", "ExecutionSucceeded"]


async def test_a_process_ends_with_its_parent():
    code = "import asyncio\nfrom engine.runtime.deciders import _Decider\n"
    code += "async def main():\n    decider = await _Decider.start()\n"
    code += "    print(decider._process.pid, flush=True)\n    await asyncio.sleep(600)\n"
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code + "asyncio.run(main())", stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    await until(lambda: not _is_alive(child))


def _is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Answers:
    """Decides as a process would, and says that it took so long."""

    def __init__(self, seconds):
        self.seconds = seconds

    async def decide(self, asked):
        step = transition(MACHINE, asked.execution, asked.event, asked.now_ms, limits=asked.limits)
        return step, self.seconds


MACHINE = read(json.dumps({"StartAt": "A", "States": WIDE}))


def begun(given):
    before = Execution("d:n", "d", "n", 1, b"s" * 16, 0, input=Document.of(given))
    return transition(MACHINE, before, events.Begin(), 1).execution


@pytest.mark.parametrize(("seconds", "is_tried_again"), [(0.5, False), (0.001, True)])
async def test_a_slow_state_is_tried_in_the_loop_again_once_it_was_quick(seconds, is_tried_again):
    counters = Counters()
    deciding = Deciding(Answers(seconds), Clock(), counters, DEFAULT)  # type: ignore[arg-type]
    wide, small, go = begun(ROWS), begun({}), events.Advance("0")
    assert deciding.at_once(MACHINE, small, go, 1) is not None
    assert deciding.at_once(MACHINE, wide, go, 1) is None
    assert deciding.at_once(MACHINE, small, go, 1) is None
    step = await deciding.apart(MACHINE, None, wide, go, 1)  # type: ignore[arg-type]
    assert step.execution.status == "SUCCEEDED"
    assert (deciding.at_once(MACHINE, small, go, 1) is not None) is is_tried_again
    assert counters.value("detent_transitions_slow_total") == 1
