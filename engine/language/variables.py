"""Rules about variables that no single expression can tell: what they may be called, and where they may be set.

A variable belongs to the scope whose states set it. Inner scopes read it and cannot set one of its name; the
processor of a distributed Map, whose states run in executions of their own, sees none of those around it.
https://states-language.net/spec.html#variables
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.language.diagnostics.diagnostic import diagnostic
from engine.language.document import Node, Scope, is_distributed
from engine.language.report import Report
from engine.language.text.source import Path, shown

NAME_CHARACTERS_MAX = 80  # as AWS Step Functions
_RESERVED = "states"


def check_variables(scopes: Iterable[Scope], report: Report) -> None:
    """Report names that no variable can have, and names that an outer scope sets already."""
    owned: dict[Path, set[str]] = {}
    for scope in scopes:  # outer before inner
        around = scope.parent
        is_own = around is None or is_distributed(around)
        outer = set() if around is None or is_own else owned[around.scope.path]
        own: set[str] = set()
        for node in scope.states.values():
            for path, name in _assigned(node):
                if _check_name(path, name, report):
                    own.add(name)
                    _check_owner(path, name, outer, report)
        owned[scope.path] = own | outer


def is_variable_name(name: str) -> bool:
    """Whether a variable can be called so."""
    return name.isidentifier() and name != _RESERVED and len(name) <= NAME_CHARACTERS_MAX


def _assigned(node: Node) -> Iterator[tuple[Path, str]]:
    """Where each variable is set, and its name."""
    places = [(node.path, node.fields), *node.entries("Choices"), *node.entries("Catch")]
    for path, fields in places:
        assign = fields.get("Assign")
        for key in assign if isinstance(assign, dict) else ():
            name = key if node.jsonata else key.removesuffix(".$")
            yield (*path, "Assign", key), name


def _check_name(path: Path, name: str, report: Report) -> bool:
    hint = "A name has letters, digits and _, begins with no digit, and is written without $ here."
    aws = diagnostic(
        "INVALID_VARIABLE_NAME",
        f"Invalid variable name '{name}': the variable name contains invalid characters.",
        path,
    )
    if name == _RESERVED:
        reserved = f"Cannot assign to reserved variable '${_RESERVED}'."
        aws = diagnostic("RESERVED_VARIABLE_NAME", reserved, path)
        reason = f"The name {_RESERVED} is reserved."
        hint = "Choose another name."
    elif len(name) > NAME_CHARACTERS_MAX:
        reason = f"A variable's name has at most {NAME_CHARACTERS_MAX} characters; this one has {len(name)}."
        hint = "Choose another name."
    elif name.isidentifier():
        return True
    elif all(part.isidentifier() for part in name.split(".")):
        reason = f"{shown(name)} is a part of a variable; a variable is set as a whole."
        hint = f"Set {name.split('.', maxsplit=1)[0]}."
    else:
        reason = f"{shown(name)} is not the name of a variable."
        if name[1:].isidentifier():
            hint = f"Write {name[1:]}, without the $."
    known = aws if len(name) <= NAME_CHARACTERS_MAX else None  # AWS's words for the length are not
    report.add("invalid_variable", path, reason, hint, key=True, aws=known)
    return False


def _check_owner(path: Path, name: str, outer: set[str], report: Report) -> None:
    if name in outer:
        message = f"The variable {shown(name)} belongs to an outer level, whose variables are only read here."
        hint = "Choose another name; results leave a branch or iteration in its output."
        report.add("invalid_variable", path, message, hint, key=True)
