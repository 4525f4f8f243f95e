"""Example answers, shown in the OpenAPI document and the reference; a test holds each against its schema."""

from __future__ import annotations

from typing import Any

Example = dict[str, Any]

NOW = "2026-11-22T10:00:00.000Z"
LATER = "2026-11-22T10:00:30.000Z"
HASH = "sha256:6b9c6f0e2f1d4f7f8f3b1f3b2ab0e2f4c6fd0b7f3c5b1a0a9e8d7c6b5a493827"
TOKEN = "order:42~0~3~Zk3mT8Jx1vQeB5nWc7uYRg"  # noqa: S105 - an example
LEASE = "hV2yD0kqLw"

PUBLISHED: Example = {
    "name": "order",
    "version": 3,
    "hash": HASH,
    "created": NOW,
    "changed": True,
    "problems": [],
}
DEFINITION_PAGE: Example = {
    "definitions": [{"name": "order", "version": 3, "updated": NOW}],
    "next": None,
}
DEFINITION_TEXT: Example = {
    "name": "order",
    "version": 3,
    "hash": HASH,
    "created": NOW,
    "format": "yaml",
    "text": "StartAt: Pay\nStates:\n  Pay:\n    Type: Task\n    Resource: activity:pay\n    End: true\n",
}
VERSIONS: Example = {"versions": [{"version": 3, "hash": HASH, "created": NOW}]}
PROBLEM: Example = {
    "code": "unknown_target",
    "pointer": "/States/Pay/Next",
    "line": 6,
    "column": 11,
    "message": "there is no state 'Shipp'",
    "hint": "did you mean 'Ship'?",
    "severity": "error",
}
VALIDATED: Example = {"valid": False, "problems": [PROBLEM]}
EXECUTION: Example = {
    "id": "order:42",
    "definition": "order",
    "name": "42",
    "version": 3,
    "status": "RUNNING",
    "started": NOW,
}
EXECUTION_PAGE: Example = {"executions": [EXECUTION | {"state": "Pay"}], "next": None}
DESCRIPTION: Example = EXECUTION | {
    "revision": 2,
    "input": {"order": 42},
    "frames": [
        {
            "frame": "0",
            "state": "Pay",
            "type": "Task",
            "entered": NOW,
            "input": {"order": 42},
            "waiting": {"kind": "task", "queue": "pay"},
        }
    ],
    "tasks": [
        {
            "frame": "0",
            "state": "Pay",
            "queue": "pay",
            "attempt": 1,
            "status": "leased",
            "worker": "billing-1",
            "leased": NOW,
            "lease_until": LATER,
        }
    ],
    "timers": [],
    "signals": [],
    "waiting_signals": [],
}
HISTORY: Example = {
    "events": [
        {
            "id": 1,
            "previousEventId": 0,
            "timestamp": NOW,
            "type": "ExecutionStarted",
            "executionStartedEventDetails": {"input": '{"order":42}'},
        }
    ],
    "next": 1,
    "status": "RUNNING",
}
SIGNAL: Example = {
    "execution": "order:42",
    "signal": "approval",
    "id": "approval-7",
    "duplicate": False,
}
STOPPED: Example = {"id": "order:42", "status": "ABORTED"}
LEASED_TASK: Example = {
    "token": TOKEN,
    "lease": LEASE,
    "queue": "pay",
    "execution": "order:42",
    "definition": "order",
    "state": "Pay",
    "attempt": 1,
    "input": {"order": 42},
    "idempotency_key": "Qm7c0a4nV9sXk2Lr",
    "lease_until": LATER,
    "uri": "activity:pay",
}
LEASED: Example = {"tasks": [LEASED_TASK]}
EXCHANGED: Example = {
    "results": [{"token": TOKEN, "status": "accepted"}],
    "tasks": [LEASED_TASK],
}
ACCEPTED: Example = {"token": TOKEN, "status": "accepted"}
HEARTBEAT: Example = {"token": TOKEN, "lease_until": LATER}
HEALTH: Example = {
    "status": "ok",
    "promise": "durable",
    "redis": {"version": "8.2.1", "appendfsync": "always"},
    "reasons": [],
}
