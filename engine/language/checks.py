"""Rules that need more than one place of a definition: where transitions lead, and what lies on no way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from engine.language.diagnostics.diagnostic import Diagnostic, diagnostic
from engine.language.document import Node, Scope, transitions_of
from engine.language.report import Report
from engine.language.text.source import Path, shown


def check_graph(scopes: list[Scope], report: Report) -> None:
    """Report names used twice, targets that are not there, states without a way to them or out of them."""
    everywhere = _check_names(scopes, report)
    torn = set(_torn(report.duplicates))
    for scope in scopes:
        ways = _check_targets(scope, everywhere, report)
        if scope.path not in torn:
            _check_reach(scope, ways, report)


_WAYS = frozenset({"Type", "Next", "End", "Default", "Choices", "Catch"})


def _torn(duplicates: Iterable[Path]) -> Iterator[Path]:
    """Where scopes would lie of which a key that stands twice has hidden states or ways."""
    for path in duplicates:
        for at, step in enumerate(path):
            rest = path[at + 1 :]
            is_way = len(rest) < 2 or rest[1] in _WAYS
            if (step == "StartAt" and not rest) or (step == "States" and is_way):
                yield path[:at]


def _check_names(scopes: Iterable[Scope], report: Report) -> dict[str, Scope]:
    """The scope of every name; reports those used in two scopes (two in one are a duplicate key)."""
    first: dict[str, Node] = {}
    for scope in scopes:
        for name, node in scope.states.items():
            other = first.setdefault(name, node)
            if other is not node:
                line, _ = report.source.place(other.path, key=True)
                message = f"There is another state {shown(name)}, in line {line}; names are used once in a definition."
                aws = diagnostic("DUPLICATE_STATE_NAME", f"Duplicate State name: {name}", node.path)
                hint = "Rename one."
                report.add("duplicate_state_name", node.path, message, hint, key=True, aws=aws)
            if any(not character.isprintable() and not character.isspace() for character in name):
                message = f"The state name {shown(name)} holds characters that cannot be seen."
                report.add("invalid_state_name", node.path, message, "Remove them.", key=True)
    return {name: node.scope for name, node in first.items()}


@dataclass(slots=True)
class _Ways:
    """The transitions inside a scope: from "" (StartAt) and each state to states."""

    targets: dict[str, set[str]]
    # names from which a transition leads nowhere known, so that anything may be meant
    unknown: set[str]
    exact: dict[str, set[str]]  # as `targets`, but nothing counts that is only meant


def _check_targets(scope: Scope, everywhere: dict[str, Scope], report: Report) -> _Ways:
    """Report targets that are not there. A misspelt target counts as what it probably means."""
    ways = _Ways({"": set()}, set(), {"": set()})
    if scope.start is not None and scope.states:
        path = (*scope.path, "StartAt")
        ways.targets[""] = set(_target(path, scope.start, scope, everywhere, report))
        ways.exact[""] = {scope.start} & scope.states.keys()
    for name, node in scope.states.items():
        ways.targets[name] = set()
        ways.exact[name] = {to for _, to in transitions_of(node)} & scope.states.keys()
        for path, target in transitions_of(node):
            leads = _target(path, target, scope, everywhere, report)
            ways.targets[name].update(leads)
            if not leads:
                ways.unknown.add(name)
    return ways


def _target(
    path: Path, name: str, scope: Scope, everywhere: dict[str, Scope], report: Report
) -> list[str]:
    """The state that a transition leads to; reports it when there is none."""
    if name in scope.states:
        return [name]
    field = path[-1]
    aws = diagnostic("MISSING_TRANSITION_TARGET", f"Missing 'Next' target: {name}", path)
    if name in everywhere:
        message = (
            f"{field} leads to {shown(name)}, which lies in another branch, processor or level."
        )
        hint = "A transition stays among the states it stands beside; let the inner states end, and go on from the outer."
        report.add("target_out_of_scope", path, message, hint, aws=aws)
        return []
    if (*scope.path, "States") in report.duplicates:
        return []
    meant = report.nearest(name, scope.states)
    hint = f"Did you mean {meant}?" if meant is not None else ""
    message = f"{field} names {shown(name)}, but there is no such state."
    report.add("unknown_target", path, message, hint, aws=aws)
    return [] if meant is None else [meant]


def _check_reach(scope: Scope, ways: _Ways, report: Report) -> None:
    """Report states that nothing leads to, and states that lead to no end."""
    if not scope.states:
        return
    ends = ways.unknown | {name for name, node in scope.states.items() if _may_end(node)}
    if not ends and scope.parent is None:  # inside a Parallel or Map AWS accepts it
        message = "No state ends the machine: none is a Succeed or Fail, or has End: true."
        report.add("no_terminal_state", (*scope.path, "States"), message, key=True, aws=_NO_END)
        return
    _compare_reach(scope, ways, report)
    if not ways.targets[""]:
        return  # without a start everything would be unreachable
    reached = _closure(ways.targets, [""])
    for name, node in scope.states.items():
        if name not in reached:
            message = f"Nothing leads to the state {shown(name)}."
            hint = "Lead to it, or remove it."
            aws = _unreachable(node)
            report.add("unreachable_state", node.path, message, hint, key=True, aws=aws)
    _check_ends(scope, ways.targets, ends, reached, report)


_NO_END = Diagnostic("MISSING_END_STATE", "Workflow has no terminal state", None)


def _unreachable(node: Node) -> Diagnostic:
    message = f'State "{node.name}" is not reachable.'
    return diagnostic("MISSING_TRANSITION_TARGET", message, node.path)


def _compare_reach(scope: Scope, ways: _Ways, report: Report) -> None:
    """Note what AWS reports because it takes a misspelt target, or a state without Next and End, as it is written."""
    if scope.parent is None and not any(map(_ends, scope.states.values())):
        report.also(scope.path, _NO_END)
    elif scope.start is not None:
        reached = _closure(ways.exact, [""])
        lenient = _closure(ways.targets, [""]) if ways.targets[""] else scope.states.keys()
        for name, node in scope.states.items():
            if name in lenient and name not in reached:
                report.also(scope.path, _unreachable(node))


def _check_ends(
    scope: Scope, ways: dict[str, set[str]], ends: set[str], reached: set[str], report: Report
) -> None:
    """Warn once of the reachable states that can only go round."""
    backwards: dict[str, set[str]] = {name: set() for name in ways}
    for name, targets in ways.items():
        for target in targets:
            backwards[target].add(name)
    ending = _closure(backwards, ends)
    trapped = [name for name in scope.states if name in reached and name not in ending]
    if trapped:
        listed = ", ".join(shown(name) for name in trapped[:5]) + (
            ", …" if len(trapped) > 5 else ""
        )
        message = f"From here no transition leads to an end; only going round: {listed}."
        report.add("endless_loop", scope.states[trapped[0]].path, message, key=True)


def _closure(ways: dict[str, set[str]], starts: Iterable[str]) -> set[str]:
    """All names reachable from `starts`, themselves included."""
    reached = set(starts)
    waiting = list(reached)
    while waiting:
        for name in ways[waiting.pop()]:
            if name not in reached:
                reached.add(name)
                waiting.append(name)
    return reached


def _may_end(node: Node) -> bool:
    """Whether the scope can end at the state. One that lacks Next and End is given the benefit of the doubt."""
    fields: dict[str, Any] = node.fields
    if _ends(node):
        return True
    if node.type == "Choice":
        return "Choices" not in fields
    return "Next" not in fields


def _ends(node: Node) -> bool:
    return node.type in {"Succeed", "Fail"} or node.fields.get("End") is True
