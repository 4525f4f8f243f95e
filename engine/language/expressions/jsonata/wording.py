"""jsonatapy's run-time errors in jsonata-js's words, which AWS repeats.

A code says most of the text. Some texts name values that jsonatapy does not tell; then a small expression is evaluated
once more by jsonata-python, whose errors carry them.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from jsonata.jexception import JException
from jsonata.jsonata import Jsonata

from engine.documents import least_size
from engine.language.expressions.jsonata.expression import Expression
from engine.language.expressions.jsonata.guards import guards_of
from engine.language.expressions.jsonata.messages import as_json, message, template
from engine.language.expressions.jsonata.native import NativeFailure

SECOND_OPINION_BYTES_MAX = 8_192  # of the data; ours, about 10 ms
SECOND_OPINION_UNITS_MAX = 64

# The code alone says the text.
_FIXED = frozenset((
    "T1006", "T1008", "T2003", "T2004", "T2006", "T2008", "T2013", "D1004", "D3001", "D3010", "D3011", "D3012", "D3020",
    "D3040", "D3050", "D3070", "D3080", "D3081", "D3082", "D3083", "D3084", "D3085", "D3086", "D3087", "D3088", "D3089",
    "D3090", "D3091", "D3092", "D3093", "D3131", "D3134", "D3135", "D3136", "D3138", "D3139",
))  # fmt: skip
_VALUED = frozenset(("D1002", "T2009", "T2010"))
_SIGNATURE = frozenset(("T0410", "T0412"))

_OPERATOR = re.compile(r"of the (\S+) operator")
_CAST = re.compile(r"Cannot convert '(.*)' to number", re.DOTALL)
_RADIX = re.compile(r"got (\S+)")
_ARGUMENT = re.compile(r"Argument (\d+)")
_COUNT = re.compile(r"expected (\d+), got (\d+)")
_ARRAY_OF = re.compile(r"must be an array of (\w+)")


def worded(failure: NativeFailure, expression: Expression, document: dict[str, Any]) -> str:
    """The text of a failure that has a code, as far as it can be told."""
    code, text = failure.code, failure.text
    if code in _FIXED:
        return template(code) or text
    if code in {"T2001", "T2002"}:
        return _OPERATOR.sub(lambda found: f"of the {as_json(found[1])} operator", text)
    if code == "D3030" and (cast := _CAST.search(text)):
        return message(code, [cast[1]])
    if code == "D3100" and (radix := _RADIX.search(text)):
        return (template(code) or "").replace("{{value}}", radix[1])
    if code in _VALUED:
        told = _second_opinion(code, expression, document)
        return message(code, told[-1:] if code == "D1002" else told) if told else text
    if code in _SIGNATURE and 'of function "' not in text:
        return _signature(failure, expression, document)
    return text


def _signature(failure: NativeFailure, expression: Expression, document: dict[str, Any]) -> str:
    """A function was given what it does not take: which argument, of which function."""
    if len(expression.names) == 1:
        (function,) = expression.names
    else:
        told = _second_opinion(failure.code, expression, document)
        if not told or len(told) < 2:
            return failure.text
        function = str(told[1])
    if count := _COUNT.search(failure.text):
        index = min(int(count[1]), int(count[2])) + 1
    else:
        found = _ARGUMENT.search(failure.text)
        index = int(found[1]) if found else 1
    if failure.code == "T0412" and (of := _ARRAY_OF.search(failure.text)):
        return message("T0412", [index, function, of[1].lower() + "s"])
    return message("T0410", [index, function])


def _second_opinion(
    code: str, expression: Expression, document: dict[str, Any]
) -> list[Any] | None:
    """What jsonata-python names in its error, if it comes to the same one; None where it may not be asked.

    Only expressions whose work is in proportion to their data are asked about, so that no clock has a say in the text.
    """
    findings = expression.findings
    if (
        findings.is_slow
        or findings.is_quadratic
        or findings.amplifies
        or findings.may_be_function
        or findings.pattern_weight
        or findings.units > SECOND_OPINION_UNITS_MAX
        or guards_of(expression.names)
        or least_size(document, SECOND_OPINION_BYTES_MAX) > SECOND_OPINION_BYTES_MAX
    ):
        return None
    names = {"states": "states"} | {f"v{at}": name for at, name in enumerate(expression.bound)}
    given = {names[key]: value for key, value in document.items() if key in names}
    try:
        # A copy: what the engine holds is shared and must not be changed.
        Jsonata(expression.text).evaluate(None, msgspec.json.decode(msgspec.json.encode(given)))
    except JException as fault:
        told = [a for a in (fault.current, fault.expected, fault.extra) if a is not None]
        return told if fault.error == code else None
    except (
        Exception
    ):  # it fails in ways of its own where the data is odd; then there is no second opinion
        return None
    return None
