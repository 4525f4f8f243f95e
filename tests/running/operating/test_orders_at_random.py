"""Whatever is asked of an execution, in whatever order: it answers once, goes on, and leaves nothing when it ends."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from strand import BY, Strand

from engine.core import orders
from engine.core.effects import Tally
from engine.core.events import SignalReceived, TaskFailed, TaskSucceeded, TimerFired
from engine.core.execution import Backoff, Delay, Frame, Listen, Work
from engine.documents import Document

TASK = {"Type": "Task", "Resource": "activity:a"}
AGAIN = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 9, "MaxAttempts": 2}]
UNDONE = [{"ErrorEquals": ["Detent.Cancelled"], "Next": "Undo"}]
STATES: dict[str, Any] = {
    "First": TASK | {"Retry": AGAIN, "Catch": UNDONE, "Next": "Both", "Assign": {"v": 1}},
    "Both": {
        "Type": "Parallel",
        "Branches": [
            {"StartAt": "Left", "States": {"Left": TASK | {"Retry": AGAIN, "End": True}}},
            {
                "StartAt": "Nap",
                "States": {
                    "Nap": {"Type": "Wait", "Seconds": 9, "Next": "Ask"},
                    "Ask": {
                        "Type": "Task",
                        "Resource": "signal:go",
                        "TimeoutSeconds": 9,
                        "End": True,
                    },
                },
            },
        ],
        "Catch": UNDONE,
        "Next": "Each",
    },
    "Each": {
        "Type": "Map",
        "ItemsPath": "$",
        "MaxConcurrency": 2,
        "ItemProcessor": {"StartAt": "One", "States": {"One": TASK | {"End": True}}},
        "Next": "Undo",
    },
    "Undo": {"Type": "Task", "Resource": "activity:u", "End": True},
}
FRAMES = ("0", "0/0", "0/1", "0/2", "0/9")
DATA = Document.of([1, 2, 3])
ORDERS = (
    (orders.PauseRequested, "hold"),
    (orders.PauseRequested, "catch_up"),
    (orders.ResumeRequested,),
    (orders.CancelRequested,),
    (orders.RetryRequested,),
    *((orders.RetryRequested, frame) for frame in FRAMES),
    *((orders.SkipRequested, frame, DATA) for frame in FRAMES),
    *((orders.GotoRequested, frame, to) for frame in FRAMES for to in ("First", "Both", "Ask")),
    *((orders.GotoRequested, "0", to, DATA) for to in ("Each", "Undo")),
    *((orders.DataSet, frame, DATA) for frame in FRAMES),
    *((orders.VariablesSet, frame, {"w": DATA}) for frame in FRAMES),
    *((orders.VariablesSet, frame, {"v": DATA}) for frame in FRAMES),
)
STEPS = st.one_of(
    st.sampled_from(ORDERS),
    st.tuples(st.just("happen"), st.integers(0, 9), st.booleans()),
    st.just(("signal",)),
)


class Walked(Strand):
    """Takes what happens at random. Nothing stays loaded between two transitions."""

    def _step(self, event: Any) -> Any:
        self.run = structs.replace(self.run, frames={}, values={})
        return super()._step(event)

    def take(self, step: tuple[Any, ...]) -> None:
        """One thing that happens, as far as it can now."""
        if step[0] == "happen":
            self._happen(step[1], well=step[2])
        elif step[0] == "signal":
            if self.run.operated.paused is None:
                self.apply(SignalReceived("go", "", DATA))
        else:
            self._obey(step)

    def _obey(self, step: tuple[Any, ...]) -> None:
        before = len(self.records)
        done = self.apply(step[0](*BY, *step[1:]))
        [tally] = [effect for effect in done.effects if isinstance(effect, Tally)]
        if tally.outcome == "refused":
            assert not done.records
            assert not done.frames
            assert len(done.effects) == 1
        else:
            assert any(record.details.get("by") == "ann" for record in self.records[before:])

    def _happen(self, number: int, *, well: bool) -> None:
        """What one of the strands waits for happens."""
        waiting = [f for f in self.memory.frames.values() if _waits(f)]
        if not waiting or self.run.operated.paused is not None:
            return
        frame = waiting[number % len(waiting)]
        hold: Any = frame.hold
        match hold:
            case Work() if well:
                event: Any = TaskSucceeded(frame.id, hold.revision, DATA)
            case Work():
                event = TaskFailed(frame.id, hold.revision, "Broken", None)
            case Listen():
                event = TimerFired(frame.id, hold.revision, "timeout")
            case _:
                event = TimerFired(frame.id, hold.revision, "due")
        if isinstance(hold, Work):
            self.memory.tasks.pop((frame.id, hold.revision))
        else:
            self.memory.timers.pop((frame.id, hold.revision, event.kind), None)
        self.apply(event)


def _waits(frame: Frame) -> bool:
    return isinstance(frame.hold, Work | Delay | Backoff | Listen)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_whatever_is_asked_it_answers_once_and_leaves_nothing_when_it_ends(steps):
    walked = Walked(STATES, [1, 2, 3], TimeoutSeconds=3600)
    for step in steps:
        if walked.run.status == "RUNNING":
            walked.take(step)
    if walked.run.status == "RUNNING":
        walked.take((orders.TerminateRequested,))
    succeeded = walked.run.status == "SUCCEEDED"
    assert walked.run.status != "RUNNING"
    assert walked.memory.left_behind(succeeded=succeeded) == []
    assert [record.id for record in walked.records] == list(range(1, len(walked.records) + 1))
