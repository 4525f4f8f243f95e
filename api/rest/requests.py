"""What callers send: one struct per request body and per query string.

Unknown fields are refused, so that a misspelt one is not silently without effect. `Raw` fields hold any JSON value and
keep the text their sender wrote. Descriptions and bounds here are the ones of the OpenAPI document.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from engine.core.execution import Status
from engine.language.resources.express import DefinitionType

WAIT_SECONDS_MAX = 60  # longer waits meet proxies that cut idle connections; poll again instead
EXCHANGE_RESULTS_MAX = (
    1_000  # outcomes in one request; bounded like everything that becomes one pipeline
)

Limit = Annotated[int, Meta(ge=1, le=1000, description="How many to return at most.")]
Cursor = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2048,
        description="`next` of the page before; opaque, not to be built.",
    ),
]
Wait = Annotated[
    float,
    Meta(
        ge=0,
        le=WAIT_SECONDS_MAX,
        description="Seconds to wait before answering with what there is.",
    ),
]
BusinessKey = Annotated[
    str, Meta(description="The business key, unique per definition; made up if absent.")
]
VersionChooser = Annotated[
    str, Meta(description="The alias that chooses the version; not beside `version`.")
]
VersionNumber = Annotated[
    int,
    Meta(ge=1, le=2**31 - 1, description="A version of the definition; the current one if absent."),
]
LeaseSecret = Annotated[
    str,
    Meta(
        max_length=1024,
        description="The lease the task was handed out under. With it, a lease that was lost is noticed.",
    ),
]
LeaseSeconds = Annotated[
    float,
    Meta(
        ge=1,
        le=3600,
        description="How long the lease holds from now; the server's default if absent.",
    ),
]
WaitSeconds = Annotated[
    float,
    Meta(ge=0, le=WAIT_SECONDS_MAX, description="Seconds to wait for a task where none is queued."),
]
Worker = Annotated[
    str, Meta(max_length=80, description="Who takes the tasks; shown in descriptions and history.")
]
Error = Annotated[
    str,
    Meta(
        max_length=256,
        description="The error name that Retry and Catch match, such as `Card.Declined`.",
    ),
]
Cause = Annotated[
    str, Meta(max_length=32_768, description="What happened, for people; shown in history.")
]


class Body(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A JSON object with exactly these fields."""


