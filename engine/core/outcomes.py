"""What a state sees when it is asked to decide, and what it may answer. Only `transition` acts on the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from engine.core.execution import Frame
from engine.core.failures import Failure
from engine.core.limits import Limits
from engine.documents import Document
from engine.language.expressions.scope import Scope

if TYPE_CHECKING:
    from engine.core.states.distributed.spec import MapRunSpec

NOTHING_ASSIGNED: Mapping[str, Document] = {}  # never changed


class Visit:
    """A state's view of one transition: its frame, the time, and the surroundings of its expressions."""

    __slots__ = ("_scope", "_scope_of", "effective", "effort", "frame", "limits", "now_ms", "token")

    def __init__(
        self,
        frame: Frame,
        now_ms: int,
        limits: Limits,
        token: Callable[[], tuple[str, str]],
        scope_of: Callable[..., Scope],
    ) -> None:
        self.frame = frame
        self.now_ms = now_ms
        self.limits = limits
        self.token = token  # () -> (secret, full text) of a task about to be scheduled
        self._scope_of = scope_of
        self._scope: Scope | None = None
        self.effective: Document | None = None  # a Map's, worked out once for all its items
        self.effort = 0  # spent on a Map's items, each of which has a scope of its own

    @property
    def scope(self) -> Scope:
        """The surroundings of the state's expressions, made on first use."""
        if self._scope is None:
            self._scope = self._scope_of(self.frame)
        return self._scope

    def scope_with(self, *, token: str | None = None, item: tuple[int, Any] | None = None) -> Scope:
        """As `scope`, with a task's token or with the item an ItemSelector is applied to."""
        return self._scope_of(self.frame, token=token, item=item)


class Proceed(Struct, frozen=True):
    """The state can be left without anything happening: the frame is ready."""


class Sleep(Struct, frozen=True):
    """The state waits until `due_ms`."""

    due_ms: int


class Dispatch(Struct, frozen=True):
    """A task goes into `queue`. `parameters` is what the history shows, `input` what the worker gets."""

    queue: str
    parameters: Document
    input: Document
    secret: str
    timeout_seconds: int | None
    heartbeat_seconds: int | None


class Await(Struct, frozen=True):
    """The state waits for a signal."""

    name: str
    parameters: Document
    timeout_seconds: int | None


class Divide(Struct, frozen=True):
    """The frame gets `total` children, `window` at once (0: all): one for each of `items`, or branches that share `input`."""

    total: int
    window: int
    items: list[Any] | None
    input: Document | None = None


class Distribute(Struct, frozen=True):
    """A Map Run takes the state's items; `length` of them are in the state's data.

    `asked` names neither the run nor who asks; it is a Failure where something of it could not be evaluated.
    """

    length: int
    asked: MapRunSpec | Failure


class Leave(Struct, frozen=True):
    """The state is done: `output` goes to `next`, or ends the scope where that is None. `assigned` are variables by name."""

    output: Document
    next: str | None
    assigned: Mapping[str, Document] = NOTHING_ASSIGNED


class Fails(Struct, frozen=True):
    """The state failed."""

    failure: Failure


Outcome = Proceed | Sleep | Dispatch | Await | Divide | Distribute | Leave | Fails
PROCEED = Proceed()
