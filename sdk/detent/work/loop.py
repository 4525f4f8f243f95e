"""One queue's loop: report what is finished and lease what fits, in one round trip.

An outcome stays here until the server has answered for it: accepted, closed or unknown. While a long poll is out,
outcomes go by a second request; the poll is never cancelled for them, because the server may just have leased a task
to it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import Any

from detent.backoff import delays
from detent.errors import Conflict, DetentError, Forbidden, Invalid, NotFound, Unauthenticated
from detent.task import Task
from detent.work.contact import Contact
from detent.work.door import Door, Finished
from detent.work.handlers import CAUSE_CHARS_MAX, INVALID_OUTPUT, Handler, Outcome
from detent.work.leases import Holding, LeaseKeeper
from detent.work.slots import Slots
from detent.work.threads import Threads

log = logging.getLogger("detent.worker")

BATCH_MAX = 100  # results, and tasks, in one exchange; the server's limit.
BATCH_BYTES_MAX = (
    1024 * 1024
)  # of outputs in one exchange, so that a batch stays far from any body limit.

LINE_CHARS_MAX = 200  # of a cause, in the log


class QueueLoop:
    """Leases, performs and settles the tasks of one handler's queue."""

    def __init__(
        self,
        handler: Handler,
        *,
        door: Door,
        contact: Contact,
        slots: Slots,
        keeper: LeaseKeeper,
        threads: Threads,
        lease_seconds: float,
        poll_seconds: int,
        is_alone: bool,
    ) -> None:
        self.queue = handler.queue
        self._handler = handler
        self._door = door
        self._contact = contact
        self._slots = slots
        self._keeper = keeper
        self._threads = threads
        self._lease_seconds = lease_seconds
        self._poll_seconds = poll_seconds
        self._is_alone = is_alone
        self._leasing = f"queue {handler.queue}: leasing tasks"
        self._settling = f"queue {handler.queue}: reporting outcomes"
        self._has_demand = False  # the last answer was as many tasks as were asked for
        self._held: set[Holding] = set()
        self._finished: deque[Finished] = deque()
        self._sending: list[Finished] = []
        self._poll: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._is_stopping = False
        self._settle_delays = delays()
        self._poll_delays = delays()
        slots.watch(self._wake.set)

    async def run(self) -> None:
        """Until `stop`, and then until nothing is running and every outcome has been answered."""
        while True:
            self._wake.clear()
            if self._finished:
                await self._settle()
            elif self._is_stopping and not self._held:
                if self._poll is None or self._poll.done():
                    return
                # Cancelled, and yet it may come back with tasks.
                await asyncio.wait([self._poll])
            elif not self._begin_poll():
                await self._wake.wait()

    def stop(self) -> None:
        """Lease no more. What a cancelled long poll was just being given is handed out again when its lease lapses."""
        self._is_stopping = True
        if self._poll is not None:
            self._poll.cancel()
        self._wake.set()

    def abandon(self) -> list[Task]:
        """Give up what still runs; the tasks, whose leases are left to be handed back."""
        tasks = []
        for holding in self._held:
            if holding.deed is not None and not holding.deed.done():
                if not holding.task.cancelled:
                    tasks.append(holding.task)
                holding.lose("the worker stopped")
                holding.deed.cancel()
        return tasks

    def undelivered(self) -> list[Task]:
        """The tasks whose outcomes the server has not answered for."""
        return [task for task, _ in (*self._sending, *self._finished)]

    # Leasing

    def _begin_poll(self) -> bool:
        """Send a long poll for as many tasks as there is room for; False where there is one, or no room."""
        if self._poll is not None or not (most := self._take()):
            return False
        self._poll = asyncio.create_task(self._poll_once(most))
        return True

    def _take(self) -> int:
        if self._is_stopping:
            return 0
        # Among several, an idle queue keeps one place only: places it waits with are lost to the others.
        wanted = BATCH_MAX if self._has_demand or self._is_alone else 1
        return self._slots.take(self, wanted, len(self._held))

    async def _poll_once(self, most: int) -> None:
        taken = 0
        # After an outage an answer comes at once: it is over when the server answers, not when there is a task.
        seconds = 0 if self._contact.is_lost(self._leasing) else self._poll_seconds
        try:
            answer = await self._door.exchange(self.queue, (), most, seconds)
            taken = self._begin(answer["tasks"], most)
            self._poll_delays = delays()
            self._contact.kept(self._leasing)
        except Exception as error:  # a loop must survive anything
            if isinstance(error, Unauthenticated):
                self._contact.refuse(error, at_once=True)
            else:
                self._contact.lost(self._leasing, error)
            await asyncio.sleep(next(self._poll_delays))
        finally:
            self._poll = None
            self._slots.release(most - taken)
            self._wake.set()

    def _begin(self, leases: list[dict[str, Any]], most: int) -> int:
        for lease in leases:
            task = Task(lease, self._keeper.beat)
            holding = Holding(task, self._lease_seconds, is_async=self._handler.is_async)
            self._held.add(holding)
            self._keeper.held[task] = holding
            holding.deed = asyncio.create_task(self._perform(task))
            holding.deed.add_done_callback(partial(self._end, holding))
        self._has_demand = bool(most) and len(leases) >= most
        return len(leases)

    async def _perform(self, task: Task) -> Outcome:
        if self._handler.is_async:
            return await self._handler.perform(task)
        outcome: Outcome = await self._threads.submit(partial(self._handler.perform_blocking, task))
        return outcome

    def _end(self, holding: Holding, deed: asyncio.Task[Outcome]) -> None:
        # A callback and not a `finally`: a deed cancelled before it began never gets there.
        task = holding.task
        self._held.discard(holding)
        self._keeper.held.pop(task, None)
        if task.cancelled or deed.cancelled():
            log.warning("task %s: outcome dropped: %s", task.token, task.lost_because)
        else:
            outcome = deed.result()
            if outcome.output is None:
                _failed(task, outcome)
            self._finished.append((task, outcome))
        self._slots.release(1)
        self._wake.set()

    # Settling

    async def _settle(self) -> None:
        """Report a batch, and lease into the places that are free unless a long poll is already out for them."""
        self._sending = batch = self._next_batch()
        most = self._take() if self._poll is None else 0
        taken = 0
        try:
            answer = await self._door.exchange(self.queue, batch, most, 0)
            taken = self._begin(answer["tasks"], most) if most else 0
            kept = _unanswered(batch, answer["results"])
            error: Exception | None = None
        except Exception as refused:  # a loop must survive anything; the batch is kept
            kept, error = batch, refused
        finally:
            self._slots.release(most - taken)
        if _blames_content(error):
            # One bad outcome must not hold up the others.
            kept, error = await self._settle_each(batch)
        self._finished.extendleft(reversed(kept))
        self._sending = []
        if kept and error is not None:
            if isinstance(error, Unauthenticated):
                self._contact.refuse(error, at_once=False)
            self._contact.lost(self._settling, error)
            await asyncio.sleep(next(self._settle_delays))
        elif error is None:
            self._contact.kept(self._settling)
            self._settle_delays = delays()

    def _next_batch(self) -> list[Finished]:
        batch: list[Finished] = []
        room = BATCH_BYTES_MAX
        while self._finished and len(batch) < BATCH_MAX and room > 0:
            finished = self._finished.popleft()
            room -= len(finished[1].output or finished[1].cause)
            batch.append(finished)
        return batch

    async def _settle_each(self, batch: list[Finished]) -> tuple[list[Finished], Exception | None]:
        """Report one by one; what must be kept, and the last error that says to try later."""
        kept: list[Finished] = []
        later: Exception | None = None
        for task, outcome in batch:
            try:
                await self._door.settle((task, outcome))
            except (Conflict, NotFound) as error:
                _not_accepted(task, error.code, error.detail)
            except DetentError as error:
                if not _blames_content(error):
                    kept.append((task, outcome))
                    later = error
                elif outcome.output is not None:
                    # The task must end somehow: its output is what the server will not have.
                    kept.append(
                        (task, Outcome(error=INVALID_OUTPUT, cause=str(error)[:CAUSE_CHARS_MAX]))
                    )
                else:
                    log.exception("task %s: outcome dropped, the server refuses it", task.token)
        return kept, later