class Query(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A query string with exactly these parameters."""


class NoQuery(Query, frozen=True):
    """No parameters."""


class NoBody(Body, frozen=True):
    """No body; none is read."""


class PublishQuery(Query, frozen=True):
    type: (
        Annotated[
            DefinitionType,
            Meta(
                description="Absent: the type the definition has; STANDARD for a new one. It never changes."
            ),
        ]
        | None
    ) = None
    running: (
        Annotated[
            Literal["keep", "plan", "migrate"],
            Meta(
                description="What becomes of executions that run on older versions: they stay, the answer says what a "
                "migration would do, or one begins. Absent: what the definition itself says, or else they stay."
            ),
        ]
        | None
    ) = None


class ValidateQuery(Query, frozen=True):
    type: Annotated[DefinitionType, Meta(description="The type it is to be published with.")] = (
        "STANDARD"
    )


class DefinitionQuery(Query, frozen=True):
    version: VersionNumber | None = None


class PageQuery(Query, frozen=True):
    limit: Limit = 100
    cursor: Cursor | None = None


class WaitQuery(Query, frozen=True):
    wait: Wait = 0


class FilterQuery(Query, frozen=True):
    """All filters given must hold."""

    definition: Annotated[str, Meta(description="Only executions of this definition.")] | None = (
        None
    )
    status: Annotated[Status, Meta(description="Only executions with this status.")] | None = None
    state: (
        Annotated[str, Meta(description="Only executions that rest in the state of this name.")]
        | None
    ) = None
    version: (
        Annotated[
            int, Meta(ge=1, le=2**31 - 1, description="Only executions pinned to this version.")
        ]
        | None
    ) = None
    error: (
        Annotated[str, Meta(description="Only executions that closed with this error.")] | None
    ) = None
    quarantined: (
        Annotated[Literal["true", "false"], Meta(description="Set aside, for they cannot go on.")]
        | None
    ) = None
    started_after: (
        Annotated[
            str, Meta(description="Only executions started at this time or later (RFC 3339).")
        ]
        | None
    ) = None
    started_before: (
        Annotated[str, Meta(description="Only executions started before this time (RFC 3339).")]
        | None
    ) = None
    attribute: Annotated[
        list[str],
        Meta(
            max_length=10,
            description="Only executions with this search attribute, `name:value`; may be given several times, and "
            "needs a definition.",
        ),
    ] = []


class ExecutionsQuery(FilterQuery, frozen=True):
    """All filters given must hold."""

    limit: Limit = 100
    cursor: Cursor | None = None


class HistoryQuery(Query, frozen=True):
    after: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=2**53,
                description="Only records that follow this id in the order asked for.",
            ),
        ]
        | None
    ) = None
    limit: Limit = 100
    order: Annotated[Literal["asc", "desc"], Meta(description="Oldest first or newest first.")] = (
        "asc"
    )
    wait: Annotated[
        float,
        Meta(
            ge=0,
            le=WAIT_SECONDS_MAX,
            description="Seconds to wait for a record after `after`, or for the execution to close.",
        ),
    ] = 0


SignalId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        description="A second signal of this id is a duplicate and changes nothing; made up if absent.",
    ),
]
SignalPayload = Annotated[
    Raw | UnsetType,
    Meta(description="Any JSON value; null if absent.", examples=[{"by": "ann"}]),
]
TtlSeconds = Annotated[
    float,
    Meta(
        gt=0,
        le=99_999_999,
        description="No state takes the signal once so many seconds have passed; absent: it is kept as long as it takes.",
    ),
]


class StartSignal(Body, frozen=True):
    """A signal that goes with a start."""

    name: Annotated[str, Meta(description="The signal's name.")]
    payload: SignalPayload = UNSET
    id: SignalId | None = None
    ttl_seconds: TtlSeconds | None = None


class FollowQuery(Query, frozen=True):
    after: Annotated[
        int,
        Meta(
            ge=0,
            le=2**53,
            description="Only records that follow this id; `Last-Event-ID` goes before it.",
        ),
    ] = 0


class ChangesQuery(Query, frozen=True):
    definition: Annotated[str, Meta(description="Only executions of this definition.")] | None = (
        None
    )
    after: (
        Annotated[
            str,
            Meta(
                max_length=64,
                description="Begin after the event of this id, or at this moment in milliseconds since 1970; now if absent. "
                "`Last-Event-ID` goes before it.",
            ),
        ]
        | None
    ) = None


class NewExecution(Body, frozen=True):
    """One execution to start. Repeating it with the same name and input is safe."""

    name: BusinessKey | None = None
    input: Annotated[
        Raw | UnsetType,
        Meta(description="Any JSON value; `{}` if absent.", examples=[{"order": 42}]),
    ] = UNSET
    version: VersionNumber | None = None
    alias: VersionChooser | None = None


class StartBody(NewExecution, frozen=True):
    """A new execution. Repeating the request with the same name and input is safe."""

    signal: (
        Annotated[
            StartSignal,
            Meta(
                description="Is in the new execution's inbox; where one of the name runs, whatever its input, is sent to that.",
            ),
        ]
        | None
    ) = None


class SignalQuery(Query, frozen=True):
    wait: Annotated[
        Literal["accepted", "consumed"],
        Meta(
            description="`consumed`: answer when a state has taken the signal, or none can any more."
        ),
    ] = "accepted"
    wait_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=WAIT_SECONDS_MAX,
            description="Seconds to wait for that before answering as it stands.",
        ),
    ] = 30


class RouteBody(Body, frozen=True):
    """One version that an alias leads to."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1, description="A version of the definition.")]
    weight: Annotated[int, Meta(ge=0, le=100, description="How many of a hundred starts go to it.")]


class AliasBody(Body, frozen=True):
    """Where starts on an alias go: `version`, or `routing` to share them out."""

    version: (
        Annotated[int, Meta(ge=1, le=2**31 - 1, description="The version of every start.")] | None
    ) = None
    routing: (
        Annotated[
            list[RouteBody],
            Meta(
                min_length=1, max_length=2, description="Versions whose weights are 100 together."
            ),
        ]
        | None
    ) = None


class SignalBody(Body, frozen=True):
    """Something the execution waits for, or will."""

    payload: SignalPayload = UNSET
    id: SignalId | None = None
    ttl_seconds: TtlSeconds | None = None


class BroadcastBody(Body, frozen=True):
    """Something that many executions wait for, or will."""

    payload: SignalPayload = UNSET
    id: SignalId | None = None
    ttl_seconds: TtlSeconds | None = None
    attribute: (
        Annotated[
            dict[str, str | bool | int | float],
            Meta(
                max_length=10,
                description="Only executions that have all of these search attributes; absent: all that run.",
                examples=[{"customer": "c-7"}],
            ),
        ]
        | None
    ) = None


class StopBody(Body, frozen=True):
    """Why an execution is ended, and how."""

    error: Error | None = None
    cause: Cause | None = None
    graceful: Annotated[
        bool,
        Meta(
            description="Let the state it is in fail as `Detent.Cancelled`, so that a Catch of that name compensates."
        ),
    ] = False
    reason: (
        Annotated[
            str,
            Meta(
                max_length=32_768,
                description="Why; kept in history beside who asked, for a graceful stop.",
            ),
        ]
        | None
    ) = None
    id: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=128,
                description="A graceful stop of this id is applied once; made up if absent.",
            ),
        ]
        | None
    ) = None
