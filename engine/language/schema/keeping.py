"""The `Detent` object of a definition: what the schema cannot tell of it, and its compiled form.

AWS Step Functions does not know the object, so that there are no words of AWS for what is wrong in it.
"""

from __future__ import annotations

import re
from typing import Any

from engine.language.expressions.faults import SyntaxFault
from engine.language.expressions.paths import Path as JsonPath
from engine.language.expressions.paths import parse_reference_path
from engine.language.limits import ATTRIBUTES_MAX
from engine.language.machine import KEEPING, Keeping
from engine.language.report import Report
from engine.language.text.source import Path, shown

_NAME = re.compile(r"[a-z][a-zA-Z0-9_]{0,31}")
_HERE: Path = ("Detent", "SearchAttributes")


def compile_keeping(document: dict[str, Any], report: Report) -> Keeping:
    """What the definition says in `Detent`; what it does not say has its default. What is wrong is in `report`."""
    written = document.get("Detent")
    if not isinstance(written, dict):
        return KEEPING
    records, hours = _number(written, "HistoryRecords"), _number(written, "RetentionHours")
    return Keeping(
        search_attributes=_attributes(written.get("SearchAttributes"), report),
        history_records=None if records is None else int(records),
        retention_hours=hours,
        running="migrate" if written.get("Running") == "migrate" else "keep",
    )


def _number(written: dict[str, Any], name: str) -> float | None:
    value = written.get(name)
    return float(value) if isinstance(value, int | float) else None


def _attributes(written: Any, report: Report) -> dict[str, JsonPath]:
    if not isinstance(written, dict):
        return {}
    if len(written) > ATTRIBUTES_MAX:
        message = (
            f"There are {len(written)} search attributes; at most {ATTRIBUTES_MAX} are possible."
        )
        hint = "Keep those by which executions are looked for."
        report.add("too_many_attributes", _HERE, message, hint, key=True)
    found = {}
    for name, text in written.items():
        if not _NAME.fullmatch(name):
            message = f"{shown(name)} cannot be the name of a search attribute."
            hint = "Take at most 32 letters, digits and underscores, a small letter first."
            report.add("invalid_attribute", (*_HERE, name), message, hint, key=True)
        path = _path((*_HERE, name), text, report) if isinstance(text, str) else None
        if path is not None:
            found[name] = path
    return found


def _path(here: Path, text: str, report: Report) -> JsonPath | None:
    """A path that addresses one value of the data. Search attributes are JSONPath, whatever the states are in."""
    try:
        path = parse_reference_path(text)
    except SyntaxFault as fault:
        report.add("invalid_path", here, f"{fault}.", _hint(text), at=fault.at)
        return None
    if path.root != "$":
        what = "the Context Object ($$)" if path.root == "$$" else "a variable"
        message = f"A search attribute is read from the execution's data, not from {what}."
        report.add("invalid_path", here, message, "Begin the path with a single $.")
        return None
    return path


def _hint(text: str) -> str:
    if text.startswith("$"):
        return ""
    named = all(part.isidentifier() for part in text.split("."))
    return f"Write $.{text}" if named and len(text) <= 80 else "Write a path such as $.customer.id."
