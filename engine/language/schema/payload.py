"""What a payload must be like for the state that waits for a signal: JSON Schema 2020-12 in its Parameters.

Whoever publishes a schema must not be able to stall the engine that checks payloads against it. So patterns are matched
in time proportional to the text, nothing is fetched, no schema contains itself, and its weight (how many of its parts may
look at one value of the payload, at most) times the payload's size is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any

from jsonschema_rs import Draft202012Validator, RegexOptions, ValidationError
from msgspec import Struct, json

from engine.documents import Document
from engine.language.expressions.jsonata import is_expression
from engine.language.expressions.jsonata.patterns import pattern_weight
from engine.language.text.source import Path, pointer_of

SCHEMA_BYTES_MAX = 16 * 1024  # as compact JSON
SCHEMA_WEIGHT_MAX = 4_000
# Weight times bytes of the payload: checking takes tens of milliseconds at worst, and a usual schema takes a whole payload.
WORK_MAX = 16 * 1024 * 1024
THOROUGH_MAX = 64 * 1024  # the same, up to which every fault is looked for and not only the first
PATTERN_BYTES_MAX = 256 * 1024  # of one pattern, compiled
FAULTS_MAX = 10  # told of one payload, or one schema
MESSAGE_CHARACTERS_MAX = 200
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_ONE = frozenset(
    """items contains additionalProperties propertyNames unevaluatedItems unevaluatedProperties
    not if then else contentSchema""".split()  # noqa: SIM905 - a table
)
_LISTED = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas"})
_SHELVED = frozenset({"$defs", "definitions"})  # applied only where something refers to them
_TWICE = frozenset({"unevaluatedItems", "unevaluatedProperties"})
_REFUSED = frozenset(
    "$id $anchor $dynamicRef $dynamicAnchor $recursiveRef $recursiveAnchor $vocabulary".split()  # noqa: SIM905
)
_PATTERN = (
    "The pattern is no regular expression, is too large, or has look-around or back-references."
)


class Fault(Struct, frozen=True):
    """What is wrong with a payload, and where in it (JSON pointer)."""

    pointer: str
    message: str


class InvalidSchema(Exception):
    """The schema cannot be used; `faults` are (path in the schema, message)."""

    def __init__(self, *faults: tuple[Path, str]) -> None:
        self.faults = faults
        super().__init__(faults[0][1])


@dataclass(frozen=True, slots=True)
class SignalSchema:
    """A schema that payloads are checked against."""

    text: bytes  # compact JSON
    weight: int
    _validator: Draft202012Validator = field(repr=False, compare=False)

    def faults(self, payload: Document) -> tuple[Fault, ...]:
        """What keeps a payload from fitting, at most `FAULTS_MAX`; nothing where it fits."""
        most = WORK_MAX // self.weight
        if payload.exceeds(most):
            return (Fault("", f"is larger than the {most} bytes that this schema can check"),)
        value = payload.value
        if self._validator.is_valid(value):
            return ()
        if len(payload.text) * self.weight <= THOROUGH_MAX:
            found = self._validator.iter_errors(value)
            return tuple(map(_fault, islice(found, FAULTS_MAX)))
        try:
            self._validator.validate(value)
        except ValidationError as error:
            return (_fault(error),)
        return ()


def compile_schema(schema: Any) -> SignalSchema:
    """A schema, ready to check payloads. Raises InvalidSchema with everything found, at most `FAULTS_MAX`."""
    if not isinstance(schema, dict):
        raise InvalidSchema(((), "A Schema is an object."))
    text = json.encode(schema)
    if len(text) > SCHEMA_BYTES_MAX:
        raise InvalidSchema(((), f"The schema is larger than {SCHEMA_BYTES_MAX:,} bytes of JSON."))
    fixed = _expressions(schema, ())
    if fixed:
        raise InvalidSchema(*fixed[:FAULTS_MAX])
    if schema.get("$schema", DIALECT).rstrip("#") != DIALECT:
        raise InvalidSchema((("$schema",), f"The only dialect is {DIALECT}."))
    found = islice(_dialect().iter_errors(schema), FAULTS_MAX)
    faults = [(tuple(each.instance_path), _sentence(each.message)) for each in found]
    if faults:
        raise InvalidSchema(*faults)
    weight = _Weighing(schema).weight
    if weight > SCHEMA_WEIGHT_MAX:
        message = f"With its references written out, the schema has more than {SCHEMA_WEIGHT_MAX:,} parts."
        raise InvalidSchema(((), message))
    try:
        validator = Draft202012Validator(
            schema,
            validate_formats=False,
            mask="it",
            offline=True,
            pattern_options=RegexOptions(size_limit=PATTERN_BYTES_MAX),
        )
    except ValidationError as error:
        path = tuple(error.instance_path)
        is_pattern = any(step in {"pattern", "patternProperties"} for step in path)
        message = _PATTERN if is_pattern else _sentence(error.message)
        raise InvalidSchema((path, message)) from None
    return SignalSchema(text, max(1, weight), validator)


@cache
def _dialect() -> Draft202012Validator:
    return Draft202012Validator({"$ref": DIALECT}, offline=True)


def _fault(error: ValidationError) -> Fault:
    pointer = pointer_of(tuple(error.instance_path))
    return Fault(pointer, error.message[:MESSAGE_CHARACTERS_MAX])


def _sentence(message: str) -> str:
    return message[:MESSAGE_CHARACTERS_MAX].rstrip(".") + "."


def _expressions(node: Any, path: Path) -> list[tuple[Path, str]]:
    """Where something would have to be worked out for each execution; a schema is the same for all."""
    found: list[tuple[Path, str]] = []
    if isinstance(node, list):
        for index, value in enumerate(node):
            found += _expressions(value, (*path, index))
    elif isinstance(node, dict):
        for key, value in node.items():
            if key.endswith(".$"):
                found.append(((*path, key), "A schema cannot hold paths: no key in it ends in .$."))
            found += _expressions(value, (*path, key))
    elif is_expression(node):
        found.append((path, "A schema cannot hold expressions."))
    return found


class _Weighing:
    """How many parts of a schema may look at one value, with references written out."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._root = schema
        self._known: dict[Path, int] = {}
        self._under_way: set[Path] = set()
        self._faults: list[tuple[Path, str]] = []
        self.weight = self._schema(schema, ())
        for shelf in _SHELVED:
            self._each(schema.get(shelf), (shelf,))
        if self._faults:
            raise InvalidSchema(*self._faults[:FAULTS_MAX])

    def _schema(self, node: Any, path: Path) -> int:
        if not isinstance(node, dict):
            return 1
        if path not in self._known:
            self._under_way.add(path)
            total = 1 + sum(self._keyword(key, value, (*path, key)) for key, value in node.items())
            self._under_way.discard(path)
            self._known[path] = total * 2 if _TWICE & node.keys() else total
        return self._known[path]

    def _keyword(self, key: str, value: Any, path: Path) -> int:
        if key in _REFUSED:
            self._faults.append((path, f"{key} is not supported: refer by #/$defs/NAME."))
            return 0
        if key == "$ref":
            return self._reference(value, path)
        if key in _ONE:
            return self._schema(value, path)
        if key in _LISTED and isinstance(value, list):
            return sum(self._schema(each, (*path, index)) for index, each in enumerate(value))
        if key in _NAMED:
            patterns = value if key == "patternProperties" and isinstance(value, dict) else ()
            return self._each(value, path) + sum(map(pattern_weight, patterns))
        if key in _SHELVED:
            return 0
        return pattern_weight(value) if key == "pattern" else _values(value)

    def _each(self, schemas: Any, path: Path) -> int:
        if not isinstance(schemas, dict):
            return 0
        return sum(self._schema(each, (*path, name)) for name, each in schemas.items())

    def _reference(self, pointer: str, path: Path) -> int:
        if pointer != "#" and not pointer.startswith("#/"):
            message = (
                "Nothing is fetched: a reference leads into this schema, such as #/$defs/NAME."
            )
            self._faults.append((path, message))
            return 0
        target, node = _found(self._root, pointer)
        if node is None:
            self._faults.append((path, "The reference leads nowhere in this schema."))
            return 0
        if target in self._under_way:
            self._faults.append((path, "A schema cannot contain itself."))
            return 0
        return self._schema(node, target)


def _found(root: Any, pointer: str) -> tuple[Path, Any]:
    """The path that a pointer writes, and what is there; None where nothing is."""
    path: list[str | int] = []
    node = root
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and name in node:
            path.append(name)
            node = node[name]
        elif isinstance(node, list) and name.isascii() and name.isdigit() and int(name) < len(node):
            path.append(int(name))
            node = node[int(name)]
        else:
            return (), None
    return tuple(path), node


def _values(value: Any) -> int:
    """How many JSON values there are, this one and those in it."""
    if isinstance(value, dict):
        return 1 + sum(map(_values, value.values()))
    return 1 + sum(map(_values, value)) if isinstance(value, list) else 1