def _unanswered(batch: list[Finished], results: list[dict[str, Any]]) -> list[Finished]:
    """The outcomes the server did not answer for; a word in the log for each that it did not accept."""
    answers = {result["token"]: result for result in results}
    kept = []
    for finished in batch:
        task = finished[0]
        answer = answers.get(task.token)
        if answer is None:
            kept.append(finished)
        elif answer["status"] != "accepted":
            _not_accepted(task, answer["status"], answer.get("detail"))
    return kept


def _failed(task: Task, outcome: Outcome) -> None:
    """One line: the whole cause is in the history."""
    said = outcome.cause.strip().partition("\n")[0][:LINE_CHARS_MAX]
    who = f"{task.execution}, {task.state}, attempt {task.attempt}"
    log.warning("%s: failed: %s%s", who, outcome.error, f": {said}" if said else "")


def _not_accepted(task: Task, status: str, detail: str | None) -> None:
    log.warning("task %s: outcome not accepted: %s %s", task.token, status, detail or "")


def _blames_content(error: Exception | None) -> bool:
    """Whether sending the same again cannot help."""
    if isinstance(error, (Invalid, Conflict, NotFound)):
        return True
    return (
        isinstance(error, DetentError)
        and 400 <= error.status < 500
        and not isinstance(error, (Unauthenticated, Forbidden))
        and error.status not in (408, 429)
    )
