"""Deciding: where a transition is decided, in the loop or apart from it.

In the loop, where others wait, expressions get 50 ms and little memory. What takes more is decided apart, by a process
that can be killed (`deciders`); what even that cannot decide is decided here once more, by a patience under which an
expression that takes long fails. So every transition is decided, and no expression holds up anybody but its own
execution for long.

What took long at a state is not tried in the loop the next time, until it has been quick apart.
"""

from __future__ import annotations

from collections import OrderedDict

from engine.clock import Clock
from engine.core.effects import Transition
from engine.core.events import Event
from engine.core.execution import Execution
from engine.core.limits import Limits
from engine.core.transition import transition
from engine.language.expressions.patience import LOOP_MS, OverBudget, Patience
from engine.language.machine import Machine
from engine.runtime.deciders import Deciders, Question, Read
from engine.telemetry import Counters

# Known to take long; what did so longest ago is tried in the loop again.
SLOW_MAX = 10_000

Step = tuple[str, str, type]  # a definition's content hash, a state's name, and what happens there


class Deciding:
    """Decides transitions for one event loop. The same arguments give the same answer wherever that is.

    `limits` may be replaced at any time; a transition goes by those of its beginning.
    """

    def __init__(
        self, deciders: Deciders, clock: Clock, counters: Counters, limits: Limits
    ) -> None:
        self._deciders = deciders
        self._clock = clock
        self._counters = counters
        self.limits = limits
        self._slow: OrderedDict[Step, None] = OrderedDict()

    def at_once(
        self,
        machine: Machine,
        execution: Execution,
        event: Event,
        now_ms: int,
        target: Machine | None = None,
    ) -> Transition | None:
        """The transition, decided here; None where it takes long, or probably would: then decide it `apart`.

        With a `target`, the machine that a migration leads to, it is never None.
        """
        if self._slow and _step(machine, execution, event) in self._slow:
            return None
        patience = Patience.in_loop(self._clock.monotonic)
        try:
            return self._decide(machine, execution, event, now_ms, patience, target)
        except OverBudget:
            if target is not None:
                # Of the processes apart none has both machines. What was only held up by others is quick now.
                patience = Patience.last(self._clock.monotonic)
                return self._decide(machine, execution, event, now_ms, patience, target)
            self._remember(_step(machine, execution, event))
            return None

    async def apart(
        self, machine: Machine, source: Read, execution: Execution, event: Event, now_ms: int
    ) -> Transition:
        """The transition, decided where it can be killed. `source` reads the machine's definition.

        An expression that takes too long or too much even there fails its state. Raises NotNow where no process can
        be had.
        """
        question = Question(machine.content_hash, source, execution, event, now_ms, self.limits)
        decided = await self._deciders.decide(question)
        self._counters.add("detent_transitions_slow_total")
        if decided is None:
            self._counters.add("detent_expressions_stopped_total")
            patience = Patience.last(self._clock.monotonic)
            return self._decide(machine, execution, event, now_ms, patience)
        step, seconds = decided
        if seconds * 1000 < LOOP_MS / 2:
            self._slow.pop(_step(machine, execution, event), None)
        return step

    def _decide(
        self,
        machine: Machine,
        execution: Execution,
        event: Event,
        now_ms: int,
        patience: Patience,
        target: Machine | None = None,
    ) -> Transition:
        return transition(
            machine,
            execution,
            event,
            now_ms,
            limits=self.limits,
            patience=patience,
            target=target,
        )

    def _remember(self, step: Step) -> None:
        self._slow[step] = None
        self._slow.move_to_end(step)
        if len(self._slow) > SLOW_MAX:
            self._slow.popitem(last=False)


def _step(machine: Machine, execution: Execution, event: Event) -> Step:
    """What tells a transition from others of its definition, as far as the event names its frame."""
    frame = execution.frames.get(getattr(event, "frame", ""))
    return machine.content_hash, frame.state if frame is not None else "", type(event)
