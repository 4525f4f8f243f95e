"""The language: definition text in, problems or a compiled machine out. Pure."""

from __future__ import annotations

from engine.errors import InvalidDefinition
from engine.language.checks import check_graph
from engine.language.compile import compile_machine
from engine.language.conventions import check_states
from engine.language.diagnostics.json_faults import NOT_AN_OBJECT
from engine.language.document import scopes_of
from engine.language.languages import check_languages
from engine.language.machine import Machine
from engine.language.problems import Problem
from engine.language.report import Report
from engine.language.schema import check_structure, kind_of
from engine.language.text import read_source
from engine.language.text.source import Format, shown
from engine.language.variables import check_variables

__all__ = ["Format", "Machine", "Problem", "check", "examine", "read"]


def read(text: str | bytes, *, format: Format | None = None) -> Machine:  # noqa: A002
    """The machine that the text defines.

    Without `format`, text that begins with `{` is JSON, all other YAML. Raises InvalidDefinition with all problems,
    warnings among them, in the order of the text; nothing else, whatever the text.
    """
    machine, problems = examine(text, format)
    if machine is None:
        raise InvalidDefinition(problems)
    return machine


def check(text: str | bytes, format: Format | None = None) -> tuple[Problem, ...]:  # noqa: A002
    """All problems of the text, warnings included, in its order; at most `limits.PROBLEMS_MAX`. Never raises."""
    return examine(text, format)[1]


def examine(
    text: str | bytes,
    format: Format | None = None,  # noqa: A002
) -> tuple[Machine | None, tuple[Problem, ...]]:
    """Both at once: the machine unless there are errors, and all problems. Never raises."""
    source = read_source(text, format)
    report = Report(source)
    document = source.value
    if not source.readable:
        return None, report.problems()
    if not isinstance(document, dict):
        found = shown(document) if isinstance(document, str) else kind_of(document)
        message = f"A definition is an object with StartAt and States; found {found}."
        report.add("not_an_object", (), message, _outermost_hint(document), aws=NOT_AN_OBJECT)
        return None, report.problems()
    scopes = scopes_of(document)
    check_structure(document, scopes, report)
    check_graph(scopes, report)
    check_languages(document, scopes, report)
    check_states(scopes, report)
    check_variables(scopes, report)
    machine = compile_machine(document, scopes, report)
    return machine, report.problems()


def _outermost_hint(document: object) -> str:
    is_wrapped = isinstance(document, list) and len(document) == 1 and isinstance(document[0], dict)
    if is_wrapped:
        return "Take the object out of the list: remove the - or the [ ] around it."
    return "Begin with StartAt and States, such as StartAt: Hello."
