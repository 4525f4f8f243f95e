"""One compiler for each state type, and the table of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

from engine.documents import Document
from engine.language.compile.distributed import compile_distributed
from engine.language.diagnostics.diagnostic import Diagnostic, schema_failed
from engine.language.document import Node
from engine.language.fields import Fields
from engine.language.machine import (
    Choice,
    Fail,
    Map,
    Parallel,
    Pass,
    Resource,
    State,
    StateType,
    Succeed,
    Task,
    Wait,
)
from engine.language.resources import (
    CALLBACK,
    Refused,
    callback_doubt,
    is_performed_by_workers,
    parse_resource,
)
from engine.language.resources.parameters import require_parameters
from engine.language.resources.signals import taken_schema
from engine.language.text.source import Path, shown


def compile_state(node: Node, fields: Fields) -> State | None:
    """The state; None when what it cannot be without is missing, which has been reported then."""
    build = _BUILDERS.get(node.type)
    return None if build is None else build(fields)


def _common(fields: Fields) -> dict[str, Any]:
    """What all state types share. To be called last: it tells what the expressions compiled before it read."""
    node = fields.node
    ends = fields.written.get("End") is True or node.type in {"Choice", "Succeed", "Fail"}
    input_path, output_path, output, assign = None, None, None, None
    if node.type != "Fail":
        input_path, output_path = fields.path("InputPath"), fields.path("OutputPath")
        output = fields.output()
    if node.type not in {"Fail", "Succeed"}:
        assign = fields.assign()
    return {
        "name": node.name,
        "type": cast("StateType", node.type),
        "pointer": fields.pointer,
        "next": None if ends else fields.text("Next"),
        "query_language": "JSONata" if node.jsonata else "JSONPath",
        "input_path": input_path,
        "output_path": output_path,
        "output": output,
        "assign": assign,
        "variables": fields.variables(),
        "uses_execution_input": fields.reads("Execution", "Input"),
        "uses_map_item": fields.reads("Map"),
    }


def _shaping(fields: Fields) -> dict[str, Any]:
    """What states with a result share."""
    return {
        "result_selector": fields.template("ResultSelector"),
        "result_path": fields.result_path(),
        "retry": fields.retry(),
        "catch": fields.catch(),
    }


def _pass(fields: Fields) -> State:
    result = Document.of(fields.written["Result"]) if "Result" in fields.written else None
    parameters, result_path = fields.template("Parameters"), fields.result_path()
    return Pass(parameters=parameters, result=result, result_path=result_path, **_common(fields))


def _task(fields: Fields) -> State | None:
    schema = taken_schema(fields)
    parameters = fields.arguments()
    timeout = fields.number("TimeoutSeconds")
    heartbeat = fields.number("HeartbeatSeconds")
    shaping, common = _shaping(fields), _common(fields)
    resource = _resource(fields)
    if resource is None:
        return None
    return Task(
        resource=resource,
        parameters=parameters,
        timeout_seconds=timeout,
        heartbeat_seconds=heartbeat,
        schema=schema,
        **shaping,
        **common,
    )


def _resource(fields: Fields) -> Resource | None:
    """The Resource, and what it asks of Parameters."""
    uri = fields.text("Resource")
    if uri is None:
        return None
    here = (*fields.node.path, "Resource")
    try:
        resource = parse_resource(uri)
    except Refused as error:
        aws = _aws_refusal(uri, here)
        fields.report.add(error.code, here, str(error), error.hint, aws=aws)
        return None
    doubt = callback_doubt(uri)
    if doubt:
        message = (
            f"The task does not wait for a token: {shown(uri, 120)} does not end in {CALLBACK}."
        )
        fields.report.add("looks_like_callback", here, message, doubt)
    if is_performed_by_workers(resource):
        message = f"Workers of the queue {resource.name} perform this: Detent calls no AWS service."
        hint = "See that workers lease from that queue."
        fields.report.add("performed_by_workers", here, message, hint)
    require_parameters(resource, fields)
    return resource


def _aws_refusal(uri: str, path: Path) -> Diagnostic | None:
    """AWS's words for a Resource that is refused here; none for nested executions, which it knows."""
    if not uri.startswith("arn:"):
        return schema_failed("Value is not a valid resource ARN", path)
    if _NESTED.match(uri):
        return None
    return schema_failed(
        f"The resource provided {uri} is not recognized. The value is not a valid resource ARN, "
        "or the resource is not available in this region.",
        path,
    )


_NESTED = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:(?:aws-sdk:sfn|states):")


def _choice(fields: Fields) -> State:
    rules = [
        fields.rule(number, path, written)
        for number, (path, written) in enumerate(fields.node.entries("Choices"))
    ]
    kept = tuple(rule for rule in rules if rule is not None)
    return Choice(rules=kept, default=fields.text("Default"), **_common(fields))


def _wait(fields: Fields) -> State:
    return Wait(seconds=fields.number("Seconds"), timestamp=fields.timestamp(), **_common(fields))


def _succeed(fields: Fields) -> State:
    return Succeed(**_common(fields))


def _fail(fields: Fields) -> State:
    return Fail(error=fields.failure("Error"), cause=fields.failure("Cause"), **_common(fields))


def _parallel(fields: Fields) -> State:
    branches = tuple(str(branch.get("StartAt")) for _, branch in fields.node.entries("Branches"))
    parameters = fields.arguments()
    return Parallel(branches=branches, parameters=parameters, **_shaping(fields), **_common(fields))


def _map(fields: Fields) -> State:
    processor = fields.written.get("ItemProcessor", fields.written.get("Iterator"))
    start = processor.get("StartAt") if isinstance(processor, dict) else None
    distributed = compile_distributed(fields)
    selector, items = fields.selector(), fields.items(distributed=distributed is not None)
    items_path = fields.reference("ItemsPath")
    width = fields.number("MaxConcurrency")
    return Map(
        processor=str(start),
        items_path=items_path,
        items=items,
        item_selector=selector,
        concurrency_max=width,
        distributed=distributed,
        **_shaping(fields),
        **_common(fields),
    )


_BUILDERS: dict[str, Callable[[Fields], State | None]] = {
    "Pass": _pass,
    "Task": _task,
    "Choice": _choice,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
    "Parallel": _parallel,
    "Map": _map,
}
