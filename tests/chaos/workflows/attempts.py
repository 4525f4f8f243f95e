"""The attempts in a history: which task each was of, and how often it ended. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

KINDS = ("Activity", "Task", "LambdaFunction")


@dataclass
class Attempt:
    """One Scheduled record and what follows it. `place`: (state, item). Times in ms since 1970.

    `settled`: whether somebody reported the end; a time-out, or a call that broke, is nobody's report.
    """

    place: tuple[str, int]
    number: int
    scheduled_ms: int
    timeout_seconds: int | None
    ends: int = 0
    ended_ms: int = 0
    timed_out: bool = False
    settled: bool = False
    is_service: bool = False


def attempts_of(records: list[dict[str, Any]]) -> list[Attempt]:
    """Of tasks that carry their place in their input: signals and nested executions are left out."""
    out: list[Attempt] = []
    by_record: dict[int, Attempt] = {}
    for record in records:
        kind, details = record["type"], record["details"]
        if kind.endswith("Scheduled"):
            given = details.get("input") or details.get("parameters") or {}
            if not isinstance(given, dict) or "kind" not in given:
                continue
            place = given["state"], given["item"]
            number = 1 + sum(attempt.place == place for attempt in out)
            attempt = Attempt(place, number, record["at"], details.get("timeoutInSeconds"))
            attempt.is_service = kind.startswith("Task")
            out.append(attempt)
            by_record[record["id"]] = attempt
        elif record["previous"] in by_record and kind.startswith(KINDS):
            attempt = by_record[record["previous"]]
            if kind.endswith(("Started", "Submitted")):
                by_record[record["id"]] = attempt
            elif kind.endswith(("Succeeded", "Failed", "TimedOut")):
                attempt.ends += 1
                attempt.ended_ms = record["at"]
                attempt.timed_out = kind.endswith("TimedOut")
                attempt.settled = not attempt.timed_out
    return out
