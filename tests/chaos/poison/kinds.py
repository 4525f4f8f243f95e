"""Kinds of poison: the definition of each, what is done to it by hand, and how it has to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tests.chaos.poison.patched import DEADLY, KINDS

End = Literal["quarantined", "FAILED", "ABORTED"]
LISTEN = {"Type": "Task", "Resource": "signal:go", "End": True}
DONE = {"Type": "Pass", "End": True}
GARBAGE = b"\x01\xc1 no such thing"


@dataclass(frozen=True)
class Kind:
    """`field`: of the execution's hash ("inbox": of its inbox) that is overwritten while it rests, before a signal comes.

    What has to end as ABORTED goes on for ever, and is terminated by a person.
    """

    name: str
    definition: dict[str, Any]
    end: End
    field: str = ""
    deadly: bool = False


def _machine(state: dict[str, Any], name: str = "A", **more: Any) -> dict[str, Any]:
    return {"StartAt": name, "States": {name: state}, **more}


def _jsonata(expression: str) -> dict[str, Any]:
    return _machine(
        {
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Output": f"{{% {expression} %}}",
            "End": True,
        }
    )


ENDLESS = "($f := function($n) { $f($n + 1) }; $f(1))"
DOUBLING = "($f := function($o, $n) { $n = 0 ? $o : $f({'a': $o, 'b': $o}, $n - 1) }; $f({}, 40))"
KEPT = {"HistoryRecords": 500}  # so that no limit ends it
AGAIN = {"Type": "Pass", "Next": "B"}
ENOUGH = {"Variable": "$.enough", "IsPresent": True, "Next": "C"}
BACK = {"Type": "Choice", "Choices": [ENOUGH], "Default": "A"}
ITSELF = {
    "Type": "Task",
    "Resource": "arn:aws:states:::states:startExecution.sync:2",
    "Parameters": {
        "StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:poison-itself",
        "Input": {},
    },
    "End": True,
}


def kinds() -> list[Kind]:
    """All of them: what falls over inside the engine, what is stored and cannot be read, what never ends."""
    inside = [Kind(name, _machine(DONE), "quarantined", deadly=name in DEADLY) for name in KINDS]
    stored = [
        Kind(f"unreadable-{what}", _machine(LISTEN), "quarantined", field=field)
        for what, field in (("frame", "f:0"), ("meta", "m"), ("origin", "s"), ("inbox", "inbox"))
    ]
    endless = [
        Kind("endless", _jsonata(ENDLESS), "FAILED"),
        Kind("vast", _jsonata(DOUBLING), "FAILED"),
        Kind("long", _jsonata("$pad('x', 2e9)"), "FAILED"),
        Kind(
            "loop",
            {"StartAt": "A", "Detent": KEPT, "States": {"A": AGAIN, "B": BACK, "C": DONE}},
            "ABORTED",
        ),
        Kind("itself", _machine(ITSELF), "FAILED"),
    ]
    return [*inside, *stored, *endless]
