"""What every run under faults ends with: a verdict, its figures, and an exit code.

pass      nothing was found, and enough was provoked to have found it
fail      a check has findings
invalid   no findings, but too little was provoked to prove anything
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

SHOWN = 5  # examples of each check

_CODES = {"pass": 0, "fail": 1, "invalid": 2}


def verdict_of(
    findings: Mapping[str, Sequence[str]],
    *,
    shortfalls: Sequence[str],
    figures: Mapping[str, Any],
    plan: Mapping[str, Any],
) -> dict[str, Any]:
    """`findings` by the name of the check, `shortfalls` as sentences; `plan` is what repeats the run, its seed included."""
    failed = {name: list(texts) for name, texts in findings.items() if texts}
    return {
        "verdict": "fail" if failed else "invalid" if shortfalls else "pass",
        "date": datetime.now(UTC).date().isoformat(),
        "findings": {name: len(texts) for name, texts in findings.items()},
        "examples": {name: texts[:SHOWN] for name, texts in failed.items()},
        "shortfalls": list(shortfalls),
        "figures": dict(figures),
        "plan": dict(plan),
    }


def show(verdict: Mapping[str, Any]) -> int:
    """Print a verdict as JSON; returns the exit code of its command."""
    print(json.dumps(verdict, indent=2))
    return _CODES[verdict["verdict"]]
