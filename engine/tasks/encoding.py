"""How JSON values become a form (`Transform.RequestBodyEncoding: URL_ENCODED`) and parameters of a query.

https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html, "Applying URL-encoding on request body".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import urlencode

from engine.documents import Document

ArrayFormat = Literal["INDICES", "REPEAT", "COMMAS", "BRACKETS"]


def form(value: dict[str, Any], arrays: ArrayFormat = "INDICES") -> bytes:
    """The object as application/x-www-form-urlencoded; an object inside becomes `outer[inner]=`."""
    return urlencode([pair for key in value for pair in _pairs(key, value[key], arrays)]).encode()


def query(value: dict[str, Any]) -> list[tuple[str, str]]:
    """The object as parameters of a query: a list repeats its key, null leaves it out."""
    return [
        (key, plain(each))
        for key, given in value.items()
        for each in (given if isinstance(given, list) else [given])
        if each is not None
    ]


def plain(value: Any) -> str:
    """A scalar as text; an object or a list as its JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else Document.of(value).text.decode()


def _pairs(key: str, value: Any, arrays: ArrayFormat) -> Iterator[tuple[str, str]]:
    """Not recursive beyond the depth that a document may have."""
    if isinstance(value, dict):
        for inner, given in value.items():
            yield from _pairs(f"{key}[{inner}]", given, arrays)
    elif isinstance(value, list) and arrays == "COMMAS":
        yield key, ",".join(plain(each) for each in value)
    elif isinstance(value, list):
        for index, given in enumerate(value):
            at = {"INDICES": f"[{index}]", "BRACKETS": "[]"}.get(arrays, "")
            yield from _pairs(key + at, given, arrays)
    else:
        yield key, plain(value)
