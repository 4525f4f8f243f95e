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
        return str(value) if place[1] else as_json(value)

    return _PLACE.sub(fill, text)


def as_json(value: Any) -> str:
    """A value as a message shows it."""
    try:
        return _encode(value).decode()
    except (TypeError, ValueError):
        return f'"{type(value).__name__}"'
