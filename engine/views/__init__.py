"""What callers are shown: the shapes that commands and queries return and that the REST face writes as they are.

Times are ISO 8601 UTC with milliseconds. A `Document` is written as the JSON it holds. Fields that do not apply are
left out (`UNSET`), except where null means something.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, field

from engine.core.execution import Attribute, Status
from engine.documents import Document
from engine.language.problems import Problem
from engine.language.resources.express import DefinitionType
from engine.views.bulk import (
    AnswerPage as AnswerPage,
)
from engine.views.bulk import (
    AnswerView as AnswerView,
)
from engine.views.bulk import (
    MigrationPlan as MigrationPlan,
)
from engine.views.bulk import (
    OperationPage as OperationPage,
)
from engine.views.bulk import (
    OperationView as OperationView,
)
from engine.views.bulk import (
    Outcomes as Outcomes,
)
from engine.views.bulk import (
    PositionPlan as PositionPlan,
)
from engine.views.bulk import (
    VerdictPage as VerdictPage,
)
from engine.views.bulk import (
    VerdictView as VerdictView,
)


class Caller(Struct, frozen=True):
    """On whose behalf a command runs. Every key it touches lies under its namespace."""

    namespace: str = "default"
    name: str = "anonymous"
    roles: frozenset[str] = frozenset({"admin"})


class Published(Struct, frozen=True):
    """The answer to a publish. `changed` is False where the content equals the current version."""

    name: str
    version: int
    hash: str
    created: str
    changed: bool
    problems: tuple[Problem, ...] = ()
    type: DefinitionType = "STANDARD"
    plan: MigrationPlan | UnsetType = UNSET  # what a migration of the running executions would do
    migration: str | UnsetType = UNSET  # the operation that moves them


class DefinitionSummary(Struct, frozen=True):
    name: str
    version: int
    updated: str
    type: DefinitionType = "STANDARD"


class DefinitionPage(Struct, frozen=True):
    definitions: list[DefinitionSummary]
    next: str | None = None


class DefinitionText(Struct, frozen=True):
    """One version, as its author wrote it."""

    name: str
    version: int
    hash: str
    created: str
    format: Literal["yaml", "json"]
    text: str
    type: DefinitionType = "STANDARD"
    variable_references: dict[str, list[str]] = {}  # state -> the variables that it reads


class VersionSummary(Struct, frozen=True):
    version: int
    hash: str
    created: str


class RouteView(Struct, frozen=True):
    """One version that an alias leads to."""

    version: int
    weight: int


class AliasView(Struct, frozen=True):
    """A name for versions of a definition. The weights of its routing are 100 together."""

    definition: str
    alias: str
    routing: list[RouteView]
    created: str
    updated: str


class AliasPut(Struct, frozen=True):
    alias: AliasView
    created: bool  # False: it was there before


class ExecutionSummary(Struct, frozen=True):
    """One line of a listing, and the answer to start and stop."""

    id: str
    definition: str
    name: str
    version: int
    status: Status
    started: str
    stopped: str | UnsetType = UNSET
    state: str | UnsetType = UNSET  # where it rests; only in listings
    output: Document | UnsetType = UNSET
    error: str | UnsetType = UNSET
    cause: str | UnsetType = UNSET
    attributes: dict[str, Attribute] | UnsetType = (
        UNSET  # search attributes; left out where there are none
    )
    signal: SignalResult | UnsetType = UNSET  # the one that a start was made with
    alias: str | UnsetType = UNSET  # by which its version was chosen; not in listings
    quarantined: str | UnsetType = UNSET  # why it is set aside; only in listings


class StartResult(Struct, frozen=True):
    execution: ExecutionSummary
    created: bool  # False: it existed already, with the same input, and runs


class Ask(Struct, frozen=True):
    """What goes with every order to an execution: why, under which id, and how long the answer is waited for."""

    reason: str | None = None
    id: str | None = None  # an order is applied once per id
    wait_ms: int = 0


class Ordered(Struct, frozen=True):
    """How an execution stands after an order; `applied` is False where that is still to come."""

    execution: ExecutionSummary
    applied: bool


class PausedView(Struct, frozen=True):
    """Since when an execution is paused, by whom, why, and what its timers do."""

    since: str
    by: str
    mode: Literal["hold", "catch_up"]
    reason: str | UnsetType = UNSET


class ExecutionPage(Struct, frozen=True):
    executions: list[ExecutionSummary]
    next: str | None = None


class ExecutionCount(Struct, frozen=True):
    """How many executions match. Where it is not `exact`, at least so many do."""

    count: int
    exact: bool


class FrameView(Struct, frozen=True):
    """Where one strand of the execution rests, with the data it rests with."""

    frame: str
    state: str
    type: str
    input: Document
    entered: str | UnsetType = UNSET
    waiting: dict[str, Any] | None = None


class TaskView(Struct, frozen=True):
    frame: str
    state: str
    queue: str
    attempt: int
    status: Literal["queued", "leased", "waiting"]
    token: str | UnsetType = UNSET
    worker: str | UnsetType = UNSET
    leased: str | UnsetType = UNSET
    lease_until: str | UnsetType = UNSET
    timeout: str | UnsetType = UNSET
    child: str | UnsetType = UNSET  # the execution that it starts, or has started


class TimerView(Struct, frozen=True):
    frame: str
    kind: str
    due: str


class SignalView(Struct, frozen=True):
    """A signal kept for a state that has not been reached; of a closed execution, one that nobody has taken."""

    name: str
    id: str
    payload: Document
    received: str | UnsetType = UNSET
    expires: str | UnsetType = UNSET


class ListenerView(Struct, frozen=True):
    name: str
    frame: str


class ExecutionView(Struct, frozen=True, kw_only=True):
    """All there is to know of one execution, except its history."""

    id: str
    definition: str
    name: str
    version: int
    status: Status
    started: str
    revision: int
    input: Document
    stopped: str | UnsetType = UNSET
    output: Document | UnsetType = UNSET
    error: str | UnsetType = UNSET
    cause: str | UnsetType = UNSET
    quarantined: str | UnsetType = UNSET
    parent: str | UnsetType = UNSET  # the execution that started it
    attributes: dict[str, Attribute] | UnsetType = UNSET
    paused: PausedView | UnsetType = UNSET
    redrives: int | UnsetType = UNSET  # how often it was redriven
    alias: str | UnsetType = UNSET  # by which its version was chosen
    frames: list[FrameView] = field(default_factory=list)
    more_frames: bool | UnsetType = UNSET  # there are more frames than are shown here
    tasks: list[TaskView] = field(default_factory=list)
    timers: list[TimerView] = field(default_factory=list)
    signals: list[SignalView] = field(default_factory=list)
    waiting_signals: list[ListenerView] = field(default_factory=list)


class Dropped(Struct, frozen=True):
    """Records that are not kept any more: numbers `first` to `last`."""

    first: int
    last: int
    count: int


class HistoryPage(Struct, frozen=True):
    """Records in Step Functions' event shape. `next` is the `after` of the following page, null at the end."""

    events: list[dict[str, Any]]
    status: Status
    next: int | None = None
    dropped: Dropped | UnsetType = UNSET


