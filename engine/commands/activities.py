"""Commands and questions about activities, and about tasks as those speak of them who take them from one.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-activities.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from engine.commands.tasks import TaskCommands
from engine.errors import ActivityAlreadyExists, ActivityNotFound
from engine.names import check_name, check_queue
from engine.store.catalog.activities import Activities, Activity, Encryption
from engine.store.tasks import FOR_GOOD
from engine.views import Caller, LeasedTask

BACK_MS = 1  # after which a task that is given back is another's; a lease lasts at least that
HANDED_OVER_MS = 10_000  # after which a task is given to another when its taker was not told of it


class ActivityCommands:
    """`on_deleted` is awaited where an activity was deleted, or made again: those who run tasks here should know at once."""

    def __init__(
        self,
        activities: Activities,
        tasks: TaskCommands,
        on_deleted: Callable[[], Awaitable[None]],
    ) -> None:
        self._activities = activities
        self._tasks = tasks
        self._on_deleted = on_deleted

    async def create(
        self, caller: Caller, name: str, encryption: Encryption, tags: dict[str, str]
    ) -> Activity:
        """The activity of that name, made where there is none; of one that is there, the tags stay as they are.

        Raises InvalidName (a worker could not ask for tasks under every name), ActivityAlreadyExists where it has another
        encryption.
        """
        check_queue(check_name(name, "activity"))
        activity, is_new = await self._activities.create(caller.namespace, name, encryption, tags)
        if activity.encryption != encryption:
            raise ActivityAlreadyExists(name)
        if is_new:
            await self._on_deleted()
        return activity

    async def describe(self, caller: Caller, name: str) -> Activity:
        """Raises ActivityNotFound."""
        found = await self._activities.read(caller.namespace, name)
        if found is None:
            raise ActivityNotFound(name)
        return found

    async def all(self, caller: Caller) -> list[Activity]:
        """Every activity, by name."""
        return await self._activities.all(caller.namespace)

    async def delete(self, caller: Caller, name: str) -> None:
        """Forget an activity: tasks that come to it from now on fail. Those that wait in its queue stay there.

        Where there is none, nothing happens: a queue that never was an activity goes on as it is.
        """
        if await self._activities.delete(caller.namespace, name):
            await self._on_deleted()

    async def retag(
        self, caller: Caller, name: str, change: Callable[[dict[str, str]], dict[str, str]]
    ) -> None:
        """Replace an activity's tags by what `change` makes of them. Raises ActivityNotFound, and what `change` raises."""
        await self._activities.retag(caller.namespace, name, change)

    async def lease(
        self, caller: Caller, name: str, *, wait_ms: int, worker: str
    ) -> LeasedTask | None:
        """A task for a worker that is still to be told of it: `keep` it then, else another gets it after 10 s.

        Raises ActivityNotFound.
        """
        await self.describe(caller, name)
        leased = await self._tasks.lease(
            caller, name, most=1, wait_ms=wait_ms, lease_ms=HANDED_OVER_MS, worker=worker
        )
        return leased[0] if leased else None

    async def keep(self, caller: Caller, task: LeasedTask) -> None:
        """Make a task the worker's for good, as AWS does: only TimeoutSeconds and HeartbeatSeconds, counted from now, take it away.

        Raises TaskClosed or LeaseLost where it has ended, or was given to another, meanwhile.
        """
        await self._tasks.heartbeat(caller, task.token, task.lease, FOR_GOOD)

    async def give_back(self, caller: Caller, task: LeasedTask) -> None:
        """Have another get a task at once that was kept for a worker who was not told of it.

        Raises TaskClosed or LeaseLost where it has ended meanwhile.
        """
        await self._tasks.heartbeat(caller, task.token, task.lease, BACK_MS)
