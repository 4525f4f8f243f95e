"""What a service's API answers, and whether a mocked result has that shape. The models are botocore's.

Members are named as Step Functions names them: as the API does, but with a capital letter. Members that the API does not
know are let pass, and nothing is said of services and calls that have no model (measured).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import (
    ListShape,
    MapShape,
    OperationNotFoundError,
    ServiceModel,
    Shape,
    StructureShape,
)

from engine.language.machine import Resource

MODELS_KEPT = 32  # in memory; the largest has some 10 MB

# What Step Functions calls services that botocore calls otherwise; all others differ in hyphens only.
_NAMES = {
    "states": "stepfunctions",
    "sfn": "stepfunctions",
    "eventbridge": "events",
    "cloudwatchlogs": "logs",
    "cloudwatchevents": "events",
    "cognitoidentityprovider": "cognito-idp",
    "cognitoidentity": "cognito-identity",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "elasticsearch": "es",
    "databasemigration": "dms",
    "costexplorer": "ce",
    "applicationautoscaling": "application-autoscaling",
    "autoscaling": "autoscaling",
    "bedrockruntime": "bedrock-runtime",
    "bedrockagentruntime": "bedrock-agent-runtime",
    "iotdataplane": "iot-data",
    "rdsdata": "rds-data",
    "redshiftdata": "redshift-data",
    "servicecatalog": "servicecatalog",
    "ssooidc": "sso-oidc",
    "timestreamwrite": "timestream-write",
    "timestreamquery": "timestream-query",
}
# Bounds of shapes that Step Functions has in its copy of a model, where the service has moved its own since (measured).
_BOUNDS_MAX = {"MemorySize": 10_240}
_POLLED = {("states", "startExecution"): "describeExecution"}  # what a job is asked for its end
# What a service gives as text and Step Functions as the JSON that it is.
_AS_JSON = {("lambda", "invoke", "Payload"), ("states", "startExecution.sync:2", "Output"),
            ("states", "startExecution.sync:2", "Input")}  # fmt: skip


class Misfit(Exception):
    """The result is not of the API's shape; the text says in AWS's words where not."""


def check(resource: Resource, result: Any, *, is_strict: bool) -> None:
    """Raises Misfit. Only where it `is_strict`, members that the API always gives have to be there."""
    shape = _answer_of(resource)
    if shape is None:
        return
    call = (resource.service, resource.action)
    if not isinstance(result, dict):
        raise Misfit("Mock result must be an object")
    given = {name: value for name, value in result.items() if (*call, name) not in _AS_JSON}
    free = {name for *of, name in _AS_JSON if tuple(of) == call and name in result}
    _check_structure(shape, given, is_strict=is_strict, free=free)


def _answer_of(resource: Resource) -> StructureShape | None:
    """What the call answers; None where nothing is known of it. What comes by a task token is nobody's API."""
    service = resource.service.removeprefix("aws-sdk:")
    action, _, wait = resource.action.partition(".")
    if resource.family != "service" or wait == "waitForTaskToken" or not service:
        return None
    if wait:
        polled = _POLLED.get((service, action))
        if polled is None:
            return None
        action = polled
    model = _model(_NAMES.get(service, service))
    try:
        shape = None if model is None else model.operation_model(_capital(action)).output_shape
    except OperationNotFoundError:
        return None
    return shape if isinstance(shape, StructureShape) else None


@lru_cache(maxsize=MODELS_KEPT)
def _model(name: str) -> ServiceModel | None:
    try:
        return ServiceModel(Loader().load_service_model(name, "service-2"), name)
    except UnknownServiceError as unknown:
        near = [known for known in unknown.kwargs["known_service_names"].split(", ")
                if known.replace("-", "") == name]  # fmt: skip
        return _model(near[0]) if near and near[0] != name else None


def _check(shape: Shape, value: Any, name: str, *, is_strict: bool) -> None:
    """`name` is that of the member that the value is, or lies in: elements have none of their own (measured)."""
    wanted, kinds = _KINDS[shape.type_name]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise Misfit(f"Field '{name}' must be {wanted}")
    if isinstance(shape, StructureShape):
        if not shape.metadata.get("document"):
            _check_structure(shape, value, is_strict=is_strict)
    elif isinstance(shape, ListShape):
        for each in value:
            _check(shape.member, each, name, is_strict=is_strict)
    elif isinstance(shape, MapShape):
        for each in value.values():
            _check(shape.value, each, name, is_strict=is_strict)
    elif isinstance(value, str):
        _check_bounds(shape, len(value), name, _LENGTH)
    elif not isinstance(value, bool):
        _check_bounds(shape, value, name, _VALUE)


def _check_structure(
    shape: StructureShape,
    value: dict[str, Any],
    *,
    is_strict: bool,
    free: frozenset[str] | set[str] = frozenset(),
) -> None:
    for member, of in shape.members.items():
        name = _capital(member)
        if value.get(name) is not None:
            _check(of, value[name], name, is_strict=is_strict)
        elif is_strict and member in shape.required_members and name not in free:
            raise Misfit(f"Required field '{name}' is missing")


def _check_bounds(shape: Shape, size: float, name: str, words: tuple[str, str]) -> None:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    high = _BOUNDS_MAX.get(shape.name, high)
    if low is not None and size < low:
        raise Misfit(f"Field '{name}' is {words[0]}")
    if high is not None and size > high:
        raise Misfit(f"Field '{name}' {words[1]}")


_LENGTH = ("smaller than the minimum length", "exceeds the maximum length")
_VALUE = ("less than the minimum value", "exceeds the maximum value")
_TEXT = ("a string", (str,))
_NUMBER = ("a number", (int, float))
_OBJECT = ("an object", (dict,))
_KINDS: dict[str, tuple[str, tuple[type[Any], ...]]] = {
    **dict.fromkeys(("string", "character", "blob", "timestamp"), _TEXT),
    **dict.fromkeys(("integer", "long", "float", "double", "short", "byte"), _NUMBER),
    "boolean": ("a boolean", (bool,)),
    "list": ("an array", (list,)),
    "map": _OBJECT,
    "structure": _OBJECT,
}


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
