"""JSONata's error texts, as jsonata-js words them and AWS repeats them: `T2001: The left side of the "-" operator ...`.

The texts are jsonata-python's, which has them from jsonata-js by way of Java, where every "function" became "Object".
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from jsonata.jexception import JException

_PLACE = re.compile(r"\{\{(\{?)\w+\}?\}\}")
_encode = msgspec.json.Encoder().encode

TIMEOUT = "Expression evaluation timeout: Check for infinite loop"
STACK = (
    "Stack overflow error: Check for non-terminating recursive function. "
    "Consider rewriting as tail-recursive"
)
MEMORY = "Expression evaluation memory limit exceeded: Check for excessive memory usage"

_OPERATOR = re.compile(r"of the (\S+) operator")
# Texts that jsonatapy words differently and that need no value: the code alone says them.
_FIXED = frozenset((
    "T1006", "T1008", "T2003", "T2004", "T2006", "T2008", "T2013", "D1004", "D3010", "D3011", "D3012", "D3020", "D3040",
    "D3050", "D3070", "D3080", "D3081", "D3082", "D3083", "D3084", "D3085", "D3086", "D3087", "D3088", "D3089", "D3090",
    "D3091", "D3092", "D3093", "D3131", "D3134", "D3135", "D3136", "D3138", "D3139",
))  # fmt: skip


def template(code: str) -> str | None:
    """jsonata-js's text of a code, with its places; None for a code that does not exist."""
    text = JException.error_codes.get(code)
    return None if text is None else text.replace("Object", "function")


def message(code: str, arguments: list[Any]) -> str:
    """The text of a code with its places filled in turn, as JSON; without a code that exists, the code itself."""
    text = template(code)
    if text is None:
        return code
    waiting = list(reversed(arguments))

    def fill(place: re.Match[str]) -> str:
        value = waiting.pop() if waiting else ""
        return str(value) if place[1] else _json(value)

    return _PLACE.sub(fill, text)


def _json(value: Any) -> str:
    try:
        return _encode(value).decode()
    except (TypeError, ValueError):
        return _encode(str(value)).decode()


def worded(code: str, text: str) -> str:
    """A message of jsonatapy's in jsonata-js's words, as far as the code and the text tell them."""
    if code in _FIXED:
        return template(code) or text
    if code in {"T2001", "T2002"}:
        return _OPERATOR.sub(lambda found: f"of the {_json(found[1])} operator", text)
    return text
