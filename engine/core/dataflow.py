"""The order in which a state's data fields apply.

    JSONPath   raw input -> InputPath -> Parameters -> (the state's work) -> ResultSelector -> ResultPath -> OutputPath
    JSONata    raw input -> Arguments -> (the state's work) -> Output

ResultPath writes into the raw input, not into what InputPath left of it (measured). Assign is evaluated beside all of
it, against variables as they were when the state was entered; what it sets can be read from the next state on. A field
that is absent hands the same Document on, so that data which no field touches is never parsed.
https://states-language.net/spec.html#input-and-output-processing
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.core.failures import QUERY_EVALUATION_ERROR
from engine.core.outcomes import NOTHING_ASSIGNED, Leave, Visit
from engine.documents import EMPTY_OBJECT, Document
from engine.language.expressions.paths import Path, ReferencePath
from engine.language.expressions.scope import ExpressionError, Scope
from engine.language.expressions.templates import Template
from engine.language.machine import Catcher, Discard, Map, Number, Parallel, State, Task


def select(path: Path | Discard | None, document: Document, scope: Scope) -> Document:
    """InputPath and OutputPath: the whole for None, `{}` for null (measured), else what the path leads to."""
    if path is None:
        return document
    if isinstance(path, Discard):
        return EMPTY_OBJECT
    return Document.of(path.find(document.value, scope))


def shape(template: Template | None, document: Document, scope: Scope) -> Document:
    """Parameters, ResultSelector, ItemSelector: the template applied to the document; the document itself for None."""
    if template is None:
        return document
    return Document.of(template.evaluate(document.value, scope))


def place(path: ReferencePath | Discard | None, raw: Document, result: Document) -> Document:
    """ResultPath: the result itself for None ("$"), the raw input for null, else the result put into the raw input."""
    if path is None:
        return result
    if isinstance(path, Discard):
        return raw
    return Document.of(path.put(raw.value, result.value))


def assigned(template: Template | None, value: Any, scope: Scope) -> Mapping[str, Document]:
    """What Assign sets. `value` is what `$` is in JSONPath, or `$states` in JSONata."""
    if template is None:
        return NOTHING_ASSIGNED
    filled: dict[str, Any] = template.evaluate(value, scope)
    return {name: Document.of(each) for name, each in filled.items()}


def states(raw: Document, **more: Any) -> dict[str, Any]:
    """What `$states` is, but for its context: the input, and `result` or `errorOutput` where there is one."""
    return {"input": raw.value, **more}


def express(
    template: Template | None, value: dict[str, Any], default: Document, scope: Scope
) -> Document:
    """A JSONata field applied to `$states`; `default` where it is absent."""
    return default if template is None else Document.of(template.evaluate(value, scope))


def enter(state: State, raw: Document, scope: Scope) -> Document:
    """What a state sees of its input: InputPath applied, or in JSONata all of it."""
    effective = select(state.input_path, raw, scope)
    scope.note("InputPath", effective)
    return effective


def arguments(state: Task | Parallel, raw: Document, effective: Document, scope: Scope) -> Document:
    """What the work is given: Parameters over the effective input, or Arguments."""
    if state.query_language != "JSONata":
        given = shape(state.parameters, effective, scope)
        scope.note("Parameters", given)
        return given
    given = express(state.parameters, states(raw), raw, scope)
    scope.note("Arguments", given)
    return given


def leave(state: Task | Parallel | Map, visit: Visit, result: Document) -> Leave:
    """How a state with a result is left. In JSONPath, `$` in Assign is the result as it came."""
    raw, scope = visit.frame.input, visit.scope
    if state.query_language == "JSONata":
        if state.output is None and state.assign is None:
            return Leave(result, state.next)
        value = states(raw, result=result.value)
        output = express(state.output, value, result, scope)
        return Leave(output, state.next, assigned(state.assign, value, scope))
    shaped = shape(state.result_selector, result, scope)
    scope.note("ResultSelector", shaped)
    placed = place(state.result_path, raw, shaped)
    scope.note("ResultPath", placed)
    output = select(state.output_path, placed, scope)
    if state.assign is None:
        return Leave(output, state.next)
    return Leave(output, state.next, assigned(state.assign, result.value, scope))


def caught(state: State, visit: Visit, catcher: Catcher, error: Document) -> Leave:
    """How a state is left whose failure is caught. In JSONPath, `$` in Assign is the error output."""
    raw, scope = visit.frame.input, visit.scope
    if state.query_language == "JSONata":
        value = states(raw, errorOutput=error.value)
        output = express(catcher.output, value, error, scope)
    else:
        value = error.value
        output = place(catcher.result_path, raw, error)
    return Leave(output, catcher.next, assigned(catcher.assign, value, scope))


def pass_on(
    state: State,
    visit: Visit,
    target: str | None,
    *,
    effective: Document | None = None,
    output: Template | None = None,
    assign: Template | None = None,
) -> Leave:
    """How a state without a result is left: its input goes on. `output` and `assign` are the fields that apply.

    `effective` saves working it out a second time; in JSONPath, `$` in Assign is that.
    """
    raw, scope = visit.frame.input, visit.scope
    if state.query_language == "JSONata":
        if output is None and assign is None:
            return Leave(raw, target)
        value = states(raw)
        handed = express(output, value, raw, scope)
        return Leave(handed, target, assigned(assign, value, scope))
    if effective is None:
        effective = enter(state, raw, scope)
    handed = select(state.output_path, effective, scope)
    if assign is None:
        return Leave(handed, target)
    return Leave(handed, target, assigned(assign, effective.value, scope))


def whole(
    given: Number, field: str, effective: Document, visit: Visit, scope: Scope, low: int, high: int
) -> int | None:
    """A field that holds a number, a path to one (`<field>Path`), or a JSONata expression that yields one."""
    if given is None or isinstance(given, int):
        return given
    if isinstance(given, Template):
        value = given.evaluate(states(visit.frame.input), scope)
        if not low <= value <= high:
            raise ExpressionError(
                f"The {field} field's value is outside {low} to {high}: {value}",
                QUERY_EVALUATION_ERROR,
                field,
            )
        return int(value)
    value = given.find(effective.value, scope)
    if not isinstance(value, int) or isinstance(value, bool):
        shown = value if isinstance(value, str) else Document.of(value).text.decode()
        raise ExpressionError(
            f"The {field}Path parameter cannot be parsed as a long value: {given.text} == {shown}"
        )
    if not low <= value <= high:
        raise ExpressionError(
            f"The {field}Path parameter references a value outside {low} to {high}: {given.text} == {value}"
        )
    return value
