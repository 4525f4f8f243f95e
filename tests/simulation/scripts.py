"""What is simulated: each case of each shipped definition, and the kill test's own with its Parallel and its Map."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from engine.rehearsal import Answer, Fail, Succeed, given_answers
from engine.views import LeasedTask
from tests.chaos.orders.plan import order_of
from tests.simulation import nested

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "definitions"
CASES = ROOT / "tests" / "definitions" / "cases"
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Signal:
    at_ms: int  # after the start
    name: str
    payload: Any
    id: str


@dataclass(frozen=True)
class Script:
    """One run: a definition, its input, what workers answer to the n-th task of a state, and who signals when.

    `is_strict`: one thing happens after the other, so that whatever fails, the history is always the same.
    """

    name: str
    text: bytes
    input: Any
    answer: Callable[[LeasedTask, int], Answer]
    signals: tuple[Signal, ...] = ()
    is_strict: bool = True
    children: Mapping[str, bytes] = field(
        default_factory=dict
    )  # definitions that it starts, by name


def _listed(answers: dict[str, list[Answer]]) -> Callable[[LeasedTask, int], Answer]:
    """The n-th of a state's answers; the last one for all that follow."""

    def answer(task: LeasedTask, number: int) -> Answer:
        given = answers[task.state]
        return given[min(number, len(given) - 1)]

    return answer


# Their cases are timed to the second, or depend on a worker that never answers: a fault that delays anything rightly
# changes what happens. tests/definitions/test_definitions_once.py has their worlds fail instead.
TIMED_CLOSELY = {"payment", "ride-matching"}


def shipped() -> list[Script]:
    out = []
    for path in sorted(SHIPPED.glob("*.yaml")):
        if path.stem in TIMED_CLOSELY:
            continue
        table = yaml.safe_load((CASES / path.name).read_text(encoding="utf-8"))
        for case in table["cases"]:
            sample = SHIPPED / "samples" / path.stem / f"{case['sample']}.json"
            signals = tuple(
                Signal(s["after_days"] * DAY_MS + 1000, s["send"], s.get("payload"), f"s{number}")
                for number, s in enumerate(case.get("signals", ()))
            )
            answers = given_answers({**table["answers"], **case.get("answers", {})})
            out.append(
                Script(
                    f"{path.stem}: {case['name']}",
                    path.read_bytes(),
                    json.loads(sample.read_text(encoding="utf-8")),
                    _listed(answers),
                    signals,
                )
            )
    return out


def order(number: int) -> Script:
    """One of the kill test's orders."""
    planned = order_of(7, number)

    def answer(task: LeasedTask, tries: int) -> Answer:
        given = task.input.value
        item = given.get("item", -1)
        error = planned.answer(task.queue, item, task.attempt)
        if error is not None:
            return Fail(error)
        return Succeed({task.queue: given["order"]} | ({"item": item} if item >= 0 else {}))

    payload = {"order": number}
    signals = tuple(Signal(500, name, payload, id_) for name, id_ in planned.signals)
    text = (ROOT / "tests" / "chaos" / "orders" / "order.yaml").read_bytes()
    name = f"kill-order: {number}"
    return Script(name, text, planned.input, answer, signals, is_strict=False)


def family() -> Script:
    """A parent and the executions that it starts. What it is told of them holds times, so the history is compared in part."""
    name = "nested: a parent and its children"
    return Script(
        name, nested.text(), {"n": 1}, nested.answer, is_strict=False, children=nested.children()
    )


def scripts() -> list[Script]:
    return [*shipped(), order(0), order(2), family()]