class Imported(Struct, frozen=True):
    """What became of one copy. `id` is "" where the line could not be read."""

    id: str
    status: Literal["imported", "exists", "refused"]
    reason: str | UnsetType = UNSET


class ChangeView(Struct, frozen=True):
    """Something that has become of an execution: it started, came to rest in another state, moved to another version, closed."""

    kind: Literal["started", "parked", "moved", "paused", "resumed", "closed"]
    execution: str
    definition: str
    version: int
    status: str
    revision: int
    time: str
    place: str  # where the feed goes on after it
    state: str | UnsetType = UNSET


class ChangePage(Struct, frozen=True):
    """Changes in order. `place`: up to where these are all that match; `gap`: some before them are kept no longer."""

    changes: list[ChangeView]
    place: str
    gap: bool


class SignalResult(Struct, frozen=True):
    execution: str
    signal: str
    id: str
    duplicate: bool
    # What has become of it, as far as it is known.
    status: Literal["accepted", "consumed", "expired", "left_over"] = "accepted"
    state: str | UnsetType = UNSET  # the state that took it
    record: int | UnsetType = UNSET  # of the history, which tells of that


class BroadcastResult(Struct, frozen=True):
    """What became of one signal to many executions: of `matched`, so many each way; `refused` counts by error code."""

    definition: str
    signal: str
    id: str
    matched: int
    delivered: int
    duplicates: int
    refused: dict[str, int]


class SignalFate(Struct, frozen=True):
    """A signal and what has become of it: `record` tells of that in the history."""

    name: str
    id: str
    status: Literal["accepted", "consumed", "expired", "left_over"]
    received: str
    expires: str | UnsetType = UNSET
    ended: str | UnsetType = UNSET
    state: str | UnsetType = UNSET  # the state that took it
    record: int | UnsetType = UNSET


class SignalPage(Struct, frozen=True):
    signals: list[SignalFate]
    next: str | None = None


class LeasedTask(Struct, frozen=True):
    """A task in a worker's hands until `lease_until`."""

    token: str
    lease: str
    queue: str
    execution: str
    definition: str
    state: str
    attempt: int
    input: Document
    idempotency_key: str
    lease_until: str
    uri: str = ""
    timeout: str | UnsetType = UNSET
    heartbeat_seconds: float | UnsetType = UNSET


class Outcome(Struct, frozen=True):
    """What a worker says of a task: a result, or (where `output` is None) a failure."""

    token: str
    output: Document | None = None
    error: str | None = None
    cause: str | None = None
    lease: str | None = None


class Settled(Struct, frozen=True):
    token: str
    status: Literal["accepted", "closed", "unknown"]
    detail: str | UnsetType = UNSET


class Heartbeat(Struct, frozen=True):
    token: str
    lease_until: str | UnsetType = UNSET


class Health(Struct, frozen=True):
    """What this Redis lets Detent promise, and why not more."""

    status: Literal["ok", "degraded", "down"]
    promise: Literal["dev", "durable", "ha", "none"]
    redis: dict[str, Any]
    reasons: list[str]
