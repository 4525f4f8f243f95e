"""What random workflows came to, against what their generator computed. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.chaos.rig.checker import ENDS
from tests.chaos.workflows.attempts import Attempt, attempts_of
from tests.chaos.workflows.expected import Expected
from tests.chaos.workflows.patterns import fits
from tests.chaos.workflows.shapes import Run, shapes_of

CLOSED = ("SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT")


@dataclass
class Runs:
    """What a run left of its random workflows, children among them."""

    plan: dict[str, Any]
    ops: list[dict[str, Any]]
    effects: list[dict[str, Any]]
    faults: list[dict[str, Any]]
    executions: dict[str, dict[str, Any]]

    @cached_property
    def asked(self) -> dict[str, Run]:
        shapes = shapes_of(self.plan["seed"])
        runs = (shapes.run(number) for number in range(self.plan["executions"]))
        return {run.expected.id: run for run in runs}

    @cached_property
    def expected(self) -> dict[str, Expected]:
        """Children too."""
        out: dict[str, Expected] = {}
        for run in self.asked.values():
            out[run.expected.id] = run.expected
            out |= run.expected.children
        return out

    @cached_property
    def attempts(self) -> dict[str, list[Attempt]]:
        return {key: attempts_of(e["records"]) for key, e in self.executions.items()}

    def of(self, what: str) -> Iterator[dict[str, Any]]:
        return (op for op in self.ops if op["f"] == what)

    def closed(self) -> Iterator[tuple[str, dict[str, Any], Expected]]:
        """Those that have ended and were asked for."""
        for key, execution in self.executions.items():
            if key in self.expected and execution["status"] in CLOSED:
                yield key, execution, self.expected[key]


def lost(runs: Runs) -> Iterable[str]:
    """DUR, PATH, FID: each acknowledged start exists and has ended as computed; nothing exists that nobody asked for."""
    for op in runs.of("start"):
        if op["type"] == "ok" and op["key"] not in runs.executions:
            yield f"{op['key']} was acknowledged and does not exist"
    for key, execution in runs.executions.items():
        if key not in runs.expected:
            yield f"{key} exists and nobody asked for it"
            continue
        expected = runs.expected[key]
        end = execution["status"], execution["error"]
        if execution["quarantine"]:
            yield f"{key} is quarantined: {execution['quarantine']}"
        if end not in expected.ends and not (expected.loose and end[0] == "ABORTED"):
            cause = str(execution["cause"])[:200]
            yield f"{key} ended as {end} ({cause}), should be one of {sorted(map(str, expected.ends))}"
        elif end[0] == "SUCCEEDED" and not fits(expected.output, execution["output"]):
            yield f"{key} put out {execution['output']}, should be {expected.output}"


def children(runs: Runs) -> Iterable[str]:
    """END: a parent that has ended has had each of its children, once."""
    for _, execution, expected in runs.closed():
        if execution["status"] != "SUCCEEDED":
            continue
        for name, child in expected.children.items():
            if name not in runs.executions and not child.loose:
                yield f"{name} does not exist, and its parent has succeeded"


def outcomes(runs: Runs) -> Iterable[str]:
    """EFF: each attempt was scheduled once and ended once, and there were as many as computed."""
    for key, execution, expected in runs.closed():
        found: Counter[tuple[str, int]] = Counter()
        for attempt in runs.attempts[key]:
            if attempt.ends > 1:
                yield f"{key} {attempt.place} attempt {attempt.number} ended {attempt.ends} times"
            found[attempt.place] += 1
        for place, due in expected.due.items():
            count = found.pop(place, 0)
            least = (
                0
                if due.loose or expected.loose or execution["status"] != "SUCCEEDED"
                else due.attempts
            )
            if not least <= count <= due.attempts + due.extra:
                yield f"{key} {place} {due.kind}: {count} attempts, {due.attempts} were due"
        for place in found:
            yield f"{key} {place} was scheduled and never due"


def effects(runs: Runs) -> Iterable[str]:
    """EFF, PRE: by idempotency key, each finished task was done once in the world; none was done that was not due."""
    done: defaultdict[tuple[str, str, int], set[str]] = defaultdict(set)
    handed: defaultdict[tuple[str, str, int], set[str]] = defaultdict(set)
    for line in runs.effects:
        at = line["execution"], line["state"], line["item"]
        handed[at].add(line["token"])
        if line["done"]:
            done[at].add(line["key"])
    for key, execution, expected in runs.closed():
        is_whole = execution["status"] == "SUCCEEDED"
        scheduled = Counter(attempt.place for attempt in runs.attempts[key])
        for place, due in expected.due.items():
            at = (key, *place)
            count = len(done.pop(at, ()))
            least = int(due.done and is_whole and not due.loose)
            if not least <= count <= int(due.done):
                yield f"{key} {place} {due.kind} was done under {count} keys"
            if len(handed[at]) > scheduled[place]:
                yield f"{key} {place}: {len(handed[at])} tasks were handed out, {scheduled[place]} scheduled"
    for (key, *place), keys in done.items():
        if key not in runs.executions or runs.executions[key]["status"] in CLOSED:
            yield f"{key} {place} was done {len(keys)} times and never due"


def signals(runs: Runs) -> Iterable[str]:
    """SIG: each acknowledged signal was taken once, or is listed; those of one name were taken in order."""
    acked: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for op in runs.of("signal"):
        if op["type"] == "ok":
            acked[op["key"]][op["id"]] = op["name"]
    for key, execution in runs.executions.items():
        received, consumed = [], []
        for record in execution["records"]:
            if record["type"] == "SignalReceived":
                received.append((record["details"]["name"], record["details"]["id"]))
            elif record["type"] == "SignalConsumed":
                consumed.append((record["details"]["name"], record["details"]["id"]))
        for place, count in Counter(received).items():
            if count > 1:
                yield f"{key} has received {place} {count} times"
        known = {identifier for _, identifier in received} | set(execution["unread"])
        if missing := acked[key].keys() - known:
            yield f"{key} has lost acknowledged signals {sorted(missing)}"
        sent = {each.id for each in runs.expected[key].signals} if key in runs.expected else known
        if strange := known - sent:
            yield f"{key} has signals that nobody sent {sorted(strange)}"
        if len(consumed) + len(execution["buffered"]) != len(received):
            yield f"{key} received {received}, consumed {consumed}, lists {execution['buffered']}"
        yield from _in_order(key, received, consumed)


def _in_order(
    key: str, received: list[tuple[str, str]], consumed: list[tuple[str, str]]
) -> Iterator[str]:
    """Each name's signals are received in the order in which they were sent, and taken in the order of their receipt."""
    for name in {name for name, _ in consumed}:
        came = [identifier for each, identifier in received if each == name]
        taken = [identifier for each, identifier in consumed if each == name]
        if came[: len(taken)] != taken:
            yield f"{key} received {name} as {came} and took {taken}"


