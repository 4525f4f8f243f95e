"""The 18 intrinsic functions: one table.

Semantics as measured on AWS, also where its documentation says otherwise. A function takes JSON values and raises
InvalidArguments for what it does not accept. Chance comes only from the scope.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.documents import Document
from engine.errors import InvalidDocument
from engine.language.expressions.scope import Scope
from engine.language.expressions.values import equal, identity, is_number, json_text

TEXT_LENGTH_MAX = 10_000  # characters that Base64 and Hash take; as AWS Step Functions.
RANGE_ITEMS_MAX = 1_000  # as AWS Step Functions.
FORMATTED_LENGTH_MAX = 10_000_000  # characters; ours, above any payload, against nested doubling.

_INT32 = range(-(2**31), 2**31)


class InvalidArguments(Exception):
    """The arguments are not what the function takes; the text, if any, replaces AWS's usual sentence."""


@dataclass(frozen=True, slots=True)
class Function:
    """An intrinsic function and how many arguments it takes; `arguments_max` None is any number."""

    run: Callable[..., Any]
    arguments_min: int
    arguments_max: int | None
    takes_scope: bool = False

    def __call__(self, arguments: list[Any], scope: Scope) -> Any:
        """Raises InvalidArguments."""
        if not self.takes(len(arguments)):
            raise InvalidArguments
        return self.run(*arguments, scope=scope) if self.takes_scope else self.run(*arguments)

    def takes(self, arguments: int) -> bool:
        """Whether that many arguments are right."""
        most = self.arguments_max
        return self.arguments_min <= arguments and (most is None or arguments <= most)

    @property
    def arity(self) -> str:
        """How many arguments it takes, in words."""
        least, most = self.arguments_min, self.arguments_max
        if most is None:
            return f"at least {least}"
        return f"{least}" if least == most else f"{least} to {most}"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidArguments
    return value


