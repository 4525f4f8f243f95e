"""What several tests of the language use."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from engine.language import check
from engine.language.problems import Problem

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("DETENT_SHARED", ROOT.parent / "shared"))


@cache
def real_definitions() -> list[dict[str, Any]]:
    """Definitions that people wrote; empty where the shared folder is absent."""
    path = SHARED / "real-definitions" / "definitions.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def found(text: str | bytes, notation: str | None = None) -> list[Problem]:
    return list(check(text, notation))


def codes(text: str | bytes, notation: str | None = None) -> list[str]:
    return [problem.code for problem in check(text, notation)]


def places(text: str | bytes, notation: str | None = None) -> list[tuple[str, str, int, int]]:
    """Code, pointer, line and column of each problem."""
    return [(p.code, p.pointer, p.line, p.column) for p in check(text, notation)]
