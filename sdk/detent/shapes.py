"""The JSON objects the server answers with, for type checkers; at run time they are plain dicts.

Times are ISO 8601 UTC with milliseconds. A key marked NotRequired is left out where it does not apply.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]

DefinitionType = Literal["STANDARD", "EXPRESS"]

CLOSED: frozenset[str] = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"})


class Diagnostic(TypedDict):
    """A problem as AWS Step Functions words it; `location` is None for the whole definition."""

    code: str
    message: str
    location: str | None
    severity: Literal["ERROR", "WARNING"]


class Problem(TypedDict):
    """One thing wrong with a definition, and where.

    `aws` is the same in AWS's words, where it would report it; `aws_also` what it says besides in consequence.
    """

    code: str
    pointer: str
    message: str
    severity: Literal["error", "warning"]
    line: NotRequired[int | None]
    column: NotRequired[int | None]
    hint: NotRequired[str | None]
    aws: NotRequired[Diagnostic]
    aws_also: NotRequired[list[Diagnostic]]


class Validation(TypedDict):
    valid: bool
    problems: list[Problem]


class Published(TypedDict):
    """`changed` is False where the text equals the current version."""

    name: str
    version: int
    hash: str
    created: str
    changed: bool
    problems: list[Problem]
    type: DefinitionType


class DefinitionSummary(TypedDict):
    name: str
    version: int
    updated: str
    type: DefinitionType


class DefinitionText(TypedDict):
    name: str
    version: int
    hash: str
    created: str
    format: Literal["yaml", "json"]
    text: str
    type: DefinitionType
    variable_references: dict[str, list[str]]


class VersionSummary(TypedDict):
    version: int
    hash: str
    created: str


Attribute = str | bool | int | float  # the value of a search attribute


class Route(TypedDict):
    version: int
    weight: int


class Alias(TypedDict):
    """The weights of its routing are 100 together: how many of a hundred starts go to each version."""

    definition: str
    alias: str
    routing: list[Route]
    created: str
    updated: str


class ExecutionSummary(TypedDict):
    """`output`, or `error` and `cause`, only where a start waited and the execution closed; `state` only in listings."""

    id: str
    definition: str
    name: str
    version: int
    status: Status
    started: str
    stopped: NotRequired[str]
    alias: NotRequired[str]
    state: NotRequired[str]
    output: NotRequired[Any]
    error: NotRequired[str]
    cause: NotRequired[str]
    signal: NotRequired[SignalReceipt]  # the one that a start was made with
    attributes: NotRequired[dict[str, Attribute]]


class Execution(ExecutionSummary):
    """All there is to know of one execution, except its history."""

    input: Any
    revision: int
    quarantined: NotRequired[str]
    frames: list[dict[str, Any]]
    tasks: list[dict[str, Any]]
    timers: list[dict[str, Any]]
    signals: list[dict[str, Any]]
    waiting_signals: list[dict[str, Any]]


SignalStatus = Literal["accepted", "consumed", "expired", "left_over"]


class StartSignal(TypedDict):
    """A signal that goes with a start. Without an `id` the client makes one up."""

    name: str
    payload: NotRequired[Any]
    id: NotRequired[str]
    ttl_seconds: NotRequired[float]


class SignalReceipt(TypedDict):
    """`duplicate` is True where a signal of this id was accepted before; it counts once.

    `status` is what has become of it, as far as is known; where a state took it, which, and the history's record of that.
    """

    execution: str
    signal: str
    id: str
    duplicate: bool
    status: SignalStatus
    state: NotRequired[str]
    record: NotRequired[int]


class SignalFate(TypedDict):
    """A signal and what has become of it."""

    name: str
    id: str
    status: SignalStatus
    received: str
    expires: NotRequired[str]
    ended: NotRequired[str]
    state: NotRequired[str]
    record: NotRequired[int]


class Broadcast(TypedDict):
    """What became of one signal to many executions; `refused` counts by error code."""

    definition: str
    signal: str
    id: str
    matched: int
    delivered: int
    duplicates: int
    refused: dict[str, int]


class Stopped(TypedDict):
    id: str
    status: Status


class LeasedTask(TypedDict):
    """A task in this worker's hands until `lease_until`."""

    token: str
    lease: str
    queue: str
    execution: str
    definition: str
    state: str
    attempt: int
    input: Any
    idempotency_key: str
    lease_until: str
    timeout: NotRequired[str]
    heartbeat_seconds: NotRequired[float]


class Success(TypedDict):
    """One result of an exchange: the task succeeded."""

    token: str
    output: Any
    lease: NotRequired[str]


class Failure(TypedDict):
    """One result of an exchange: the task failed."""

    token: str
    error: str
    cause: NotRequired[str]
    lease: NotRequired[str]


class NewExecution(TypedDict, total=False):
    """One of many starts; what is left out has the default of a single one."""

    name: str
    input: Any
    version: int
    alias: str


class StartAnswer(TypedDict):
    """What became of one of many starts."""

    result: Literal["started", "existed", "refused"]
    execution: NotRequired[ExecutionSummary]
    problem: NotRequired[dict[str, Any]]  # of a refused one: code, status, title, detail


class Settled(TypedDict):
    token: str
    status: Literal["accepted", "closed", "unknown"]
    detail: NotRequired[str]


class Exchange(TypedDict):
    results: list[Settled]
    tasks: list[LeasedTask]


class Heartbeat(TypedDict):
    token: str
    lease_until: NotRequired[str]


class Health(TypedDict):
    """What the server's Redis lets it promise, and why not more."""

    status: str
    promise: str
    redis: dict[str, Any]
    reasons: list[str]


class Verdict(TypedDict):
    """What would become of one execution: `outcome` is moves, moves_by_mapping or blocked."""

    id: str
    version: int
    state: str
    outcome: str
    to: str
    reason: str
    detail: str
    warnings: list[str]


class MigrationPlan(TypedDict):
    """What a migration would do now; `positions` counts executions by where they are and what becomes of them."""

    definition: str
    version: int
    mapping: dict[str, dict[str, str]]
    examined: int
    complete: bool
    moves: int
    moves_by_mapping: int
    blocked: int
    positions: list[dict[str, Any]]


class Operation(TypedDict):
    """A migration, or an order to many: `answers` counts the executions that have answered, by outcome."""

    id: str
    kind: str
    definition: str
    status: Literal["RUNNING", "PAUSED", "CANCELLED", "DONE"]
    by: str
    created: str
    seen: int
    told: int
    waiting: int
    answers: dict[str, int]
    finished: NotRequired[str]
    reason: NotRequired[str]
    version: NotRequired[int]


class Refusal(TypedDict):
    execution: str
    reason: str
    detail: str