def histories(runs: Runs) -> Iterable[str]:
    """SEQ: every history that was read on the way is the beginning of the final one."""
    for op in runs.of("history"):
        execution = runs.executions.get(op["key"])
        if op["type"] != "ok" or execution is None:
            continue
        final = [[r["id"], r["previous"], r["type"]] for r in execution["records"]]
        read = op["records"]
        # A task that is in somebody's hands is shown as begun before its record is written.
        while read and read[-1][2].endswith("Started") and read != final[: len(read)]:
            read = read[:-1]
        if read != final[: len(read)]:
            at = next(
                n for n, pair in enumerate(zip(read, final, strict=False)) if pair[0] != pair[1]
            )
            yield f"{op['key']} was read as {read[at:]}, and is {final[at : at + 3]}"


def repeats(runs: Runs) -> Iterable[str]:
    """IDEM: a request that was sent again got the same answer, and another outcome than the accepted one was refused."""
    for op in runs.of("start_again"):
        if op["type"] == "ok" and op["answer"] != op["key"]:
            yield f"starting {op['key']} again answered {op['answer']}"
        if op["type"] == "fail":
            yield f"starting {op['key']} again was refused: {op['detail']}"
    for op in runs.of("again"):
        if op["type"] == "fail":
            yield f"the outcome of {op['key']} was accepted, and refused when it was repeated: {op['detail']}"
    for op in runs.of("otherwise"):
        if op["type"] == "ok":
            yield f"{op['key']} took a second, different outcome"


def completions(runs: Runs) -> Iterable[str]:
    """DUR: each acknowledged outcome is in the history of an execution that was not cut off."""
    accepted: Counter[str] = Counter()
    place = {line["token"]: line["execution"] for line in runs.effects}
    for op in runs.of("settle"):
        if op["type"] == "ok":
            accepted[place[op["key"]]] += 1
    for key, count in accepted.items():
        execution = runs.executions.get(key)
        if execution is None or execution["status"] != "SUCCEEDED":
            continue
        if any(due.loose for due in runs.expected[key].due.values()):
            continue  # an outcome may have come to a strand that was being cut off
        ended = sum(1 for a in runs.attempts[key] if a.ends and a.settled)
        if ended < count:
            yield f"{key}: {count} outcomes were acknowledged, {ended} are recorded"


CHECKS: tuple[Callable[[Runs], Iterable[str]], ...] = (
    lost,
    children,
    outcomes,
    effects,
    signals,
    histories,
    repeats,
    completions,
)


def figures(runs: Runs) -> dict[str, Any]:
    done = [line for line in runs.effects if line["done"]]
    keys = {(line["execution"], line["key"]) for line in done}
    near: Counter[str] = Counter()
    signalled: Counter[str] = Counter()
    for key, execution, expected in runs.closed():
        for attempt in runs.attempts[key]:
            due = expected.due.get(attempt.place)
            if due is not None and due.kind == "close" and attempt.ends:
                near["too_late" if attempt.timed_out else "accepted"] += 1
        first = [r["type"] for r in execution["records"] if r["previous"]][1:4]
        if _is_near(runs, key) and len(first) == 3:
            signalled["taken" if "SignalConsumed" in first else "too_late"] += 1
    both = ("accepted", "too_late"), ("taken", "too_late")
    return {
        "effects": len(keys),
        "effects_repeated": len(done) - len(keys),
        "histories_read": sum(1 for op in runs.of("history") if op["type"] == "ok"),
        "repeated_answers": sum(
            1 for what in ("start_again", "again", "signal_again") for op in runs.of(what)
            if op["type"] == "ok" or op["detail"] == "exists"
        ),
        "outcomes_refused": sum(1 for op in runs.of("settle") if op["type"] == "fail"),
        "stopped": sum(1 for e in runs.executions.values() if e["status"] == "ABORTED"),
        "failed_as_planned": sum(1 for e in runs.executions.values() if e["status"] == "FAILED"),
        "answers_near_the_time_out": {end: near[end] for end in both[0]},
        "signals_near_the_time_out": {end: signalled[end] for end in both[1]},
    }  # fmt: skip


def _is_near(runs: Runs, key: str) -> bool:
    """Whether an execution begins with a signal that comes about when its time is over."""
    run = runs.asked.get(key)
    return run is not None and run.number % 12 == 0 and bool(run.expected.signals)


__all__ = ["CHECKS", "ENDS", "Runs", "figures"]
