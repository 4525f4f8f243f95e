"""What the fields of the views and the names in paths mean, for the OpenAPI document.

A field of one name means the same wherever it appears, so that one sentence is enough for it.
"""

from __future__ import annotations

import re

from msgspec import UNSET, Struct, UnsetType

from api.rest import examples

BASE = "http://127.0.0.1:8083"  # where the examples find the server

PATH_PARAMETERS = {
    "name": ("The definition's name.", "order"),
    "id": (
        "The execution's id, `<definition>:<name>`; `<definition>:<name>:<uuid>` of an Express one.",
        "order:42",
    ),
    "operation": ("The operation's id.", "4c1f7a"),
    "alias": ("The alias's name.", "live"),
    "map_run": ("The Map Run's id.", "order~Each:9b1d3e0a-6f0a-4b0e-9d5c-0f6a4d1c2b3a"),
    "signal": ("The signal's name.", "approval"),
    "queue": ("The queue's name: the NAME of `activity:NAME`.", "pay"),
    "token": ("The task's token, as it was leased or as `$$.Task.Token` told.", examples.TOKEN),
}

FIELDS = {
    "aborted": "Stopped before their end.",
    "failed": "Ended with an error.",
    "failures_not_redrivable": "Could not go on when the run was redriven.",
    "pending": "Not started yet.",
    "pending_redrive": "To be begun again by the redrive.",
    "results_written": "Counted, or exported where results are exported.",
    "running": "Started, and not known to have ended.",
    "succeeded": "Ended with an output.",
    "timed_out": "Ended by the time-out.",
    "total": "All, as far as they are known while items are read.",
    "alias": "The name that chose the version, or is to choose it.",
    "aliases": "In the order of their names.",
    "attempt": "1 for the first.",
    "answers": "Executions that have answered, counted by outcome: moved, already (there), blocked, skipped, done, refused, closed.",
    "by": "Who asked for it.",
    "blocked": "Executions that cannot be moved.",
    "complete": "False where there were too many to look at all.",
    "data": "The expression that makes the data.",
    "examined": "Executions that were looked at.",
    "example": "One of them.",
    "finished": "When it ended.",
    "mapping": "Old state to new state.",
    "migration": "The operation that moves the running executions.",
    "plan": "What a migration of the running executions would do.",
    "moves": "Executions that go on in states of the same names.",
    "moves_by_mapping": "Executions with a strand that goes to another state.",
    "outcome": "What becomes of it.",
    "percent": "The share that is asked.",
    "positions": "The most frequent first.",
    "rate": "At most so many a second.",
    "reason": "Why.",
    "rolls_back": "The migration that is taken back.",
    "seen": "Executions that were looked at.",
    "told": "Executions that were asked.",
    "to": "The state it goes on in.",
    "warned": "How many of them have warnings.",
    "warnings": "What may go wrong later.",
    "operations": "Newest first.",
    "attributes": "Search attributes, as the definition declares them; left out where there are none.",
    "aws": "The same as AWS Step Functions words it; left out where it would not report it.",
    "aws_also": "What AWS says besides, in consequence of the same mistake.",
    "cause": "What happened, for people.",
    "child": "The execution that the task starts, or has started.",
    "changed": "False where the text equals the current version.",
    "code": "Stable; match on this.",
    "column": "1 is the first; counts characters.",
    "count": "How many.",
    "created": "When it was made.",
    "definitions": "In the order of their names.",
    "definition": "The definition's name.",
    "delivered": "How many of them it was delivered to.",
    "detail": "What is particular to the case.",
    "due": "When it fires; never before.",
    "duplicates": "How many of them had accepted a signal of that id before.",
    "duplicate": "Whether a signal of that id had been accepted before.",
    "ended": "When a state took it, or its expiry was noticed.",
    "entered": "When the state was entered.",
    "error": "The error's name.",
    "exact": "False where at least so many match.",
    "dropped": "The records that are not kept any more; absent while all are.",
    "first": "Number of the first.",
    "last": "Number of the last.",
    "events": "Records in the event shape of Step Functions.",
    "executions": "Newest first.",
    "execution": "The execution's id.",
    "expires": "When its time is over; no state takes it from then on.",
    "format": "What the text is written in.",
    "frame": "One strand of the execution; `0` is the execution itself, `0/2` the third branch in it.",
    "frames": "Where the execution rests.",
    "hash": "Of the definition's content.",
    "heartbeat_seconds": "A sign of life is due this often.",
    "hint": "What to do about it.",
    "id": "Identifies it among its kind.",
    "idempotency_key": "The same for every attempt that may have had an effect; hand it on to what is called.",
    "input": "Any JSON value.",
    "kind": "What sort it is.",
    "lease": "Show it when settling or extending, so that a lost lease is noticed.",
    "lease_until": "When the task is handed out again unless the lease is extended.",
    "leased": "When the task was taken.",
    "line": "1 is the first.",
    "location": "Where AWS sees it, often the object that `pointer` has a field of; null for the whole definition.",
    "mode": "`hold`: timers stand still; `catch_up`: they go on.",
    "matched": "How many executions it was meant for.",
    "message": "What is wrong, for people.",
    "name": "Its name.",
    "next": "Where the following page begins; null at the end.",
    "output": "Any JSON value.",
    "paused": "Since when, by whom and why nothing of it is begun; left out where it is not paused.",
    "parent": "The execution whose task started it.",
    "payload": "Any JSON value.",
    "pointer": "JSON pointer (RFC 6901) into the definition.",
    "problems": "What was found in the definition.",
    "promise": "What an acknowledged write survives here: `durable` and `ha` are in docs; `dev` promises nothing.",
    "quarantined": "Why the execution is not advanced any more.",
    "queue": "Where workers find the task.",
    "reasons": "Why no more can be promised.",
    "received": "When it was accepted.",
    "record": "The number of the history's record that tells of it.",
    "redis": "What was found out about the Redis in use.",
    "redrives": "How often it was redriven; left out where it never was.",
    "refused": "How many of them did not take it, by the code of the error.",
    "results": "One for each outcome sent, in their order.",
    "revision": "How many transitions were committed.",
    "routing": "The versions that starts go to.",
    "severity": "An error refuses the definition, a warning does not.",
    "since": "From when.",
    "signal": "The signal's name; of a start, the signal that went with it.",
    "signals": "Signals: of a description those that no state has taken, of a listing all, in the order of their acceptance.",
    "started": "When the execution was started.",
    "state": "The name of the state.",
    "status": "How it stands.",
    "stopped": "When the execution closed.",
    "tasks": "Tasks, oldest first.",
    "text": "As its author wrote it.",
    "variable_references": "The names of the variables that each state reads; states that read none are left out.",
    "timeout": "When the task times out.",
    "timers": "What fires by itself.",
    "token": "Whoever shows it may settle the task.",
    "type": "Its kind.",
    "updated": "When the current version was published.",
    "uri": "The state's Resource.",
    "valid": "True where nothing but warnings was found.",
    "version": "Number of the definition's version.",
    "versions": "Newest first.",
    "weight": "How many of a hundred starts go to it.",
    "waiting": "What the frame waits for; null where it can go on.",
    "more_frames": "True where there are more frames than are shown.",
    "waiting_signals": "Signals that states wait for.",
    "worker": "Who holds the task.",
}

_NAME = re.compile(r"\{(\w+)\}")


class ProblemDetails(Struct, frozen=True):
    """An error (RFC 9457). Facts of the case are further members; see docs/reference/errors.md."""

    type: str
    title: str
    status: int
    code: str
    detail: str | UnsetType = UNSET


def path_names(path: str) -> list[str]:
    """The names in braces of a path, in their order."""
    return _NAME.findall(path)
