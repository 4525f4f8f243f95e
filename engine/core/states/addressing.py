"""Whom a task goes to: the queue, and the input that whoever leases from it gets."""

from __future__ import annotations

from typing import Any

from engine.core.limits import Limits
from engine.core.states import nested
from engine.documents import EMPTY_OBJECT, Document
from engine.errors import InvalidDocument
from engine.language.expressions.scope import ExpressionError
from engine.language.machine import Resource
from engine.language.resources.parameters import call_fault

HTTP_QUEUE = "@http"  # where the engine's own HTTP runner leases from
LAMBDA_QUEUE = "@lambda"  # where its runner for a Lambda endpoint does
LAMBDA_INVOKE = "lambda:invoke"  # the function's name comes with the parameters


def addressed(resource: Resource, parameters: Document, limits: Limits) -> tuple[str, Document]:
    """The queue and the input of a task. Raises ExpressionError for parameters that no call can be made with.

    A Lambda function is invoked by the engine where a Lambda endpoint is set, with all of the parameters of
    `lambda:invoke`; otherwise workers of the function's queue get its event.
    """
    if resource.kind == "states":
        return nested.addressed(resource, parameters)
    if resource.kind == "http":
        fault = "" if resource.name else call_fault(parameters.value)
        if fault:
            raise _unusable(parameters, fault)
        return HTTP_QUEUE, parameters
    if resource.family == "lambda":
        return LAMBDA_QUEUE if limits.lambda_endpoint else resource.name, parameters
    if resource.family == "activity" and resource.name in limits.deleted_activities:
        raise ExpressionError(f"The activity {resource.uri} does not exist.")  # measured
    if (resource.service, resource.name) != ("lambda", LAMBDA_INVOKE):
        return resource.name, parameters
    value = parameters.value
    function = value.get("FunctionName") if isinstance(value, dict) else None
    if not isinstance(function, str) or not function:
        raise _unusable(parameters, "The field 'FunctionName' is required but was missing")
    if limits.lambda_endpoint:
        return LAMBDA_QUEUE, parameters
    return _function_name(function), event_of(value.get("Payload"))


def event_of(payload: Any) -> Document:
    """The event of a function: a string that is JSON text is that JSON; nothing, or null, is `{}` (measured)."""
    if payload is None:
        return EMPTY_OBJECT
    if isinstance(payload, str):
        try:
            return Document.parse(payload)
        except InvalidDocument:
            return Document.of(payload)
    return Document.of(payload)


def _function_name(function: str) -> str:
    """The bare name of a function given by name, partial or full ARN, with or without a qualifier."""
    _, marker, rest = function.rpartition(":function:")
    return (rest if marker else function).split(":")[0]


def _unusable(parameters: Document, fault: str) -> ExpressionError:
    text = parameters.text.decode()
    return ExpressionError(
        f"The Parameters '{text}' could not be used to start the Task: [{fault}]"
    )
