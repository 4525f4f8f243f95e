"""Example answers, shown in the OpenAPI document and the reference; a test holds each against its schema.

What can be computed is computed: hashes, tokens and problems are what the engine itself makes of the example.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engine.core.tokens import task_token
from engine.language import check, read

Example = dict[str, Any]

NOW = "2026-11-22T10:00:00.000Z"
LATER = "2026-11-22T10:00:30.000Z"
TEXT = "StartAt: Pay\nStates:\n  Pay:\n    Type: Task\n    Resource: activity:pay\n    End: true\n"
MISTAKEN = TEXT.replace("End: true", "Next: Shipp") + "  Ship:\n    Type: Succeed\n"
HASH = read(TEXT).content_hash
TOKEN = task_token("order:42", "0", 1, "F_bHpvB1zEimNSickQrGLrBu")
LEASE = "cdf6e51fad97-1-0"

PUBLISHED: Example = {
    "name": "order",
    "version": 3,
    "hash": HASH,
    "created": NOW,
    "changed": True,
    "problems": [],
    "type": "STANDARD",
}
DEFINITION: Example = {"name": "order", "version": 3, "updated": NOW, "type": "STANDARD"}
DEFINITION_PAGE: Example = {
    "definitions": [DEFINITION],
    "next": None,
}
DEFINITION_TEXT: Example = {
    "name": "order",
    "version": 3,
    "hash": HASH,
    "created": NOW,
    "format": "yaml",
    "text": TEXT,
    "type": "STANDARD",
    "variable_references": {},
}
VERSIONS: Example = {"versions": [{"version": 3, "hash": HASH, "created": NOW}]}
ALIAS: Example = {
    "definition": "order",
    "alias": "live",
    "routing": [{"version": 3, "weight": 100}],
    "created": NOW,
    "updated": NOW,
}
ALIASES: Example = {"aliases": [ALIAS]}
VALIDATED: Example = {
    "valid": False,
    "problems": msgspec.json.decode(msgspec.json.encode(check(MISTAKEN))),
}
EXECUTION: Example = {
    "id": "order:42",
    "definition": "order",
    "name": "42",
    "version": 3,
    "status": "RUNNING",
    "started": NOW,
}
BATCHED: Example = {
    "results": [
        {"result": "started", "execution": EXECUTION},
        {
            "result": "refused",
            "problem": {
                "type": "urn:detent:error:invalid_name",
                "title": r"""The name is not allowed: 1 to 80 characters, no white space, control characters or any of <>{}[]?*"#%\^|~`$&,;:/.""",
                "status": 400,
                "code": "invalid_name",
                "detail": "execution: 'n 1'",
            },
        },
    ]
}
EXECUTION_PAGE: Example = {
    "executions": [EXECUTION | {"state": "Pay", "attributes": {"customer": "c-7"}}],
    "next": None,
}
EXECUTION_COUNT: Example = {"count": 1204, "exact": True}
DESCRIPTION: Example = EXECUTION | {
    "revision": 1,
    "input": {"order": 42},
    "frames": [
        {
            "frame": "0",
            "state": "Pay",
            "type": "Task",
            "entered": NOW,
            "input": {"order": 42},
            "waiting": {"kind": "task", "queue": "pay", "callback": False},
        }
    ],
    "tasks": [
        {
            "frame": "0",
            "state": "Pay",
            "queue": "pay",
            "attempt": 1,
            "status": "leased",
            "token": TOKEN,
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
            "executionStartedEventDetails": {
                "input": '{"order":42}',
                "inputDetails": {"truncated": False},
            },
        }
    ],
    "next": 1,
    "status": "RUNNING",
}
EVENT_STREAM = (
    "retry: 1000\n\n"
    "id: 1\n"
    "event: ExecutionStarted\n"
    f"data: {msgspec.json.encode(HISTORY['events'][0]).decode()}\n\n"
    ": still here\n\n"
    "event: end\n"
    'data: {"status":"SUCCEEDED"}\n'
)
CHANGES_STREAM = (
    "retry: 1000\n\n"
    ": still here\n\n"
    "id: 1795341600000\n\n"
    "id: 1795341630000-17-0\n"
    "event: parked\n"
    'data: {"kind":"parked","execution":"order:42","definition":"order","version":3,"status":"RUNNING",'
    f'"revision":1,"time":"{LATER}","place":"1795341630000-17-0","state":"Pay"}}\n'
)
SIGNAL: Example = {
    "execution": "order:42",
    "signal": "approval",
    "id": "approval-7",
    "duplicate": False,
    "status": "accepted",
}
SIGNAL_TAKEN: Example = SIGNAL | {"status": "consumed", "state": "AwaitApproval", "record": 7}
BROADCAST: Example = {
    "definition": "order",
    "signal": "approval",
    "id": "approval-7",
    "matched": 3,
    "delivered": 2,
    "duplicates": 0,
    "refused": {"signal_invalid": 1},
}
SIGNAL_PAGE: Example = {
    "signals": [
        {
            "name": "approval",
            "id": "approval-7",
            "status": "consumed",
            "received": NOW,
            "expires": LATER,
            "ended": NOW,
            "state": "AwaitApproval",
            "record": 7,
        }
    ],
    "next": None,
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
    "idempotency_key": "HKmn11biw5O_ruCDfGZO6T4X",
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

PLAN: Example = {
    "definition": "order",
    "version": 4,
    "mapping": {"3": {"Sign": "AwaitSignature"}},
    "examined": 1200,
    "complete": True,
    "moves": 1100,
    "moves_by_mapping": 99,
    "blocked": 1,
    "positions": [
        {
            "version": 3,
            "state": "Notarise",
            "outcome": "blocked",
            "to": "",
            "count": 1,
            "reason": "state_removed",
            "detail": 'The new definition has no state "Notarise".',
            "warned": 0,
            "warnings": [],
            "example": "order:42",
        }
    ],
}
VERDICTS: Example = {
    "executions": [
        {
            "id": "order:42",
            "version": 3,
            "state": "Sign",
            "outcome": "moves_by_mapping",
            "to": "AwaitSignature",
            "reason": "",
            "detail": "",
            "warnings": [],
        }
    ],
    "next": None,
}
OPERATION: Example = {
    "id": "4c1f7a",
    "kind": "migrate",
    "definition": "order",
    "status": "RUNNING",
    "by": "anonymous",
    "created": NOW,
    "seen": 800,
    "told": 40,
    "waiting": 2,
    "answers": {"moved": 37, "blocked": 1},
    "version": 4,
    "mapping": {"Sign": "AwaitSignature"},
    "percent": 5.0,
}
OPERATION_PAGE: Example = {"operations": [OPERATION], "next": None}
ANSWERS: Example = {
    "executions": [
        {
            "execution": "order:42",
            "reason": "state_removed",
            "detail": 'The new definition has no state "Notarise".',
        }
    ],
    "next": None,
}
