"""The advancer: the one place that applies transitions to stored executions.

    claim  ->  transition(machine, execution, event, now)  ->  commit  ->  next event or next ready frame ... -> release

An execution has one holder at a time; a process holds many, each in a coroutine of its own, and their commits meet on
the connection, where they share round trips and disk flushes. Whatever goes wrong with one execution stays with it:
a stale commit or a lost connection drops the claim (whoever claims next reads what is true), an error inside the
engine sets the execution aside with the reason.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from msgspec import structs

from engine import failpoints
from engine.clock import RedisClock
from engine.core.effects import (
    Close,
    ReturnTask,
    ScheduleTask,
    ShiftTimer,
    StartTimer,
    StopChild,
    StopMapRun,
    Transition,
)
from engine.core.events import Event, MigrateRequested
from engine.core.moving.move import target_version
from engine.core.moving.undo import UNDO
from engine.core.needs import needs
from engine.core.states.distributed.spec import MAPS_QUEUE
from engine.core.states.nested import STATES_QUEUE
from engine.errors import (
    DefinitionNotFound,
    EngineError,
    InvalidDefinition,
    OutcomeUnknown,
    StaleCommit,
    StoreUnavailable,
)
from engine.language.machine import Machine
from engine.runtime.changes import Changes
from engine.runtime.deciders import NotNow
from engine.runtime.deciding import Deciding
from engine.runtime.holding import came_ms, is_last, next_event, with_committed, with_loaded
from engine.runtime.keeping import while_kept
from engine.runtime.machines import Machines
from engine.store.commits import Claim
from engine.store.commits.answers import ClockAhead, Committed, ExecutionMissing, Suspect
from engine.store.executions import Executions
from engine.store.keys import task_id
from engine.telemetry import Counters, emit, plain

TRANSITIONS_MAX = 100  # in one claim, before others get their turn

log = logging.getLogger("detent.advancer")

OnTask = Callable[[str, str], None]
OnTimer = Callable[[int, str], None]


class Advancer:
    """Advances executions it is offered, at most `concurrency` at once.

    `on_task(ref, queue)` and `on_timer(due_ms, member)` are hints to this process's own dispatcher and timekeeper.
    `on_room()` is called when there is room for more than what was offered, `on_child_end(ref, run)` when a child of a
    Map Run has ended.
    """

    def __init__(
        self,
        executions: Executions,
        machines: Machines,
        deciding: Deciding,
        clock: RedisClock,
        changes: Changes,
        counters: Counters,
        *,
        concurrency: int,
        lease_ms: int,
        on_task: OnTask,
        on_timer: OnTimer,
        on_room: Callable[[], None],
        on_child_end: Callable[[str, str], None] = lambda _ref, _run: None,
    ) -> None:
        self._executions = executions
        self._machines = machines
        self._deciding = deciding
        self._clock = clock
        self._changes = changes
        self._concurrency = concurrency
        self._extend_seconds = lease_ms / 3000
        self._on_task = on_task
        self._on_timer = on_timer
        self._on_room = on_room
        self._on_child_end = on_child_end
        self.name = secrets.token_hex(6)  # opens the nonces of this process's claims
        self._claims = 0
        self._suspects = asyncio.Lock()
        self._backlog: deque[str] = deque()
        self._offered: set[str] = set()
        self._held: set[str] = set()
        self._again: set[str] = set()  # offered anew while held
        self._apart = 0  # of those held, the ones that wait for a decision elsewhere
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = False
        self._counters = counters

    @property
    def room(self) -> int:
        """How many more executions could be advanced right now."""
        return self._places - len(self._backlog)

    @property
    def _places(self) -> int:
        """Those that are decided elsewhere take none, as long as they are not too many to be kept in memory."""
        return self._concurrency - len(self._held) + min(self._apart, self._concurrency)

    def start(self) -> None:
        self._open = True

    async def stop(self, seconds: float) -> None:
        """Take no more; let what is held come to its next checkpoint and let go of it, within `seconds`."""
        self._open = False
        self._backlog.clear()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def offer(self, ref: str) -> None:
        """Advance this execution soon; more than once is once."""
        if not self._open:
            return
        if ref in self._held:
            self._again.add(ref)
            return
        if ref in self._offered:
            return
        if self._places > 0:
            self._begin(ref)
        else:
            self._offered.add(ref)
            self._backlog.append(ref)

    def _begin(self, ref: str) -> None:
        self._held.add(ref)
        self._counters.put("detent_executions_active", len(self._held))
        task = asyncio.get_running_loop().create_task(self._hold(ref))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hold(self, ref: str) -> None:
        """Claim one execution, advance it, and hand the place to the next in the backlog."""
        again = False
        try:
            again = await self.advance(ref)
        except ExecutionMissing:
            self._counters.add("detent_executions_missing_total")
            emit("execution.missing", execution=ref)
        except StoreUnavailable:
            pass  # the ready set or the lapsing claim brings it back
        except Exception:
            log.exception("advancing %s failed", plain(ref))
        finally:
            self._held.discard(ref)
            self._counters.put("detent_executions_active", len(self._held))
            if ref in self._again:
                self._again.discard(ref)
                again = True
            self._fill()
            if again:
                self.offer(ref)  # behind those that waited
            if self._open and self.room > self._concurrency // 2:
                self._on_room()

    def _fill(self) -> None:
        """Begin with those that wait for a place."""
        while self._backlog and self._places > 0 and self._open:
            following = self._backlog.popleft()
            self._offered.discard(following)
            self._begin(following)

    async def advance(self, ref: str) -> bool:
        """Claim and advance until nothing is left to do; True when it should be offered again (its turn was up)."""
        try:
            return await self._advance(ref, is_alone=False)
        except Suspect:
            async with self._suspects:
                return await self._advance(ref, is_alone=True)

    async def _advance(self, ref: str, *, is_alone: bool) -> bool:
        self._claims += 1
        claim = await self._executions.claim(ref, f"{self.name}-{self._claims}", is_alone=is_alone)
        if claim is None:
            return False
        if failpoints.ARMED:
            failpoints.hit("after_claim")
        namespace = ref.partition(":")[0]
        try:
            execution = claim.execution
            machine = await self._machines.get(namespace, execution.definition, execution.version)
            return await self._run(claim, machine)
        except StaleCommit:
            self._counters.add("detent_commits_refused_total")
            return False
        except NotNow:
            await self._let_go(claim)
            return False  # the next sweep finds it ready
        except OutcomeUnknown:
            # Whether the last commit happened, whoever claims next will see; nothing of ours may be kept.
            await self._let_go(claim)
            return True
        except StoreUnavailable:
            await self._let_go(claim)
            raise
        except EngineError as error:
            await self._set_aside(claim, f"{error.code}: {error}")
            return False
        except Exception as error:
            await self._set_aside(claim, f"{type(error).__name__}: {error}", error)
            return False

    async def _run(self, claim: Claim, machine: Machine) -> bool:
        extended = self._clock.monotonic()
        for _ in range(TRANSITIONS_MAX):
            claim.keeping = machine.keeping
            event, controls, taken = next_event(claim)
            if event is None:
                if await self._idle(claim):
                    return False
                continue
            await self._load(claim, machine, event)
            target = None
            if claim.execution.moving is not None or isinstance(event, MigrateRequested):
                target = await self._target(claim, event)
            step = await self._decide(claim, machine, event, target)
            release = is_last(claim, step, controls, taken)
            moment = self._clock.monotonic()
            extend = moment - extended > self._extend_seconds
            if extend:
                extended = moment
            committed = await self._commit(
                claim, step, taken=taken, controls=controls, release=release, extend=extend
            )
            if committed is None:
                continue
            if step.execution.version != claim.execution.version:
                assert target is not None
                machine = target
            self._accept(claim, step, committed)
            if committed.released:
                return False
            if not self._open:
                break
        await self._executions.release(claim, reset=True)
        return True

    async def _target(self, claim: Claim, event: Event) -> Machine | None:
        """The machine of the version that a migration leads to; None where there is none."""
        execution = claim.execution
        if execution.moving is not None:
            version = execution.moving.version
        else:
            assert isinstance(event, MigrateRequested)
            version = target_version(event, execution.values.get(UNDO))
        namespace = claim.keys.ref.partition(":")[0]
        with suppress(DefinitionNotFound, InvalidDefinition):
            return await self._machines.get(namespace, execution.definition, version)
        return None

    async def _decide(
        self, claim: Claim, machine: Machine, event: Event, target: Machine | None
    ) -> Transition:
        """Decide here, or elsewhere what takes long: the claim is kept meanwhile, and others get the place."""
        execution = claim.execution
        now_ms = max(self._clock.now_ms(), execution.last_ms, came_ms(claim, event))
        step = self._deciding.at_once(machine, execution, event, now_ms, target)
        if step is not None:
            return step
        named = claim.keys.ref.partition(":")[0], execution.definition, execution.version
        apart = self._deciding.apart(
            machine, lambda: self._machines.source(*named), execution, event, now_ms
        )
        self._apart += 1
        self._fill()
        try:
            return await while_kept(
                self._executions, claim, self._clock, self._extend_seconds, apart
            )
        finally:
            self._apart -= 1

    async def _commit(
        self,
        claim: Claim,
        step: Transition,
        *,
        taken: int,
        controls: int,
        release: bool,
        extend: bool,
    ) -> Committed | None:
        """Commit a step; None when this process's clock ran ahead and the step has to be decided anew."""
        arguments = self._executions.commits.of(
            claim,
            step,
            taken=taken,
            controls=controls,
            release=release,
            extend=extend,
            now_ms=step.execution.last_ms,
        )
        try:
            if failpoints.ARMED:
                failpoints.hit("before_commit")
            committed = await self._executions.commit(claim, arguments)
            if failpoints.ARMED:
                failpoints.hit("after_commit")
        except ClockAhead as ahead:
            await self._clock.sleep((step.execution.last_ms - ahead.now_ms + 1) / 1000)
            self._clock.observe(ahead.now_ms)
            return None
        self._counters.add("detent_transitions_total")
        self._clock.observe(committed.now_ms)
        return committed

    def _accept(self, claim: Claim, step: Transition, committed: Committed) -> None:
        """Take the new checkpoint over, and pass on what this process can act on at once."""
        ref = claim.keys.ref
        claim.execution = execution = with_committed(step.execution, committed)
        claim.control, claim.entries = committed.control, committed.entries
        claim.now_ms = committed.now_ms
        for effect in step.effects:
            match effect:
                case ScheduleTask():
                    self._on_task(ref, effect.queue)
                    if effect.timeout_ms is not None:
                        member = task_id(ref, effect.frame, effect.revision)
                        self._on_timer(effect.timeout_ms, f"{member}#timeout")
                case ReturnTask():
                    self._on_task(ref, effect.queue)
                case StartTimer() | ShiftTimer():
                    member = task_id(ref, effect.frame, effect.revision)
                    self._on_timer(effect.due_ms, f"{member}#{effect.kind}")
                case StopChild():
                    self._on_task(ref, STATES_QUEUE)
                case StopMapRun():
                    self._on_task(ref, MAPS_QUEUE)
                case Close():
                    self._counters.add("detent_executions_closed_total")
                    if claim.child is not None:
                        self._on_child_end(ref, claim.child.run)
                    elif execution.parent:
                        self._on_task(ref, STATES_QUEUE)  # it may have been told to tell its parent
        self._changes.ring(ref, closed=execution.status != "RUNNING")

    async def _load(self, claim: Claim, machine: Machine, event: Event) -> None:
        """Read whatever the event's transition needs and the claim did not bring."""
        while wanted := needs(machine, claim.execution, event):
            loaded = await self._executions.load(claim, wanted)
            claim.execution = with_loaded(claim.execution, wanted, loaded)

    async def _idle(self, claim: Claim) -> bool:
        """Nothing to do: let go without a transition, unless something came in meanwhile."""
        arguments = self._executions.commits.touch(claim)
        committed = await self._executions.commit(claim, arguments)
        claim.execution = structs.replace(
            claim.execution,
            revision=claim.execution.revision + 1,
            frames={**claim.execution.frames, **committed.frames},
        )
        claim.control, claim.entries = committed.control, committed.entries
        claim.now_ms = committed.now_ms
        return committed.released

    async def _let_go(self, claim: Claim) -> None:
        """Release after a trouble that is Redis', not the execution's: this claim does not count."""
        with suppress(EngineError):  # the claim lapses
            await self._executions.release(claim, reset=True)

    async def _set_aside(self, claim: Claim, reason: str, error: Exception | None = None) -> None:
        """Quarantine the execution, unless it is another's by now: whoever lost it may have read what that one changed."""
        with suppress(EngineError):  # the claim lapses; the next holder finds the same
            await self._executions.quarantine(claim, reason, error)
