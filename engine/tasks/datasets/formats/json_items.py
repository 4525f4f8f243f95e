"""JSON: the elements of an array, or the members of an object, read one after the other from a file of any size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from io import BufferedReader
from typing import Any

import ijson

from engine.documents import DEPTH_MAX
from engine.tasks.datasets.faults import NOT_ITERABLE, ItemReaderFailed
from engine.tasks.datasets.formats.entries import ENTRY_BYTES_MAX, Entry

BUFFER_BYTES = 64 * 1024

Events = Iterator[tuple[str, Any]]


def json_entries(reader: BufferedReader, pointer: str | None) -> Iterator[Entry]:
    """The entries of the array that the file is, or of the array or object that the JSON pointer (RFC 6901) leads to.

    A file that is an object itself, without a pointer, is refused: AWS was recorded to. Raises ItemReaderFailed.
    """
    try:
        events: Events = iter(ijson.basic_parse(reader, buf_size=BUFFER_BYTES))
        kind, value = next(events)
        for token in _tokens(pointer):
            kind, value = _member(events, kind, token)
        del value
        if kind == "start_array":
            yield from _elements(events)
        elif kind == "start_map" and pointer:
            yield from _members(events)
        else:
            raise ItemReaderFailed(NOT_ITERABLE)
    except ijson.JSONError as error:
        told = str(error).partition("\n")[0]
        raise ItemReaderFailed(f"The file is not valid JSON: {told}") from None


def _elements(events: Events) -> Iterator[Entry]:
    for kind, value in events:
        if kind == "end_array":
            return
        built, size = _built(events, kind, value)
        yield Entry(built, None, size)


def _members(events: Events) -> Iterator[Entry]:
    for kind, key in events:
        if kind == "end_map":
            return
        built, size = _built(events, *next(events))
        yield Entry(built, key, size + len(key))


def _tokens(pointer: str | None) -> list[str]:
    if not pointer:
        return []
    if not pointer.startswith("/"):
        raise ItemReaderFailed(f"ItemsPointer is not a JSON pointer: {pointer}")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]


def _member(events: Events, opened: str, token: str) -> tuple[str, Any]:
    """The event that the member of the container just opened begins with."""
    if opened == "start_map":
        for kind, key in events:
            if kind == "end_map":
                break
            found = next(events)
            if key == token:
                return found
            _skip(events, found[0])
    elif opened == "start_array" and token.isdecimal():
        left = int(token)
        for found in events:
            if found[0] == "end_array":
                break
            if left == 0:
                return found
            left -= 1
            _skip(events, found[0])
    raise ItemReaderFailed(NOT_ITERABLE)


def _skip(events: Events, kind: str) -> None:
    depth = 0
    while True:
        if kind in ("start_map", "start_array"):
            depth += 1
        elif kind in ("end_map", "end_array"):
            depth -= 1
        if depth == 0:
            return
        kind, _ = next(events)


def _built(events: Events, kind: str, value: Any) -> tuple[Any, int]:
    """The value that begins with this event, and about its size."""
    stack: list[Any] = []
    keys: list[str] = []  # of the objects that are open, innermost last
    size = 0
    while True:
        if kind == "map_key":
            keys.append(value)
            size += len(value) + 4
        else:
            if kind in ("end_map", "end_array"):
                done = stack.pop()
            elif kind in ("start_map", "start_array"):
                stack.append({} if kind == "start_map" else [])
                if len(stack) > DEPTH_MAX:
                    raise ItemReaderFailed(f"An item is nested deeper than {DEPTH_MAX} levels")
                done = stack
            else:
                done = _scalar(value)
            size += len(value) + 3 if kind == "string" else 2
            if done is not stack:
                if not stack:
                    return done, size
                if isinstance(stack[-1], list):
                    stack[-1].append(done)
                else:
                    stack[-1][keys.pop()] = done
        if size > ENTRY_BYTES_MAX:
            raise ItemReaderFailed(f"An item is larger than {ENTRY_BYTES_MAX} bytes")
        kind, value = next(events)


def _scalar(value: Any) -> Any:
    if not isinstance(value, Decimal):
        return value
    number = float(value)
    if math.isinf(number):
        raise ItemReaderFailed(f"A number is out of range: {value}")
    return number
