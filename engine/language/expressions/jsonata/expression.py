"""One compiled expression: its text, what it reads, and the JSONata that the evaluator is given for it.

The data goes in as the input document, never as bindings: the evaluator converts bindings at once, the document only
where it is read. So the text is put into a frame that binds `$states` and the variables to parts of the document:

    {}.{"v": ($states := $$.states; $total := $$.v0; EXPRESSION)}

The object tells an undefined result, which leaves no member, from null. The empty object before it is the context of
functions that take it where an argument is missing, such as `$sift(function)`; AWS has none at all.
"""

from __future__ import annotations

from jsonatapy import compile as compile_native

from engine.language.expressions.faults import (
    ExpressionProblem,
    InvalidExpression,
    SyntaxFault,
    one_line,
)
from engine.language.expressions.jsonata.analysis import Findings, analyse
from engine.language.expressions.jsonata.guards import mark_for, prelude
from engine.language.expressions.jsonata.syntax import parse

HEAD, TAIL = "{%", "%}"


def is_expression(value: object) -> bool:
    """Whether a JSON value is a text that starts exactly `{%` and ends exactly `%}`."""
    return (
        isinstance(value, str)
        and len(value) >= len(HEAD + TAIL)
        and value.startswith(HEAD)
        and value.endswith(TAIL)
    )


class Expression:
    """What the text between `{%` and `%}` reads and needs.

    `text` is that text without outer blanks, `variables` the names of the variables that it reads: not those that it
    binds itself, nor functions. `bound` are the names that are looked up among the variables, in the order of the members
    `v0`, `v1` ... of the document; `source` is what the evaluator runs.
    """

    __slots__ = ("_states", "bound", "findings", "names", "source", "text", "variables")

    def __init__(self, text: str, findings: Findings) -> None:
        self.text = text
        self.findings = findings
        self.variables = frozenset(findings.variables)
        self.names = frozenset(findings.names)
        self._states = frozenset(findings.states)
        self.bound = tuple(sorted(self.variables | findings.shadowed))
        self.source = _frame(text, self.bound, findings)

    @property
    def reads_input(self) -> bool:
        """Whether this can read `$states.input`."""
        return any(not names or names[0] == "input" for names in self._states)

    def reads_context(self, *prefix: str) -> bool:
        """Whether this can read that part of the Context Object, e.g. `("Map",)`; no prefix means any part."""
        return any(
            not names
            or (
                names[0] == "context"
                and all(a == b for a, b in zip(prefix, names[1:], strict=False))
            )
            for names in self._states
        )

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


def compile_expression(marked: str, available: frozenset[str]) -> Expression:
    """Compile a text that `is_expression`; `available` are the members that `$states` has here.

    Raises InvalidExpression with every problem; `at` counts from the start of the marked text.
    """
    inner = marked[len(HEAD) : -len(TAIL)]
    text = inner.strip()
    offset = len(HEAD) + len(inner) - len(inner.lstrip())
    try:
        tree = parse(text)
        findings = analyse(tree, available)
    except SyntaxFault as fault:
        raise _invalid(fault.reason, None if fault.at is None else fault.at + offset) from None
    except RecursionError:
        raise _invalid("The expression nests too deeply", None) from None
    if findings.problems:
        raise InvalidExpression(_moved(problem, offset) for problem in findings.problems)
    expression = Expression(text, findings)
    refusal = _native_refusal(text) or _native_refusal(expression.source)
    if refusal:
        raise _invalid(f"The evaluator cannot read the expression: {refusal}", None)
    return expression


def _frame(text: str, variables: tuple[str, ...], findings: Findings) -> str:
    names = frozenset(findings.names)
    mark = mark_for(text)
    bindings = "$eval:=$$.nothing;" if "eval" in text else ""
    if findings.states:
        bindings += "$states:=$$.states;"
    for at, name in enumerate(variables):
        # A variable that has the name of a function hides it, where there is one.
        value = f"$exists($$.v{at})?$$.v{at}:${name}" if name in findings.shadowed else f"$$.v{at}"
        bindings += f"${name}:={value};"
    before = prelude(names, mark, max(1, findings.pattern_weight))
    if not findings.may_be_function:
        return f'{{}}.{{"v":({before}{bindings}{text}\n)}}'
    # A function has no JSON form; the evaluator would show it as null.
    kind = f"${mark}kind"
    return (
        f"{{}}.({kind}:=$type;${mark}v:=({before}{bindings}{text}\n);"
        f'{{"v":${mark}v,"f":{kind}(${mark}v)="function"}})'
    )


def _native_refusal(source: str) -> str:
    """Why jsonatapy cannot compile a text; empty where it can."""
    try:
        compile_native(source)
    except ValueError as error:
        return one_line(str(error).removeprefix("Parse error: "))
    except BaseException as error:  # a panic of the native code is no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return one_line(str(error))
    return ""


def _invalid(message: str, at: int | None) -> InvalidExpression:
    return InvalidExpression([ExpressionProblem("", message, at=at, code="invalid_jsonata")])


def _moved(problem: ExpressionProblem, offset: int) -> ExpressionProblem:
    at = None if problem.at is None else problem.at + offset
    return ExpressionProblem(
        problem.pointer, problem.message, problem.hint, at=at, code=problem.code
    )
