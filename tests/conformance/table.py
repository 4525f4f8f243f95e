"""Writes docs/reference/conformance.md: `python -m tests.conformance.table`; with `--show`, what differs in the rehearsal.

Over the wire nothing is played for it: that the list of known misses is exact is what the tests over the wire prove.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from pathlib import Path

from tests.conformance.known import OVER_THE_WIRE, REHEARSED
from tests.conformance.recorded import COLUMNS, cases, play
from tests.conformance.wire import all_cases, asked

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "conformance.md"
TITLES = {"result": "result", "cause": "cause", "types": "event types", "events": "exact"}
ALL = "**all**"

INTRODUCTION = """\
# Conformance

Executions and API calls recorded on AWS, played over the wire (boto3 against a server) and, where a case makes no API calls
of its own, in the rehearsal as well. `python -m tests.conformance.table` writes this page.

*result*: status, output and error name; of API calls, the error code or the recorded members. *cause*: the exact text of
causes and error messages. *event types*: their sequence; of concurrent branches, up to interleaving. *exact*: every event with
id, previous id and details; of API calls, every member of the answer.
"""


class Tally:
    """Passed and asked, by area and column."""

    def __init__(self) -> None:
        self.passed: dict[str, Counter[str]] = defaultdict(Counter)
        self.asked: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, area: str, column: str, *, passes: bool) -> None:
        for each in (area, ALL):
            self.asked[each][column] += 1
            self.passed[each][column] += passes

    def cells(self, area: str) -> list[str]:
        return [
            f"{self.passed[area][column]}/{count}" if (count := self.asked[area][column]) else "-"
            for column in COLUMNS
        ]


def table(*, show: bool = False) -> str:
    """The page. `show` also prints what differs in the rehearsal."""
    return _page(_over_the_wire(), _rehearsed(show=show))


def _over_the_wire() -> Tally:
    tally = Tally()
    for name, case in all_cases().items():
        missed = OVER_THE_WIRE.get(name, (set(), ""))[0]
        for column in asked(name):
            tally.add(case["area"], column, passes=column not in missed)
    return tally


def _rehearsed(*, show: bool) -> Tally:
    tally = Tally()
    for name, case in cases().items():
        for column, differences in play(name).items():
            if differences is None:
                continue
            tally.add(case["area"], column, passes=not differences)
            if show and differences:
                print(name, column, *differences[:3], sep="\n    ")
    return tally


def _page(wire: Tally, rehearsed: Tally) -> str:
    titles = list(TITLES.values())
    lines = [
        INTRODUCTION,
        "| area | "
        + " | ".join([*(f"wire: {t}" for t in titles), *(f"rehearsed: {t}" for t in titles)])
        + " |",
        "|---|" + "---|" * len(COLUMNS) * 2,
    ]
    areas = sorted({case["area"] for case in all_cases().values()})
    for area in [*areas, ALL]:
        cells = [*wire.cells(area), *rehearsed.cells(area)]
        lines.append(f"| {area} | " + " | ".join(cells) + " |")
    lines += _misses("What is missed over the wire, and why:", OVER_THE_WIRE)
    lines += _misses("What is missed in the rehearsal, and why:", REHEARSED)
    return "\n".join(lines) + "\n"


def _misses(title: str, known: dict[str, tuple[set[str], str]]) -> list[str]:
    if not known:
        return []
    lines = ["", title, "", "| case | column | reason |", "|---|---|---|"]
    for name, (columns, why) in sorted(known.items()):
        shown = ", ".join(TITLES[column] for column in COLUMNS if column in columns)
        lines.append(f"| {name} | {shown} | {why} |")
    return lines


if __name__ == "__main__":
    text = table(show="--show" in sys.argv)
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text)
    print(text)
