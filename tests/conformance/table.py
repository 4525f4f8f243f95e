"""Writes docs/reference/conformance.md: `python -m tests.conformance.table`; with `--show`, what differs."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from pathlib import Path

from tests.conformance.recorded import COLUMNS, cases, out_of_scope, play

# What a recording shows and the core does not, and why.
KNOWN: dict[str, tuple[set[str], str]] = {
    "retry-catch/test_base_scenarios.test_lambda_invoke_with_retry_extended_input": (
        {"events"},
        "it was recorded before Execution.RedriveCount was there",
    ),
    "assign-variables/test_assign_reference_variables."
    "test_reference_in_map_state_MAP_STATE_REFERENCE_IN_MAX_CONCURRENCY_PATH": (
        {"events"},
        "the recording lost the quotes of three outputs, which AWS always gives as text",
    ),
}

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "conformance.md"
TITLES = {"result": "result", "cause": "cause", "types": "event types", "events": "exact"}


def table(*, show: bool = False) -> str:
    """The page. `show` also prints what differs."""
    passed: dict[str, Counter[str]] = defaultdict(Counter)
    asked: dict[str, Counter[str]] = defaultdict(Counter)
    skipped: Counter[str] = Counter()
    for name, case in cases().items():
        reason = out_of_scope(case)
        if reason is not None:
            skipped[reason] += 1
            continue
        for column, differences in play(name).items():
            if differences is None:
                continue
            for area in (case["area"], "**all**"):
                asked[area][column] += 1
                passed[area][column] += not differences
            if show and differences:
                print(name, column, *differences[:3], sep="\n    ")
    return _page(passed, asked, skipped)


def _page(
    passed: dict[str, Counter[str]], asked: dict[str, Counter[str]], skipped: Counter[str]
) -> str:
    lines = [
        "# Conformance",
        "",
        "Recorded AWS executions, played in the rehearsal (`python -m tests.conformance.table` writes this page).",
        "*result*: status, output, error name. *cause*: the exact text, where the execution does not succeed.",
        "*event types*: their sequence; of concurrent branches, up to interleaving. *exact*: every event with id,",
        "previous id and details.",
        "",
        "| area | " + " | ".join(TITLES[column] for column in COLUMNS) + " |",
        "|---|" + "---|" * len(COLUMNS),
    ]
    for area in [*sorted(area for area in asked if area != "**all**"), "**all**"]:
        cells = (
            f"{passed[area][column]}/{asked[area][column]}" if asked[area][column] else "-"
            for column in COLUMNS
        )
        lines.append(f"| {area} | " + " | ".join(cells) + " |")
    lines += ["", "What is missed, and why:", "", "| case | column | reason |", "|---|---|---|"]
    lines += [
        f"| {name} | {', '.join(TITLES[column] for column in sorted(columns))} | {why} |"
        for name, (columns, why) in sorted(KNOWN.items())
    ]
    lines += ["", "Not played yet, by what they need:", "", "| feature | cases |", "|---|---|"]
    lines += [f"| {reason} | {count} |" for reason, count in sorted(skipped.items())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    text = table(show="--show" in sys.argv)
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text)
    print(text)
