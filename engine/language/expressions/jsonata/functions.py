"""The functions that AWS Step Functions adds to JSONata: `$partition $range $hash $random $uuid $parse`.

Each takes the arguments that the evaluator passes and raises InvalidCall where it does not take them; an argument that
is undefined arrives as None. Fractions are rounded down, as AWS documents.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any

from engine.documents import Document
from engine.errors import InvalidDocument
from engine.language.expressions.scope import Entropy
from engine.language.expressions.values import is_number

RANGE_ITEMS_MAX = 100_000  # ours; some ten milliseconds

_ALGORITHMS = {
    "MD5": hashlib.md5,
    "SHA-1": hashlib.sha1,
    "SHA-256": hashlib.sha256,
    "SHA-384": hashlib.sha384,
    "SHA-512": hashlib.sha512,
}


class InvalidCall(Exception):
    """A function was called with what it does not take; `code` and `text` are JSONata's."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text
        super().__init__(f"{code}: {text}")


def _misfit(function: str, argument: int) -> InvalidCall:
    text = f'Argument {argument} of function "{function}" does not match function signature'
    return InvalidCall("T0410", text)


def _whole(value: Any, function: str, argument: int) -> int:
    if not is_number(value) or not math.isfinite(value):
        raise _misfit(function, argument)
    return math.floor(value)


def partition(*arguments: Any) -> list[Any]:
    """An array in chunks of a size; the last may be shorter."""
    array, size = _exactly("partition", arguments, 2)
    if array is None:
        raise _misfit("partition", 1)
    items = array if isinstance(array, list) else [array]
    size = _whole(size, "partition", 2)
    if size < 1:
        raise _misfit("partition", 2)
    return [items[at : at + size] for at in range(0, len(items), size)]


def number_range(*arguments: Any) -> list[int]:
    """The numbers from the first to the last, which is included where a step lands on it."""
    numbers = _exactly("range", arguments, 3)
    first, last, step = (_whole(each, "range", at + 1) for at, each in enumerate(numbers))
    if step == 0:
        raise _misfit("range", 3)
    found = range(first, last + (1 if step > 0 else -1), step)
    # A range of more elements than a machine word counts has no length.
    if abs(last - first) // abs(step) >= RANGE_ITEMS_MAX and found:
        raise InvalidCall("D2014", f"A range has {RANGE_ITEMS_MAX:,} items at most.")
    return list(found)


def digest(*arguments: Any) -> str:
    """The digest of a text in lower-case hexadecimal."""
    data, algorithm = _exactly("hash", arguments, 2)
    if not isinstance(data, str):
        raise _misfit("hash", 1)
    make = _ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None
    if make is None:
        raise _misfit("hash", 2)
    return make(data.encode("utf-8", "surrogatepass")).hexdigest()


def parse(*arguments: Any) -> Any:
    """The value of a JSON text."""
    (text,) = _exactly("parse", arguments, 1)
    if not isinstance(text, str):
        raise _misfit("parse", 1)
    try:
        return Document.parse(text).value
    except InvalidDocument:
        raise InvalidCall("D3137", 'The argument of function "parse" is not JSON') from None


def random(entropy: Entropy, *arguments: Any) -> float:
    """A number in [0, 1): the next of the state entry's own, or the first of `java.util.Random(seed)`."""
    if len(arguments) > 1:
        raise _misfit("random", 2)
    if not arguments:
        return entropy.uniform()
    return java_random(_whole(arguments[0], "random", 1))


def uuid(entropy: Entropy, *arguments: Any) -> str:
    """A version 4 UUID."""
    if arguments:
        raise _misfit("uuid", 1)
    return entropy.uuid()


def shuffled(entropy: Entropy, *arguments: Any) -> list[Any]:
    """The elements in an order by chance (Fisher and Yates)."""
    (array,) = _exactly("shuffle", arguments, 1)
    items = list(array) if isinstance(array, list) else [array]
    for last in range(len(items) - 1, 0, -1):
        other = entropy.below(last + 1)
        items[last], items[other] = items[other], items[last]
    return items


_MULTIPLIER = 0x5DEECE66D
_MASK = (1 << 48) - 1


def java_random(seed: int) -> float:
    """`new java.util.Random(seed).nextDouble()`: the top 26 and 27 bits of two steps of its generator."""
    state = (seed ^ _MULTIPLIER) & _MASK
    state = (state * _MULTIPLIER + 0xB) & _MASK
    high = state >> 22
    state = (state * _MULTIPLIER + 0xB) & _MASK
    return float(((high << 27) + (state >> 21)) / (1 << 53))


def _exactly(function: str, arguments: tuple[Any, ...], count: int) -> tuple[Any, ...]:
    if len(arguments) != count:
        raise _misfit(function, min(len(arguments), count) + 1)
    return arguments


SIMPLE: dict[str, Callable[..., Any]] = {
    "partition": partition,
    "range": number_range,
    "hash": digest,
    "parse": parse,
}
BY_CHANCE: dict[str, Callable[..., Any]] = {"random": random, "uuid": uuid, "shuffle": shuffled}
