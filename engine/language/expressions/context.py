"""What the Context Object, `$$`, holds, and which paths ask it for something else.

https://states-language.net/spec.html#context-object. A path to what is not there compiles, and fails the execution that
comes to it; so it is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.language.expressions.faults import ExpressionProblem, one_line
from engine.language.expressions.paths import Path
from engine.language.problems import did_you_mean

Part = Mapping[str, "Part | None"]  # None: the caller's data, which may hold anything

_PLAIN: Part = {}
CONTEXT: Part = {
    "Execution": {
        "Id": _PLAIN,
        "Input": None,
        "Name": _PLAIN,
        "RedriveCount": _PLAIN,
        "RoleArn": _PLAIN,  # of executions that go by ARNs
        "StartTime": _PLAIN,
    },
    "Map": {"Item": {"Index": _PLAIN, "Key": _PLAIN, "Source": _PLAIN, "Value": None}},
    "State": {"EnteredTime": _PLAIN, "Name": _PLAIN, "RetryCount": _PLAIN},
    "StateMachine": {"DefinitionVersion": _PLAIN, "Id": _PLAIN, "Name": _PLAIN},
    "Task": {"Token": _PLAIN},
}


def context_problems(path: Path, pointer: str, text: str = "") -> Iterator[ExpressionProblem]:
    """The warning that a path is due, if any. `text` is what the path lies in, where it does not stand alone."""
    if path.root != "$$":
        return
    part: Part = CONTEXT
    written, at = "$$", (text or path.text).find(path.text) + 2
    for step in path.steps:
        if not isinstance(step, str):
            return  # an index, a wildcard or a filter; what it meets is not worth working out
        at = max(at, (text or path.text).find(step, at))
        inner = part.get(step, _ABSENT)
        if inner is _ABSENT:
            message = f"The Context Object has no {written}.{one_line(step, 80)}"
            hint = did_you_mean(step, part) if len(step) <= 40 else ""
            hint = hint or (f"{written} has {', '.join(part)}." if part else "")
            yield ExpressionProblem(pointer, message, hint, at=at, code="unknown_context_field")
            return
        if inner is None:
            return
        part, written = inner, f"{written}.{step}"


_ABSENT: Part = {"": None}