def _short_text(value: Any) -> str:
    if len(_text(value)) > TEXT_LENGTH_MAX:
        raise InvalidArguments
    return _text(value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidArguments
    return value


def _truncated(value: Any) -> int:
    """A number without its fraction, toward zero."""
    if not is_number(value):
        raise InvalidArguments
    return math.trunc(value)


def _rounded(value: Any) -> int:
    """A number rounded half up, toward positive infinity, as a 32-bit integer."""
    if not is_number(value):
        raise InvalidArguments
    floor = math.floor(value)
    return _int32(floor + (value - floor >= 0.5))


def _int32(value: int) -> int:
    if value not in _INT32:
        raise InvalidArguments
    return value


_TEMPLATE_TOKEN = re.compile(r"\\(['{}\\])|(\{\})|([{}])|([^\\{}]+|\\)")


def _format(template: Any, *arguments: Any) -> str:
    """Each `{}` is replaced, left to right; a backslash keeps a brace from being one."""
    pieces: list[str] = []
    waiting = list(reversed(arguments))
    for escaped, placeholder, brace, plain in _TEMPLATE_TOKEN.findall(_text(template)):
        if brace:
            other = {"{": "}", "}": "{"}[brace]
            raise InvalidArguments(
                f"Invalid template in States.Format: matching '{other}' not found for '{brace}'."
            )
        if placeholder and not waiting:
            raise InvalidArguments
        pieces.append(_java_text(waiting.pop()) if placeholder else escaped or plain)
    if waiting or sum(map(len, pieces)) > FORMATTED_LENGTH_MAX:
        raise InvalidArguments
    return "".join(pieces)


def _java_text(value: Any) -> str:
    """A value as Java prints it: strings bare, objects as `{a=1, b=[]}`."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_java_text(v)}" for key, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_java_text, value)) + "]"
    return json_text(value)


def _string_to_json(text: Any) -> Any:
    if not _text(text).strip():
        return None
    try:
        return Document.parse(text).value
    except InvalidDocument:
        raise InvalidArguments from None


def _array(*elements: Any) -> list[Any]:
    return list(elements)


def _array_partition(array: Any, size: Any) -> list[Any]:
    length, elements = _truncated(size), _list(array)
    if length < 1:
        raise InvalidArguments
    return [elements[at : at + length] for at in range(0, len(elements), length)]


def _array_contains(array: Any, value: Any) -> bool:
    return any(equal(element, value) for element in _list(array))


def _array_range(first: Any, last: Any, step: Any) -> list[int]:
    start, end, by = _truncated(first), _truncated(last), _truncated(step)
    if by == 0 or (end - start) // by >= RANGE_ITEMS_MAX:
        raise InvalidArguments
    return list(range(start, end + (1 if by > 0 else -1), by))


def _array_get_item(array: Any, index: Any) -> Any:
    elements, at = _list(array), _truncated(index)
    if not elements:
        return None  # measured: an empty array has null everywhere
    if not 0 <= at < len(elements):
        raise InvalidArguments
    return elements[at]


def _array_length(array: Any) -> int:
    return len(_list(array))


def _array_unique(array: Any) -> list[Any]:
    unique: dict[Any, Any] = {}
    for element in _list(array):
        unique.setdefault(identity(element), element)
    return list(unique.values())


_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")


def _base64_encode(text: Any) -> str:
    return base64.b64encode(_short_text(text).encode("utf-8", "replace")).decode()


def _base64_decode(text: Any) -> str:
    """Lenient: what is not of the alphabet is skipped, padding is not needed."""
    digits = _NOT_BASE64.sub("", _short_text(text))
    whole = digits[: len(digits) - (len(digits) % 4 == 1)]  # one digit is no byte
    return base64.b64decode(whole + "=" * (-len(whole) % 4)).decode("utf-8", "replace")


_ALGORITHMS: dict[str, str] = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}


def _hash(data: Any, algorithm: Any) -> str:
    name = _ALGORITHMS.get(_text(algorithm))
    text = _short_text(data if isinstance(data, str) else json_text(data))
    if name is None:
        raise InvalidArguments
    return hashlib.new(name, text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _json_merge(first: Any, second: Any, deep: Any) -> dict[str, Any]:
    if deep is True or not isinstance(first, dict) or not isinstance(second, dict):
        raise InvalidArguments
    return {**first, **second}


def _math_random(first: Any, last: Any, *seeds: Any, scope: Scope) -> int:
    start, end = _int32(_truncated(first)), _int32(_truncated(last))
    if start >= end:
        raise InvalidArguments
    if not seeds:
        return start + scope.entropy.below(end - start)
    return start + int(_seeded(_truncated(seeds[0])) * (end - start))


def _seeded(seed: int) -> float:
    """The first `nextDouble()` of `java.util.Random(seed)`, in [0, 1)."""
    multiplier, mask = 0x5DEECE66D, (1 << 48) - 1
    first = (((seed ^ multiplier) & mask) * multiplier + 0xB) & mask
    second = (first * multiplier + 0xB) & mask
    return float(((first >> 22) << 27) + (second >> 21)) / (1 << 53)


def _math_add(first: Any, second: Any) -> int:
    return _int32(_rounded(first) + _rounded(second))


def _string_split(text: Any, separators: Any) -> list[str]:
    """Split at every character of `separators`; empty pieces are dropped."""
    characters = re.escape(_text(separators))
    pieces = re.split(f"[{characters}]", _text(text)) if characters else [_text(text)]
    return [piece for piece in pieces if piece]


def _uuid(*, scope: Scope) -> str:
    return scope.entropy.uuid()


FUNCTIONS: dict[str, Function] = {
    "States.Format": Function(_format, 1, None),
    "States.StringToJson": Function(_string_to_json, 1, 1),
    "States.JsonToString": Function(json_text, 1, 1),
    "States.Array": Function(_array, 0, None),
    "States.ArrayPartition": Function(_array_partition, 2, 2),
    "States.ArrayContains": Function(_array_contains, 2, 2),
    "States.ArrayRange": Function(_array_range, 3, 3),
    "States.ArrayGetItem": Function(_array_get_item, 2, 2),
    "States.ArrayLength": Function(_array_length, 1, 1),
    "States.ArrayUnique": Function(_array_unique, 1, 1),
    "States.Base64Encode": Function(_base64_encode, 1, 1),
    "States.Base64Decode": Function(_base64_decode, 1, 1),
    "States.Hash": Function(_hash, 2, 2),
    "States.JsonMerge": Function(_json_merge, 3, 3),
    "States.MathRandom": Function(_math_random, 2, 3, takes_scope=True),
    "States.MathAdd": Function(_math_add, 2, 2),
    "States.StringSplit": Function(_string_split, 2, 2),
    "States.UUID": Function(_uuid, 0, 0, takes_scope=True),
}

FAIL_FUNCTIONS: frozenset[str] = frozenset(
    (
        "States.Format",
        "States.JsonToString",
        "States.ArrayGetItem",
        "States.Base64Encode",
        "States.Base64Decode",
        "States.Hash",
        "States.UUID",
    )
)
"""The functions that ErrorPath and CausePath of a Fail state may call; as AWS Step Functions."""
