"""The definitions that the documentation shows are valid: whole ones as they stand, single states with ends added."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from engine.language import check

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES.remove(ROOT / "docs/reference/problems.md")  # it shows what is wrong


def blocks():
    for page in PAGES:
        found = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        for number, text in enumerate(found, 1):
            yield pytest.param(text, id=f"{page.relative_to(ROOT)} {number}")


def whole(text):
    """The block as a definition. A bare list of retriers is given a Task; a state's missing neighbours become ends."""
    document = yaml.safe_load(text)
    if "StartAt" in document:
        return document
    if "Detent" in document:
        return {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}, **document}
    if "Retry" in document:
        document = {"Call": {"Type": "Task", "Resource": "activity:call", "End": True, **document}}
    named = {
        target
        for state in document.values()
        for part in (state, *state.get("Catch", ()), *state.get("Choices", ()))
        for target in (part.get("Next"), part.get("Default"))
        if target
    }
    ends = {name: {"Type": "Succeed"} for name in named - document.keys()}
    return {"StartAt": next(iter(document)), "States": {**document, **ends}}


@pytest.mark.parametrize("text", list(blocks()))
def test_a_documented_definition_is_valid(text):
    problems = [
        problem
        for problem in check(yaml.safe_dump(whole(text), sort_keys=False))
        if problem.code
        != "unreachable_state"  # fragments show states that do not lead to one another
    ]
    assert problems == []
