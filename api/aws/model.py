"""The service model of Step Functions, as botocore ships it: which operations there are, and what a request may hold.

https://docs.aws.amazon.com/step-functions/latest/apireference/Welcome.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from api.aws.errors import AwsError

PREFIX = "AWSStepFunctions."  # of X-Amz-Target

VIOLATIONS_MAX = (
    100  # told of one request; a list of empty members would make an answer thirty times its size
)

# AWS lists the values of an enum in an order of its own, which is not the model's (measured, for these).
_ENUM_ORDER = {
    "ExecutionStatus": ("SUCCEEDED", "TIMED_OUT", "PENDING_REDRIVE", "ABORTED", "FAILED", "RUNNING")
}


@cache
def service() -> ServiceModel:
    """Read once, when the first request of the protocol comes: it takes some 50 ms."""
    return ServiceModel(Loader().load_service_model("stepfunctions", "service-2"), "stepfunctions")


def operations() -> frozenset[str]:
    """The names of all operations."""
    return frozenset(service().operation_names)


def check(operation: str, given: Any) -> dict[str, Any]:
    """The members of a request that the model knows. Raises AwsError where it breaks the model's constraints.

    All that is wrong (up to VIOLATIONS_MAX) is told at once, in the words of AWS's own front end (measured).
    """
    shape = service().operation_model(operation).input_shape
    if not isinstance(given, dict):
        raise AwsError(
            "SerializationException", "Start of structure or map found where not expected."
        )
    if shape is None:
        return {}
    found = list(islice(_violations(shape, given, ""), VIOLATIONS_MAX))
    if found:
        count = "1 validation error" if len(found) == 1 else f"{len(found)} validation errors"
        raise AwsError("ValidationException", f"{count} detected: {'; '.join(found)}")
    known: dict[str, Any] = _known(shape, given)
    return known


def _known(shape: Shape, value: Any) -> Any:
    """A checked value without the members that the model does not know, or that are null, at any depth."""
    if isinstance(shape, StructureShape):
        members = shape.members.items()
        return {name: _known(m, value[name]) for name, m in members if value.get(name) is not None}
    if isinstance(shape, ListShape):
        return [_known(shape.member, each) for each in value]
    return value


def _violations(shape: Shape, value: Any, at: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, at)
    elif isinstance(shape, ListShape):
        _expect(value, list)
        yield from _length(shape, value, len(value), at)
        for number, each in enumerate(value, 1):
            yield from _violations(shape.member, each, f"{at}.{number}.member")
    elif isinstance(shape, MapShape):
        _expect(value, dict)
        for name, each in value.items():
            yield from _violations(shape.value, each, f"{at}.{name}")
    else:
        yield from _scalar(shape, value, at)


def _structure(shape: StructureShape, value: Any, at: str) -> Iterator[str]:
    _expect(value, dict)
    for name, member in shape.members.items():
        path = f"{at}.{name}" if at else name
        if value.get(name) is not None:
            yield from _violations(member, value[name], path)
        elif name in shape.required_members:
            yield f"Value null at '{path}' failed to satisfy constraint: Member must not be null"


def _scalar(shape: Shape, value: Any, at: str) -> Iterator[str]:
    match shape.type_name:
        case "string":
            _expect(value, str)
            yield from _length(shape, value, len(value), at)
            if shape.enum and value not in shape.enum:
                allowed = ", ".join(_ENUM_ORDER.get(shape.name, shape.enum))
                yield _violation(
                    shape, value, at, f"Member must satisfy enum value set: [{allowed}]"
                )
            pattern = shape.metadata.get("pattern")
            if pattern is not None and not _pattern(pattern).fullmatch(value):
                yield _violation(
                    shape, value, at, f"Member must satisfy regular expression pattern: {pattern}"
                )
        case "integer" | "long":
            _expect(value, int)
            yield from _range(shape, value, at)
        case "float" | "double":
            _expect(value, int, float)
            yield from _range(shape, value, at)
        case "boolean":
            if not isinstance(value, bool):
                raise _misfit(value)
        case _:
            pass


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """A pattern of the model, which is written for Java and describes a whole value."""
    return re.compile(text.replace(r"\p{ASCII}", r"[\x00-\x7f]"), re.ASCII)


def _length(shape: Shape, value: Any, length: int, at: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and length < low:
        yield _violation(
            shape, value, at, f"Member must have length greater than or equal to {low}"
        )
    if high is not None and length > high:
        yield _violation(shape, value, at, f"Member must have length less than or equal to {high}")


def _range(shape: Shape, value: float, at: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield _violation(shape, value, at, f"Member must have value greater than or equal to {low}")
    if high is not None and value > high:
        yield _violation(shape, value, at, f"Member must have value less than or equal to {high}")


def _violation(shape: Shape, value: Any, at: str, constraint: str) -> str:
    told = "at" if shape.metadata.get("sensitive") else f"'{_shown(shape, value)}' at"
    return f"Value {told} '{at}' failed to satisfy constraint: {constraint}"


def _shown(shape: Shape, value: Any) -> str:
    """A value as AWS's front end prints it (measured): `[Shape(member=1, other=text)]`."""
    if isinstance(shape, ListShape) and isinstance(value, list):
        return f"[{', '.join(_shown(shape.member, each) for each in value)}]"
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = (
            f"{name}={_shown(member, value[name])}"
            for name, member in shape.members.items()
            if name in value
        )
        return f"{shape.name}({', '.join(members)})"
    return f"{value}"


def _expect(value: Any, *kinds: type) -> None:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise _misfit(value)


def _misfit(value: Any) -> AwsError:
    names: Mapping[type, str] = {str: "STRING_VALUE", bool: "TRUE_VALUE", dict: "START_OBJECT"}
    told = names.get(type(value), "NUMBER_VALUE")
    return AwsError(
        "SerializationException", f"{told} can not be converted to the type of the member."
    )
