"""What a task that starts an execution asks for: which definition, under which name, with which input.

The core works it out when the task is scheduled, for the name of the child has to be known when the task is cancelled;
its runner works it out again, from the same parameters, with the same result.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from msgspec import Struct

from engine.core.execution import Child
from engine.documents import EMPTY_OBJECT, Document
from engine.errors import InvalidDocument, InvalidName
from engine.language.expressions.scope import ExpressionError
from engine.language.machine import Resource
from engine.names import check_name

STATES_QUEUE = "@states"  # where the engine's own runner of nested executions leases from
SYNC_QUEUE = "@sync"  # and for what lasts as long as the execution that it starts, so that nothing waits behind it
DEPTH_MAX = 100  # executions that started one another, one inside the other; a workflow that starts itself ends there

_MACHINE_ARN = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]*:[0-9]*:stateMachine:(.*)", re.DOTALL)
_QUALIFIER = re.compile(r"[1-9][0-9]{0,8}|(?=.*[A-Za-z_.-])[A-Za-z0-9_.-]{1,80}")


class Start(Struct, frozen=True):
    """A child to be started. `target` is the definition as it was asked for.

    `qualifier` is a version's number, or an alias; "" is the current version.
    """

    definition: str
    qualifier: str
    name: str
    input: Document
    target: str

    @property
    def id(self) -> str:
        return f"{self.definition}:{self.name}"


class StartRefused(Exception):
    """Nothing was started. `code` is StartExecution's word for why, without "Exception"."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def is_start(resource: Resource) -> bool:
    """Whether a task with this resource starts an execution."""
    return resource.service == "workflow" or resource.action.startswith("startExecution")


def is_sync_start(resource: Resource) -> bool:
    """Whether a task runs an Express execution, whose end is the answer to the call."""
    return resource.action == "startSyncExecution"


def waits_for_child(resource: Resource) -> bool:
    """Whether the end of the child completes the task, and the end of the task stops the child."""
    return resource.service == "workflow" or ".sync" in resource.action


def key_of(token: str, idempotency_key: str, *, callback: bool) -> str:
    """What tells one start from another: every delivery of one start has the same, written as a UUID.

    A task that waits is another one at each attempt, for its last child was stopped, or has its last token. One that
    does not keeps its idempotency key over time-outs, and so its child.
    """
    material = token if callback else idempotency_key
    digest = hashlib.sha256(material.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"


def addressed(resource: Resource, parameters: Document) -> tuple[str, Document]:
    """The queue and the work of a task. Raises ExpressionError for parameters that no child can be started with."""
    if resource.service == "workflow":
        return STATES_QUEUE, parameters
    given = parameters.value
    is_sync = is_sync_start(resource)
    required = "StateMachineArn" if is_sync or is_start(resource) else "TaskToken"
    if not isinstance(given, dict) or not isinstance(given.get(required), str):
        is_missing = not isinstance(given, dict) or required not in given
        what = "is required but was missing" if is_missing else "must be a string"
        raise ExpressionError(
            f"The Parameters '{parameters.text.decode()}' could not be used to start the Task: "
            f"[The field '{required}' {what}]"
        )
    return SYNC_QUEUE if is_sync else STATES_QUEUE, parameters


def start_of(resource: Resource, parameters: Document, key: str) -> Start:
    """The child that a task asks for. Raises StartRefused. `key` is the child's name where none is given."""
    if resource.service == "workflow":
        return Start(resource.name, "", key, parameters, resource.name)
    given = parameters.value
    target = given["StateMachineArn"]
    definition, qualifier = _definition(target)
    name = given.get("Name")
    try:
        name = key if name is None else check_name(str(name), "execution")
    except InvalidName:
        raise StartRefused("InvalidName", f"Invalid Name: '{name}'") from None
    return Start(definition, qualifier, name, _input(given.get("Input")), target)


def child_of(resource: Resource, parameters: Document, key: str) -> Child | None:
    """The child as its parent remembers it; None where none will be started."""
    if not is_start(resource):
        return None
    try:
        start = start_of(resource, parameters, key)
    except StartRefused:
        return None
    return Child(start.id, key)


def _definition(target: str) -> tuple[str, str]:
    """A definition's name, and the version or alias: of a state machine's ARN, of NAME, or of NAME:VERSION."""
    found = _MACHINE_ARN.fullmatch(target)
    if found is None and target.startswith("arn:"):
        raise StartRefused("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {target}'")
    definition, colon, qualifier = (found[1] if found else target).partition(":")
    try:
        check_name(definition, "definition")
    except InvalidName:
        raise StartRefused("InvalidArn", f"Invalid Arn: '{target}'") from None
    if colon and not _QUALIFIER.fullmatch(qualifier):
        raise StartRefused("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{target}'")
    return definition, qualifier


def _input(given: Any) -> Document:
    """The child's input: JSON as it is, a string as the JSON text it is; nothing, or null, is `{}` (measured)."""
    if given is None:
        return EMPTY_OBJECT
    if not isinstance(given, str):
        return Document.of(given)
    try:
        return Document.parse(given)
    except InvalidDocument as error:
        message = f"Invalid State Machine Execution Input: '{error.detail}'"
        raise StartRefused("InvalidExecutionInput", message) from None
