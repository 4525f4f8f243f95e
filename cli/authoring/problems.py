"""Problems of a definition in a compiler's form: where, what, the line itself with a caret, and a hint."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click

Problem = dict[
    str, Any
]  # code, pointer, line, column, message, hint, severity, aws, aws_also: as in the HTTP contract
EXCERPT_MAX = 200  # characters of a line that are shown, around the place
_COLOURS = {"error": "red", "warning": "yellow"}


def render(file: str, text: str, problem: Problem, *, aws: bool = False) -> str:
    """One problem of `file`, whose content is `text`; with `aws`, also as AWS Step Functions words it."""
    line, column = int(problem.get("line") or 0), int(problem.get("column") or 0)
    severity = str(problem.get("severity", "error"))
    place = f"{file}:{line}:{column}" if line else file
    label = click.style(f"{severity}[{problem['code']}]", fg=_COLOURS.get(severity), bold=True)
    shown = [f"{place}: {label}: {problem['message']}", *_excerpt(text, line, column)]
    if problem.get("hint"):
        shown.append(f"  hint: {problem['hint']}")
    if aws:
        known = [each for each in (problem.get("aws"), *problem.get("aws_also", ())) if each]
        shown += [f"  aws: {_aws(each)}" for each in known] or ["  aws: has no words for it"]
    return "\n".join(shown)


def is_error(problem: Problem) -> bool:
    """Whether the problem refuses the definition; warnings do not."""
    return bool(problem.get("severity", "error") == "error")


def count(problems: Iterable[Problem], files: int) -> str:
    """`2 errors, 1 warning in 3 files`."""
    kinds = [is_error(problem) for problem in problems]
    parts = [_plural(kinds.count(True), "error")]
    if False in kinds:
        parts.append(_plural(kinds.count(False), "warning"))
    return f"{', '.join(parts)} in {_plural(files, 'file')}"


def _aws(diagnostic: dict[str, Any]) -> str:
    """As in the message of AWS's InvalidDefinition, on one line."""
    place = "null" if diagnostic["location"] is None else diagnostic["location"]
    return " ".join(f"{diagnostic['code']}: {diagnostic['message']} at {place}".split())


def _plural(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _excerpt(text: str, line: int, column: int) -> Sequence[str]:
    lines = text.splitlines()
    if not 1 <= line <= len(lines):
        return ()
    source, number = lines[line - 1], str(line)
    cut = max(0, column - EXCERPT_MAX // 2) if len(source) > EXCERPT_MAX else 0
    source, column = source[cut : cut + EXCERPT_MAX], column - cut
    # Tabs stay tabs in the caret's line, so that the caret stands below its character at any tab width.
    before = source[: max(column - 1, 0)]
    indent = "".join("\t" if character == "\t" else " " for character in before)
    gutter = " " * len(number)
    return (f"  {number} | {source}", f"  {gutter} | {indent}{click.style('^', bold=True)}")
