"""Plays the shared recordings of AWS executions in the rehearsal and compares what comes out.

The comparison is the shared runner's own; only its AWS client is left out. The history is shown as both faces show it.
"""

from __future__ import annotations

import importlib.util
import json
import os
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from engine.core.events import SignalReceived, StopRequested
from engine.core.execution import Names
from engine.core.limits import Limits
from engine.core.states.nested import Naming
from engine.documents import Document
from engine.language import read
from engine.language.machine import Machine
from engine.language.resources.express import examine_as
from engine.queries.records import shown
from engine.rehearsal import Given, Rehearsal, Result
from engine.rehearsal.rehearsal import START_MS
from engine.rehearsal.result import RunType
from engine.store.codec import Static
from tests.conformance.scripted import Performers

SHARED = Path(os.environ.get("DETENT_SHARED") or Path(__file__).parents[3] / "shared")
CONFORMANCE = SHARED / "conformance"
ARN = "arn:aws:states:us-east-1:000000000000"
NAME = "11111111-2222-4333-8444-555555555555"
ROLE = "arn:aws:iam::000000000000:role/conformance"
COLUMNS = ("result", "cause", "types", "events")

Verdict = dict[str, list[str] | None]  # by column: differences; None where the case says nothing


@lru_cache(maxsize=1)
def runner() -> Any:
    """The shared runner, as a module."""
    spec = importlib.util.spec_from_file_location("shared_run_cases", CONFORMANCE / "run_cases.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@lru_cache(maxsize=1)
def cases() -> dict[str, dict[str, Any]]:
    """The shared execution cases, by id; none where the shared material is not there."""
    if not (CONFORMANCE / "shared.txt").exists():
        return {}
    wanted = {line.split("#")[0].strip() for line in (CONFORMANCE / "shared.txt").open()}
    found = (json.loads(path.read_text()) for path in sorted(CONFORMANCE.glob("cases/*/*.json")))
    return {case["id"]: case for case in found if case["id"] in wanted}


@cache
def play(name: str) -> Verdict:
    """Differences by column, over all inputs of the case; played once a process."""
    case = cases()[name]
    total: Verdict = dict.fromkeys(COLUMNS)
    for number, given in enumerate(case["inputs"]):
        for column, differences in _play_input(case, given).items():
            if differences is not None:
                so_far = total[column] or []
                total[column] = so_far + [f"input {number}: {each}" for each in differences]
    return total


def _play_input(case: dict[str, Any], given: dict[str, Any]) -> Verdict:
    env = {"role_arn": ROLE, "region": "us-east-1"}
    for name in case.get("activities") or []:
        env[f"activity_name:{name}"] = f"{name}-1"
        env[f"activity:{name}"] = f"arn:aws:states:us-east-1:000000000000:activity:{name}-1"
    machines = _children(case, env)
    _set_clock(env)
    shared = runner()
    definition = shared.subst(given.get("definition", case.get("definition")), env)
    expected = given["expected"]
    if "start_error" in expected:
        return {
            "result": ["a refused start is the face's"],
            "cause": None,
            "types": None,
            "events": None,
        }
    kind = case.get("type") or "STANDARD"
    machine, problems = examine_as(kind, json.dumps(definition), "json")
    if machine is None:
        refused = [f"refused: {problem.pointer} {problem.message}" for problem in problems]
        return dict.fromkeys(COLUMNS, refused[:3])
    text = given.get("input_text")
    if text is None:
        text = json.dumps(given.get("input", {}))
    rehearsal = Rehearsal(
        machine,
        Document.parse(shared.subst(text, env)),
        answers=Performers(case, env),
        machines=machines,
        naming=Naming(
            "arn:aws:states:us-east-1:000000000000:execution:",
            "arn:aws:states:us-east-1:000000000000:stateMachine:",
        ),
        given=_meanwhile(given.get("during") or []),
        definition="machine",
        name=NAME,
        names=_names(case),
        start_ms=START_MS,
        type=_run_type(case),
        limits=Limits(deleted_activities=_deleted(case)),
    )
    return _compare(case, expected, rehearsal.run(), env)


def _deleted(case: dict[str, Any]) -> frozenset[str]:
    return frozenset(f"{name}-1" for name in case.get("deleted_activities") or [])


def _run_type(case: dict[str, Any]) -> RunType:
    """The shared runner starts every Express case synchronously; those adapted for that were recorded of an asynchronous one."""
    if case.get("type") != "EXPRESS":
        return "STANDARD"
    return "EXPRESS" if "asynchronous" in case.get("adapted", "") else "EXPRESS_SYNC"


def _names(case: dict[str, Any]) -> Names:
    """The ARNs that the execution goes by."""
    is_express = _run_type(case) != "STANDARD"
    run = f"express:machine:{NAME}:{NAME}" if is_express else f"execution:machine:{NAME}"
    return Names(f"{ARN}:{run}", f"{ARN}:stateMachine:machine", "machine", ROLE)


def _children(case: dict[str, Any], env: dict[str, str]) -> dict[str, Machine]:
    """The machines that a case starts executions of, by name; its environment gets their ARNs."""
    machines = {}
    for name, child in (case.get("child_machines") or {}).items():
        env[f"child_name:{name}"] = f"{name}-1"
        env[f"child:{name}"] = f"arn:aws:states:us-east-1:000000000000:stateMachine:{name}-1"
        machines[f"{name}-1"] = read(json.dumps(child["definition"]), format="json")
    return machines


def _set_clock(env: dict[str, str]) -> None:
    """Tokens like {{now+24856d}} mean the rehearsal's time."""
    for days in (24855, 24856):
        moment = datetime.fromtimestamp(START_MS / 1000 + days * 86400, UTC)
        env[f"now+{days}d"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _meanwhile(steps: list[dict[str, Any]]) -> list[Given]:
    kind: str | None = None
    after_ms = 0
    given: list[Given] = []
    for step in steps:
        if "wait_for_event" in step:
            kind = step["wait_for_event"]
        elif "sleep" in step:
            after_ms += int(step["sleep"] * 1000)
        elif step.get("call") == "stop_execution":
            event: StopRequested | SignalReceived = StopRequested(**step.get("args", {}))
            given.append(Given(event, after_ms, kind))
    return given


def _compare(
    case: dict[str, Any], expected: dict[str, Any], result: Result, env: dict[str, str]
) -> Verdict:
    shared = runner()
    bindings = shared.Bindings(env)
    verdict: Verdict = {"result": [], "cause": None, "types": None, "events": None}
    differences = verdict["result"]
    assert differences is not None
    if result.left_behind:
        differences.append(f"left behind: {result.left_behind}")
    if result.status != expected["status"]:
        told = f"{result.error}: {result.cause}"
        differences.append(f"status: expected {expected['status']}, got {result.status} ({told})")
    elif expected["status"] == "SUCCEEDED":
        if "output" in expected:
            differences += shared.diff(expected["output"], result.output, bindings, False, "output")
    elif (
        not shared.match_string(expected.get("error") or "", result.error or "", bindings)
        and result.status != "TIMED_OUT"
    ):
        differences.append(
            f"error: expected {expected.get('error')}, got {result.error}: {result.cause}"
        )
    if expected["status"] != "SUCCEEDED":
        verdict["cause"] = _compare_cause(expected, result, bindings, differences)
    if expected.get("events"):
        static = Static("machine:" + NAME, "machine", NAME, b"", names=_names(case))
        events = shown(result.records, static)
        many = any(isinstance(event.get("id"), list) for event in expected["events"])
        concurrent = bool(case.get("concurrent"))
        wanted = [shared.subst(event, env) for event in expected["events"]]
        verdict["types"] = shared.compare_types(wanted, events, concurrent, many)
        verdict["events"] = shared.compare_events(
            wanted, events, shared.Bindings(env), concurrent, many
        )
    return verdict


def _compare_cause(
    expected: dict[str, Any], result: Result, bindings: Any, differences: list[str]
) -> list[str]:
    if differences:
        return ["result differs"]
    if expected.get("cause") is not None:
        found: list[str] = runner().diff(expected["cause"], result.cause, bindings, False, "cause")
        return found
    return [f"unexpected cause: {result.cause}"] if result.cause else []
