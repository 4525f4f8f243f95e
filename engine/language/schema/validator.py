"""A JSON Schema validator that is quick with the three forms our schema is made of.

jsonschema tries each alternative of a `oneOf` and each `if` as a schema of its own, which is most of the time spent on
a definition; and it looks every reference up again each time. Where the alternatives only ask for a field, and the `if` only for a Type, looking is enough. The answer is
the same as Draft7Validator's for our schema (what is no object is refused beside the `if`); a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

_KEYWORDS = Draft7Validator.VALIDATORS


def make_validator(schema: dict[str, Any]) -> Any:
    """A validator of the schema, with `iter_errors` as jsonschema's own."""
    make: Any = extend  # its stub is untyped
    quick = make(Draft7Validator, {"if": _if, "oneOf": _one_of})
    return quick(_inlined(schema, schema))


def _inlined(node: Any, schema: dict[str, Any]) -> Any:
    """The schema with its references replaced by what they mean, but for those to what contains itself."""
    if isinstance(node, list):
        return [_inlined(inner, schema) for inner in node]
    if not isinstance(node, dict):
        return node
    pointer = node.get("$ref")
    if pointer is None or pointer in _RECURSIVE:
        return {key: _inlined(inner, schema) for key, inner in node.items()}
    target: Any = schema
    for step in pointer.split("/")[1:]:
        target = target[step]
    return _inlined(target, schema)


_RECURSIVE = frozenset({"#/definitions/State", "#/definitions/Condition"})


def _if(validator: Any, condition: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """`if: {properties: {Type: {const: ...}}}` is read off the object."""
    wanted = condition.get("properties", {}).get("Type", {}).get("const")
    if wanted is None:
        yield from _KEYWORDS["if"](validator, condition, instance, schema)
    elif isinstance(instance, dict) and instance.get("Type") == wanted:
        yield from validator.descend(instance, schema["then"], schema_path="then")


def _one_of(
    validator: Any, alternatives: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    """`oneOf: [{required: [...]}, ...]` is counted; alternatives with more in them are left to jsonschema."""
    fields = [one["required"][0] for one in alternatives if one.keys() == {"required"}]
    if len(fields) < len(alternatives) or not isinstance(instance, dict):
        yield from _KEYWORDS["oneOf"](validator, alternatives, instance, schema)
    elif sum(field in instance for field in fields) != 1:
        yield ValidationError("not exactly one of the fields")
