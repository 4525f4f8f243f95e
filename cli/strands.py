"""Reading a history: which state a record belongs to, and what it says in a few words.

Records come in Step Functions' event shape. Only those that enter or leave a state name it; the others are placed by
following `previousEventId` back. That leads to no state where an execution goes on after a redrive: what follows there
belongs to the state that was never left, where there is one only.
"""

from __future__ import annotations

from typing import Any

import click

from cli.output import first_line, one_line

Record = dict[str, Any]


class Strands:
    """Remembers the state of each record seen; records must be given in order of their ids."""

    def __init__(self) -> None:
        self._states: dict[int, str] = {}
        self._entered: list[str] = []  # and not left
        self._redriven: set[int] = set()

    def place(self, record: Record) -> str:
        """The state this record belongs to; empty for the execution's own, and where that cannot be told."""
        before = record.get("previousEventId", 0)
        if _names_state(record):
            state = str(details(record).get("name", ""))
            self._note(record["type"], state)
        elif before in self._redriven:
            state = self._entered[0] if len(self._entered) == 1 else ""
        else:
            state = self._states.get(before, "")
        if record["type"] == "ExecutionRedriven":
            self._redriven.add(record["id"])
        self._states[record["id"]] = state
        return state

    def _note(self, kind: str, state: str) -> None:
        if kind.endswith("StateEntered"):
            self._entered.append(state)
        elif state in self._entered:
            self._entered.remove(state)


def details(record: Record) -> dict[str, Any]:
    """The record's `...EventDetails`, empty where it has none."""
    return next(
        (value for key, value in record.items() if key.endswith("EventDetails") and value), {}
    )


def summary(record: Record) -> str:
    """What the record tells beyond its type: an error with its cause, a signal's name, a result."""
    facts = details(record)
    told = failure(record)
    if told is not None:
        error, cause = told
        return first_line(f"{error}: {cause}" if cause else error)
    parts = [str(facts[key]) for key in ("resource", "signal", "reason") if facts.get(key)]
    if not _names_state(record) and facts.get("name"):
        parts.append(str(facts["name"]))
    shown = next((facts[key] for key in ("output", "payload") if facts.get(key)), None)
    if shown is not None and not record["type"].endswith("StateExited"):
        parts.append(one_line(shown, 70))
    return "  ".join(parts)


def failure(record: Record) -> tuple[str, str] | None:
    """The error and the cause that the record tells of, if it tells of any."""
    facts = details(record)
    if not facts.get("error") and not facts.get("cause"):
        return None
    return str(facts.get("error") or "no error name"), str(facts.get("cause") or "")


def is_cut(record: Record) -> bool:
    """Whether the record's cause is longer than what `summary` shows of it."""
    told = failure(record)
    return told is not None and bool(told[1]) and summary(record) != f"{told[0]}: {told[1]}"


def type_text(record: Record) -> str:
    """The record's type, red for what went wrong and green for what ended well."""
    kind = str(record["type"])
    if kind.endswith(("Failed", "TimedOut", "Aborted")):
        return click.style(kind, fg="red")
    return click.style(kind, fg="green") if kind.endswith("Succeeded") else kind


def clock(record: Record) -> str:
    """The time of day of a record, `10:00:00.000` UTC."""
    return str(record["timestamp"])[11:23]


def _names_state(record: Record) -> bool:
    return str(record["type"]).endswith(("StateEntered", "StateExited"))
