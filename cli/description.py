"""An execution as a page of text: what `detent describe` shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cli.finding import attributes_text
from cli.output import block, moment, one_line, pairs, status_text, table, visible

DATA_SHOWN_MAX = 5  # frames whose data is shown; a Map may have thousands

View = dict[str, Any]


def describe_text(view: View) -> str:
    """The head, then one section for each thing the execution holds."""
    return "\n\n".join([pairs(_head(view)), *_sections(view)])


def _head(view: View) -> Iterator[tuple[str, str]]:
    yield "execution", view["id"]
    yield "status", status_text(view["status"])
    yield "version", f"{view['definition']} {view['version']}"
    if "parent" in view:
        yield "started by", visible(view["parent"])
    yield "started", moment(view["started"])
    if "stopped" in view:
        yield "stopped", moment(view["stopped"])
    if view.get("attributes"):
        yield "attributes", attributes_text(view["attributes"])
    if "paused" in view:
        paused = view["paused"]
        why = f": {visible(paused['reason'])}" if "reason" in paused else ""
        mode = "timers hold" if paused["mode"] == "hold" else "timers catch up"
        since = moment(paused["since"])
        yield "paused", f"since {since} by {visible(paused['by'])} ({mode}){why}"
    if "redrives" in view:
        yield "redriven", f"{view['redrives']} times"
    for name in ("error", "cause", "quarantined"):
        if view.get(name):
            yield name, visible(str(view[name]))


def _sections(view: View) -> Iterator[str]:
    """Tables, then documents: what it was given, what each strand holds by now, and what it gave."""
    for title, key, headings, row in _TABLES:
        if view.get(key):
            yield f"{title}\n{table(headings, map(row, view[key]))}"
    yield f"Input\n{block(view['input'])}"
    changed = [frame for frame in view["frames"] if frame["input"] != view["input"]]
    for frame in changed[:DATA_SHOWN_MAX]:
        yield f"Data of frame {frame['frame']}, {frame['state']}\n{block(frame['input'])}"
    if len(changed) > DATA_SHOWN_MAX:
        yield f"The data of {len(changed) - DATA_SHOWN_MAX} more frames is shown by --json."
    if "output" in view:
        yield f"Output\n{block(view['output'])}"


def _frame(frame: View) -> tuple[str, ...]:
    waiting = frame.get("waiting")
    return (
        frame["frame"],
        frame["state"],
        frame["type"],
        moment(frame.get("entered")),
        _waits_for(waiting),
    )


def _waits_for(waiting: dict[str, Any] | None) -> str:
    """`task of queue pay`, `its token, task of queue pay`, `signal PickedUp`, `timer until 2026-11-22 10:00:00`, as far as is told."""
    if not waiting:
        return "nothing: it goes on"
    if waiting.get("child"):
        parts = [f"execution {waiting['child']}"]
    elif waiting.get("callback"):
        parts = [f"its token, task of queue {waiting['queue']}"]
    else:
        parts = [str(waiting.get("kind", "?"))]
        if waiting.get("queue"):
            parts.append(f"of queue {waiting['queue']}")
    if waiting.get("name"):
        parts.append(str(waiting["name"]))
    until = waiting.get("due") or waiting.get("timeout")
    return " ".join([*parts, f"until {moment(until)}"] if until else parts)


def _task(task: View) -> tuple[str, ...]:
    who = task.get("worker") or "-"
    until = moment(task.get("lease_until"))
    return (
        task["frame"],
        task["state"],
        task["queue"],
        str(task["attempt"]),
        task["status"],
        who,
        until,
    )


def _timer(timer: View) -> tuple[str, ...]:
    return timer["frame"], timer["kind"], moment(timer["due"])


def _signal(signal: View) -> tuple[str, ...]:
    return signal["name"], signal["id"], one_line(signal["payload"])


def _listener(listener: View) -> tuple[str, ...]:
    return listener["name"], listener["frame"]


_TABLES: tuple[tuple[str, str, tuple[str, ...], Callable[[View], tuple[str, ...]]], ...] = (
    ("Where it rests", "frames", ("FRAME", "STATE", "TYPE", "ENTERED", "WAITS FOR"), _frame),
    (
        "Tasks",
        "tasks",
        ("FRAME", "STATE", "QUEUE", "ATTEMPT", "STATUS", "WORKER", "LEASED UNTIL"),
        _task,
    ),
    ("Timers", "timers", ("FRAME", "KIND", "DUE"), _timer),
    ("Signals it waits for", "waiting_signals", ("SIGNAL", "FRAME"), _listener),
    ("Signals kept for later", "signals", ("SIGNAL", "ID", "PAYLOAD"), _signal),
)
