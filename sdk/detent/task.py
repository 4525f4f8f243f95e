"""A task, as its handler sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any


class Task:
    """A task in this worker's hands, and what is known of it.

    The worker extends the lease by itself while the handler runs. `cancelled` becomes True when the task is no longer
    this worker's (it timed out, its execution ended, or the lease lapsed while the server was out of reach): an async
    handler is cancelled then, a sync one should look at it now and again and return; its outcome is dropped.
    """

    __slots__ = ("_beat", "_lease", "cancelled", "lost_because")

    def __init__(self, lease: dict[str, Any], beat: Callable[[Task], Awaitable[None]]) -> None:
        self._lease = lease
        self._beat = beat
        self.cancelled = False
        self.lost_because: str | None = None

    @property
    def token(self) -> str:
        """What an outcome is reported under; stays the same when the task is handed out again."""
        token: str = self._lease["token"]
        return token

    @property
    def lease(self) -> str:
        """This holding of the task: another holder has another one."""
        lease: str = self._lease["lease"]
        return lease

    @property
    def idempotency_key(self) -> str:
        """The same whenever this task is performed again: give it to the service you call."""
        key: str = self._lease["idempotency_key"]
        return key

    @property
    def queue(self) -> str:
        queue: str = self._lease["queue"]
        return queue

    @property
    def execution(self) -> str:
        """The execution's id."""
        execution: str = self._lease["execution"]
        return execution

    @property
    def definition(self) -> str:
        definition: str = self._lease["definition"]
        return definition

    @property
    def state(self) -> str:
        """The name of the state that waits for this task."""
        state: str = self._lease["state"]
        return state

    @property
    def attempt(self) -> int:
        """Which attempt of the state this is."""
        attempt: int = self._lease["attempt"]
        return attempt

    @property
    def input(self) -> Any:
        return self._lease["input"]

    @property
    def timeout(self) -> str | None:
        """When the task times out, ISO 8601 UTC; None where only its lease bounds it."""
        return self._lease.get("timeout")

    @property
    def heartbeat_seconds(self) -> float | None:
        """The state's HeartbeatSeconds, where it has one."""
        return self._lease.get("heartbeat_seconds")

    def heartbeat(self) -> Awaitable[None]:
        """Tell the server that this task is alive and extend the lease.

        `await` it in an async handler; in a sync handler the call itself blocks. Raises LeaseLost or TaskClosed when
        the task is no longer this worker's, Unavailable when the server cannot be reached.
        """
        return self._beat(self)


class Done:
    """An awaitable with nothing left to wait for."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield
