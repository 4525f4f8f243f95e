"""Bytes in: request bodies and query strings, into the structs of `requests`.

Every refusal names the place. All fields that are wrong are named at once; inside a field that is itself an object or
a list, the first.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar, get_origin
from urllib.parse import parse_qsl

import msgspec
from msgspec import NODEFAULT, Raw, Struct, UnsetType, structs

from engine.documents import Document
from engine.errors import InvalidDocument, InvalidRequest

S = TypeVar("S", bound=Struct)

QUERY_FIELDS_MAX = 32  # more is a mistake or an attack; no operation has as many parameters


@cache
def _nothing(kind: type[Struct]) -> Any:
    """The struct that an empty query string means."""
    return kind()


@cache
def _decoder(kind: type[Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def read_body(kind: type[S], data: bytes) -> S:
    """The body as `kind`; an empty body counts as `{}`.

    Raises InvalidDocument where it is not JSON (with byte, line and column), InvalidRequest where it is not of the form.
    """
    text = data or b"{}"
    try:
        decoded: S = _decoder(kind).decode(text)
        return decoded
    except msgspec.ValidationError as error:
        raise _refusal(_body_errors(kind, text) or [_located(str(error), "$")]) from None
    except RecursionError:
        raise InvalidDocument(detail="nesting is too deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise malformed(text, str(error)) from None


def read_query(kind: type[S], query: bytes) -> S:
    """The query string as `kind`. Raises InvalidRequest naming every parameter that is unknown, repeated or wrong."""
    if not query:
        defaults: S = _nothing(kind)
        return defaults
    given, errors = _pairs(query, _several(kind))
    for item in _fields(kind):
        if item.encode_name in given:
            errors += _field_errors(
                item.type, given[item.encode_name], f"?{item.encode_name}", text=True
            )
    known = [item.encode_name for item in _fields(kind)]
    errors += [_unknown(f"?{name}", name, known) for name in given if name not in known]
    if errors:
        raise _refusal(errors)
    return msgspec.convert(given, kind, strict=False)


@cache
def _several(kind: type[Struct]) -> frozenset[str]:
    """The parameters that may be given several times: those that are lists."""
    return frozenset(
        item.encode_name
        for item in _fields(kind)
        if get_origin(getattr(item.type, "__origin__", item.type)) is list  # within its Annotated
    )


@cache
def _fields(kind: type[Struct]) -> tuple[structs.FieldInfo, ...]:
    return structs.fields(kind)


def document(raw: Raw | UnsetType, path: str, default: Document) -> Document:
    """The JSON value of a body's field, as its sender wrote it. Raises InvalidDocument naming the field."""
    if isinstance(raw, UnsetType):
        return default
    try:
        return Document.parse(bytes(raw))
    except InvalidDocument as error:
        raise InvalidDocument(detail=error.detail, path=path) from None


def ttl_ms(seconds: float | None) -> int | None:
    """A signal's time in whole milliseconds; at least one."""
    return None if seconds is None else max(1, round(seconds * 1000))


def malformed(text: bytes, message: str) -> InvalidDocument:
    """A refusal that says where the text stops being JSON."""
    found = message.rpartition("(byte ")[2].rstrip(")")
    byte = int(found) if found.isdigit() else len(text)
    if "trailing characters" in message:
        byte -= 1  # msgspec has read the first of them already
    before = text[:byte]
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    return InvalidDocument(detail=message, byte=byte, line=line, column=column)


def _pairs(query: bytes, several: frozenset[str]) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Each parameter's value, a list of those in `several`; and what is wrong."""
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=QUERY_FIELDS_MAX,
        )
    except ValueError:
        raise InvalidRequest(
            detail=f"the query string is not UTF-8 or has more than {QUERY_FIELDS_MAX} parameters"
        ) from None
    names = [name for name, _ in pairs]
    repeated = sorted({name for name in names if names.count(name) > 1} - several)
    errors = [{"path": f"?{name}", "message": "given more than once"} for name in repeated]
    given: dict[str, Any] = {name: value for name, value in pairs if name not in repeated}
    for name in several & given.keys():
        given[name] = [value for one, value in pairs if one == name]
    return given, errors


def _body_errors(kind: type[Struct], text: bytes) -> list[dict[str, str]]:
    """Every field that is wrong, each decoded for itself. Empty where the whole is not an object.

    Raises InvalidDocument where the text is malformed further on than the first wrong field.
    """
    try:
        given = msgspec.json.decode(text, type=dict[str, Raw])
    except msgspec.ValidationError:
        return []
    except RecursionError:
        raise InvalidDocument(detail="nesting is too deep") from None
    except msgspec.DecodeError as error:
        raise malformed(text, str(error)) from None
    errors: list[dict[str, str]] = []
    for item in structs.fields(kind):
        if item.encode_name in given:
            errors += _field_errors(
                item.type, bytes(given[item.encode_name]), f"$.{item.encode_name}", text=False
            )
        elif item.default is NODEFAULT and item.default_factory is NODEFAULT:
            errors.append({"path": f"$.{item.encode_name}", "message": "is required"})
    known = [item.encode_name for item in structs.fields(kind)]
    return errors + [_unknown(f"$.{name}", name, known) for name in given if name not in known]


def _field_errors(kind: Any, value: Any, path: str, *, text: bool) -> list[dict[str, str]]:
    try:
        if text:
            msgspec.convert(value, kind, strict=False)
        else:
            msgspec.json.decode(value, type=kind)
    except msgspec.DecodeError as error:
        return [_located(str(error), path)]
    return []


def _located(message: str, path: str) -> dict[str, str]:
    """Split msgspec's "what - at `$.where`" and put the field's own path in front."""
    what, _, where = message.partition(" - at `")
    return {"path": path + where.rstrip("`").removeprefix("$"), "message": what}


def _unknown(path: str, name: str, known: list[str]) -> dict[str, str]:
    takes = ", ".join(known) or "nothing"
    return {"path": path, "message": f"`{name[:80]}` is not known here; known: {takes}"}


def _refusal(errors: list[dict[str, str]]) -> InvalidRequest:
    detail = "; ".join(f"{item['path']}: {item['message']}" for item in errors)
    return InvalidRequest(detail=detail, errors=errors)
