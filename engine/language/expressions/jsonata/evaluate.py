"""An expression evaluated within the bounds of its transition, its failures in AWS's words.

In the engine's loop an expression may hold up everybody else, so there it gets little time, and is not started at all
where its shape and the size of its data do not promise a small result; the transition is then decided again in a
process that can be killed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NoReturn

from engine.documents import least_size
from engine.language.expressions.jsonata import messages
from engine.language.expressions.jsonata.expression import Expression
from engine.language.expressions.jsonata.guards import ALONE, LIMIT, LOOP, SLOW, guards_of
from engine.language.expressions.jsonata.native import NativeFailure, run
from engine.language.expressions.jsonata.values import finite
from engine.language.expressions.jsonata.wording import worded
from engine.language.expressions.patience import Exhausted
from engine.language.expressions.scope import BYTES_PER_EFFORT, ExpressionError, Scope

QUERY_EVALUATION_ERROR = "States.QueryEvaluationError"
RESULT_BYTES_MAX = 8 * 1024 * 1024  # estimated, of one evaluation in the loop; ours
AMPLIFIED_BYTES_MAX = 16 * 1024 * 1024  # estimated, of the data repeated for every element; ours
QUADRATIC_BYTES_MAX = 24 * 1024  # of the data that a transform is applied to in the loop; ours
HEAVY_PATTERN = 1_000  # the weight from which a pattern is looked at before it is used; ours
LOOP_SEQUENCE_MAX = 20_000  # elements of a sequence in the loop; ours
SEQUENCE_MAX = 873_782  # as AWS Step Functions, whose memory ends there (measured)
LIGHT_UNITS_MAX = 8  # an expression that can hold its data no more often is not estimated at all

_LOOP_BOUNDS = asdict(LOOP)
_BOUNDS = asdict(ALONE)
_SCALARS = frozenset((int, float, bool, type(None)))
_BOUND_CODES = {
    "D1011": messages.STACK,
    "U1001": messages.STACK,
    "U1002": messages.STACK,
    "D1012": messages.TIMEOUT,
    "D2014": messages.MEMORY,
    "D2015": messages.MEMORY,
}

Evaluate = Callable[[Any, Scope], Any]


def evaluator(expression: Expression, place: str) -> Evaluate:
    """The function that evaluates an expression of the field `place` to plain JSON.

    It raises ExpressionError, named States.QueryEvaluationError and located at the field, or OverBudget.
    """
    source, names, bound = expression.source, expression.names, expression.bound
    reads_context = expression.reads_context()
    weight = expression.findings.pattern_weight
    tells_time = not names.isdisjoint(("now", "millis"))
    is_numeric, is_guarded = expression.findings.is_numeric, bool(guards_of(names))

    def evaluate(value: Any, scope: Scope) -> Any:
        try:
            return evaluate_within(value, scope)
        except Exhausted:
            fail(expression, place, f"threw an error during evaluation: {messages.TIMEOUT}")

    def evaluate_within(value: Any, scope: Scope) -> Any:
        document = {"states": {**value, "context": scope.context} if reads_context else value}
        variables = scope.variables
        for at, name in enumerate(bound):
            if name in variables:
                document[f"v{at}"] = variables[name]
        patience = scope.patience
        if not patience.insists:
            sequence_max = _allowed(expression, document, scope)
        else:
            sequence_max = SEQUENCE_MAX
            if weight > HEAVY_PATTERN and _is_unsearchable(weight, document):
                fail(expression, place, f"threw an error during evaluation: {messages.TIMEOUT}")
        if is_guarded:
            document["B"] = _BOUNDS if patience.insists else _LOOP_BOUNDS
        if tells_time:
            document["N"] = scope.now_ms
        try:
            found = run(
                source,
                names,
                document,
                entropy=scope.entropy,
                timeout_ms=patience.left_ms(),
                sequence_max=sequence_max,
            )
        except NativeFailure as failure:
            _fail(expression, place, scope, failure, document)
        if "v" not in found:
            fail(expression, place, "returned nothing (undefined).")
        if found.get("f"):
            fail(expression, place, "returned an unsupported result type.")
        result = finite(found["v"]) if is_numeric else found["v"]
        try:
            _charge(result, scope)
        except ExpressionError:
            fail(expression, place, f"threw an error during evaluation: {messages.MEMORY}")
        return result

    return evaluate


def _charge(result: Any, scope: Scope) -> None:
    kind = result.__class__
    if kind in _SCALARS:
        scope.spend(1)
    elif kind is str:
        scope.spend(1 + len(result) // BYTES_PER_EFFORT)
    else:
        scope.spend_on(result)


def _allowed(expression: Expression, document: dict[str, Any], scope: Scope) -> int:
    """How long a sequence may become in the loop. Raises OverBudget where the expression should not start there."""
    findings = expression.findings
    if findings.is_slow:
        scope.patience.give_up()
    is_light = findings.units <= LIGHT_UNITS_MAX and not findings.is_quadratic
    if is_light and not findings.amplifies:
        return LOOP_SEQUENCE_MAX
    # Counted only as far as it makes a difference.
    most = AMPLIFIED_BYTES_MAX // 64 if findings.amplifies else RESULT_BYTES_MAX
    size = (
        64
        + len(expression.text)
        + least_size(document, int(min(most, RESULT_BYTES_MAX / findings.units)))
    )
    too_large = findings.is_quadratic and size > QUADRATIC_BYTES_MAX
    if too_large or size * findings.units > RESULT_BYTES_MAX:
        scope.patience.give_up()
    if not findings.amplifies:
        return LOOP_SEQUENCE_MAX
    return min(LOOP_SEQUENCE_MAX, max(64, AMPLIFIED_BYTES_MAX // size))


def _is_unsearchable(weight: int, document: dict[str, Any]) -> bool:
    """Whether to search all of the data for a heavy pattern would outlast every limit: matching cannot be stopped."""
    most = ALONE.search // weight
    return least_size(document, most) > most


def fail(expression: Expression, place: str, what: str) -> NoReturn:
    """Raise the failure of an expression, in AWS's sentence."""
    raise ExpressionError(
        f"The JSONata expression '{expression.text}' specified for the field '{place}' {what}",
        QUERY_EVALUATION_ERROR,
        place,
    ) from None


def _fail(
    expression: Expression,
    place: str,
    scope: Scope,
    failure: NativeFailure,
    document: dict[str, Any],
) -> NoReturn:
    bound = _BOUND_CODES.get(failure.code)
    if failure.code == "D3137":  # also the word of the guards
        bound = {LIMIT: messages.MEMORY, SLOW: messages.TIMEOUT}.get(failure.text)
    if bound is not None:
        if not scope.patience.insists:
            scope.patience.give_up()
        fail(expression, place, f"threw an error during evaluation: {bound}")
    if not failure.code:
        fail(expression, place, "threw an internal error during evaluation.")
    text = worded(failure, expression, document)
    fail(expression, place, f"threw an error during evaluation. {failure.code}: {text}")
