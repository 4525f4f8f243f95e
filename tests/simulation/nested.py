"""A script of nested executions: one that is waited for, one whose time is up, one that fails, one nobody waits for."""

from __future__ import annotations

import json
from typing import Any

from engine.rehearsal import Answer, Succeed
from engine.views import LeasedTask

PARENT: dict[str, Any] = {
    "StartAt": "Pack",
    "States": {
        "Pack": {
            "Type": "Task",
            "Resource": "workflow:pack",
            "ResultPath": "$.packed",
            "Next": "Ship",
        },
        "Ship": {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {"StateMachineArn": "rest", "Input": {}},
            "TimeoutSeconds": 5,
            "ResultPath": None,
            "Catch": [{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.ship", "Next": "Pay"}],
            "Next": "Pay",
        },
        "Pay": {
            "Type": "Task",
            "Resource": "workflow:refuse",
            "Catch": [{"ErrorEquals": ["Refused"], "ResultPath": "$.pay", "Next": "Tell"}],
            "Next": "Tell",
        },
        "Tell": {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution",
            "Parameters": {"StateMachineArn": "pack", "Name": "last", "Input": {"n": 2}},
            "ResultPath": None,
            "End": True,
        },
    },
}
CHILDREN: dict[str, dict[str, Any]] = {
    "pack": {"Wrap": {"Type": "Task", "Resource": "activity:wrap", "End": True}},
    "rest": {"Rest": {"Type": "Wait", "Seconds": 60, "End": True}},
    "refuse": {"Refuse": {"Type": "Fail", "Error": "Refused", "Cause": "no funds"}},
}


def text() -> bytes:
    return json.dumps(PARENT).encode()


def children() -> dict[str, bytes]:
    return {
        name: json.dumps({"StartAt": next(iter(states)), "States": states}).encode()
        for name, states in CHILDREN.items()
    }


def answer(task: LeasedTask, number: int) -> Answer:
    """What the one worker there is says, to the parent's child and to the one that nobody waits for."""
    return Succeed({"wrapped": number >= 0} | task.input.value)
