"""Every door through which a document comes in: how one is handed in there, and what else the request says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp

HOLD = "hold"
ARN = "arn:aws:states:us-east-1:123456789012"
ROLE = "arn:aws:iam::123456789012:role/any"
QUERY_CHARACTERS = 4000  # of a document that is put into an address


@dataclass(frozen=True)
class Door:
    """`wrap` makes the body of a document. `defines`: nothing that is handed in here may be accepted."""

    name: str
    method: str
    path: str
    wrap: Callable[[bytes], bytes] = bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    defines: bool = False


def _as_text(document: bytes) -> str:
    return json.dumps(document.decode("latin-1"))


def _wire(operation: str, before: str, after: str = "}") -> Door:
    """A member of a request of the Step Functions protocol, which holds the document as text."""
    headers = {
        "x-amz-target": f"AWSStepFunctions.{operation}",
        "content-type": "application/x-amz-json-1.0",
    }
    return Door(
        f"POST / {operation}",
        "POST",
        "/",
        lambda document: (before + _as_text(document) + after).encode(),
        headers,
        defines=operation == "CreateStateMachine",
    )


def _typed(kind: str) -> dict[str, str]:
    return {"content-type": f"application/{kind}"}


def definition_doors(kind: str) -> list[Door]:
    """Where definitions come in as YAML or JSON."""
    return [
        Door(f"PUT definition, {kind}", "PUT", "/v1/definitions/bomb", headers=_typed(kind), defines=True),
        Door(f"validate, {kind}", "POST", "/v1/definitions:validate", headers=_typed(kind)),
    ]  # fmt: skip


def _member(name: str) -> Callable[[bytes], bytes]:
    return lambda document: f'{{"{name}":'.encode() + document + b"}"


async def document_doors(client: aiohttp.ClientSession) -> list[Door]:
    """Where JSON comes in, on an execution that waits for a signal and one whose worker holds its task."""
    execution, token = await _held(client)
    place, typed = f"/v1/executions/{execution}", _typed("json")
    started = f'{{"stateMachineArn":"{ARN}:stateMachine:{HOLD}","input":'
    made = f'{{"name":"bomb","roleArn":"{ROLE}","definition":'
    state = '{"definition":"{\\"Type\\":\\"Pass\\",\\"End\\":true}","input":'
    return [
        Door("start input", "POST", f"/v1/definitions/{HOLD}/executions", _member("input"), typed),
        Door("signal payload", "POST", f"{place}/signals/go", _member("payload"), typed),
        Door("task outcome", "POST", f"/v1/tasks/{token}/succeed", _member("output"), typed),
        Door("settle many", "POST", "/v1/queues/held/exchange", _member("settle"), typed),
        Door("order", "POST", f"{place}/data", _member("data"), typed),
        Door("filter", "POST", f"/v1/definitions/{HOLD}/migrations", _member("filter"), typed),
        _wire("CreateStateMachine", made),
        _wire("ValidateStateMachineDefinition", '{"definition":'),
        _wire("StartExecution", started),
        _wire("SendTaskSuccess", f'{{"taskToken":"{token}","output":'),
        _wire("TestState", state),
        _wire("TestState", '{"definition":', ',"input":"{}"}'),
        Door(
            "POST / whole body",
            "POST",
            "/",
            headers={
                "x-amz-target": "AWSStepFunctions.ListExecutions",
                "content-type": "application/x-amz-json-1.0",
            },
        ),
    ]


def query_paths(document: bytes) -> list[str]:
    """Addresses of searches in which the document stands for a cursor, a filter or an id."""
    text = quote(document[:QUERY_CHARACTERS], safe="")
    return [
        f"/v1/executions?cursor={text}",
        f"/v1/executions?definition={HOLD}&attribute=a:{text}",
        f"/v1/executions?state={text}&error={text}",
        f"/v1/executions?started_after={text}",
        f"/v1/executions/{text}",
        f"/v1/definitions/{text}",
    ]


async def _held(client: aiohttp.ClientSession) -> tuple[str, str]:
    """The id of an execution that listens, and the token of a task that a worker holds."""
    states = {
        "Both": {
            "Type": "Parallel",
            "Branches": [
                _one("Listens", "signal:go"),
                _one("Works", "activity:held"),
            ],
            "End": True,
        }
    }
    await told(client, "PUT", f"/v1/definitions/{HOLD}", {"StartAt": "Both", "States": states})
    started = await told(client, "POST", f"/v1/definitions/{HOLD}/executions", {"name": "held"})
    lease = {"worker": "w", "wait_seconds": 10, "lease_seconds": 3600}
    leased = await told(client, "POST", "/v1/queues/held/lease", lease)
    return started["id"], leased["tasks"][0]["token"]


def _one(name: str, resource: str) -> dict[str, Any]:
    state = {"Type": "Task", "Resource": resource, "End": True}
    return {"StartAt": name, "States": {name: state}}


async def told(client: aiohttp.ClientSession, method: str, path: str, body: Any = None) -> Any:
    """The answer to an ordinary request; raises AssertionError where it is refused."""
    async with client.request(method, path, json=body) as answer:
        text = await answer.text()
        assert answer.status < 300, f"{method} {path}: {answer.status} {text[:500]}"
        return json.loads(text) if text else None


async def knock(
    client: aiohttp.ClientSession, door: Door, document: bytes, seconds: float
) -> tuple[int, str]:
    """Hand a document in; the status and the beginning of the answer. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        request = client.request(
            door.method, door.path, data=door.wrap(document), headers=dict(door.headers)
        )
        async with request as answer:
            return answer.status, (await answer.text())[:300]
