"""Whatever the machine and however its tasks behave: runs end, leave nothing behind, and ignore what is stale."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.effects import ScheduleTask, Transition
from engine.core.events import (
    DeadlineReached,
    SignalReceived,
    StopRequested,
    TaskFailed,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
)
from engine.core.execution import Execution
from engine.core.limits import Limits
from engine.core.records import render
from engine.core.transition import needs, transition
from engine.documents import Document
from engine.language import read
from engine.rehearsal import Answer, Fail, Given, Rehearsal, Result, Silence, Submit, Succeed

ERRORS = ["States.ALL", "Busy", "States.TaskFailed", "States.Timeout", "States.HeartbeatTimeout"]


class Builder:
    """Draws definitions that the language accepts; every state name is used once."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.count = 0

    def pick(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def scope(self, depth: int) -> dict[str, Any]:
        names = []
        for _ in range(self.pick(1, 2, 3)):
            self.count += 1
            names.append(f"S{self.count}")
        states = {}
        for place, name in enumerate(names):
            following = names[place + 1] if place + 1 < len(names) else None
            states[name] = self.state(depth, following, names)
            if states[name]["Type"] not in {"Succeed", "Fail"} and self.pick(True, False):
                # A name for each level: inner scopes must not set those around them.
                states[name]["Assign"] = {f"v{depth}.$": "$", "n" * (depth + 1): place}
        return {"StartAt": names[0], "States": states}

    def state(self, depth: int, following: str | None, names: list[str]) -> dict[str, Any]:
        kinds = ["Pass", "Task", "Task", "Wait", "Signal", "Callback"]
        if following:
            kinds.append("Choice")
        else:
            kinds += ["Succeed", "Fail"]
        if depth:
            kinds += ["Parallel", "Map", "Map"]
        kind = self.pick(*kinds)
        state = getattr(self, kind.lower())(depth, following, names)
        if kind in {"Choice", "Succeed", "Fail"}:
            return state
        return {**state, **({"Next": following} if following else {"End": True})}

    def caught(self, names: list[str]) -> dict[str, Any]:
        extra: dict[str, Any] = {}
        if self.pick(True, False):
            attempts = self.pick(0, 1, 2)
            extra["Retry"] = [{"ErrorEquals": [self.pick(*ERRORS)], "MaxAttempts": attempts}]
        if self.pick(True, False):
            where = {"ResultPath": "$.error"} if self.pick(True, False) else {}
            error = self.pick(*ERRORS)
            extra["Catch"] = [{"ErrorEquals": [error], "Next": self.pick(*names), **where}]
        return extra

    def pass_(self, *_: Any) -> dict[str, Any]:
        reads = {"Parameters": {"all.$": "States.Array($v2, $$.State.Name)"}}
        return {
            "Type": "Pass",
            **self.pick({}, {"Result": {"a": [1]}}, {"ResultPath": "$.p"}, reads),
        }

    def task(self, _depth: int, _following: Any, names: list[str]) -> dict[str, Any]:
        limit = self.pick({}, {"TimeoutSeconds": 30, "HeartbeatSeconds": 10})
        return {"Type": "Task", "Resource": "activity:work", **limit, **self.caught(names)}

    def callback(self, _depth: int, _following: Any, names: list[str]) -> dict[str, Any]:
        resource = "arn:aws:states:::lambda:invoke.waitForTaskToken"
        parameters = {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}}
        limit = {"Parameters": parameters, "TimeoutSeconds": 60}
        return {"Type": "Task", "Resource": resource, **limit, **self.caught(names)}

    def signal(self, _depth: int, _following: Any, names: list[str]) -> dict[str, Any]:
        limit = {"TimeoutSeconds": 50}
        return {"Type": "Task", "Resource": "signal:go", **limit, **self.caught(names)}

    def wait(self, *_: Any) -> dict[str, Any]:
        return {"Type": "Wait", "Seconds": self.pick(0, 5)}

    def choice(self, _depth: int, following: str, names: list[str]) -> dict[str, Any]:
        variable = self.pick("$.n", "$v2", "$v1.n", "$v0")
        rule = {"Variable": variable, "IsPresent": True, "Next": self.pick(*names)}
        return {"Type": "Choice", "Choices": [rule], "Default": following}

    def succeed(self, *_: Any) -> dict[str, Any]:
        return {"Type": "Succeed"}

    def fail(self, *_: Any) -> dict[str, Any]:
        return {"Type": "Fail", "Error": self.pick("Busy", "Broken"), "Cause": "because"}

    def parallel(self, depth: int, _following: Any, names: list[str]) -> dict[str, Any]:
        branches = [self.scope(depth - 1) for _ in range(self.pick(1, 2, 3))]
        return {"Type": "Parallel", "Branches": branches, **self.caught(names)}

    def map(self, depth: int, _following: Any, names: list[str]) -> dict[str, Any]:
        items = self.pick("none", "few", "many")
        window = self.pick({}, {"MaxConcurrency": 1}, {"MaxConcurrency": 3})
        select = self.pick({}, {"ItemSelector": {"v.$": "$$.Map.Item.Value", "n": 1}})
        path = {"ItemsPath": f"$$.Execution.Input.{items}", "ItemProcessor": self.scope(depth - 1)}
        if self.pick(True, False, False):
            window |= self.distributed(path["ItemProcessor"])
        return {"Type": "Map", **path, **window, **select, **self.caught(names)}

    def distributed(self, processor: dict[str, Any]) -> dict[str, Any]:
        """Let the processor run in executions of its own; what the Map has besides then."""
        kind = self.pick("STANDARD", "EXPRESS")
        processor["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
        batch = {"ItemBatcher": {"MaxItemsPerBatch": 3, "BatchInput": {"x.$": "$.n"}}}
        return self.pick(
            {}, {"ToleratedFailureCount": 1}, {"ToleratedFailurePercentage": 50}, batch
        )


setattr(Builder, "pass", Builder.pass_)

INPUT = {"none": [], "few": [1, 2], "many": list(range(7)), "n": 1}


@st.composite
def definitions(draw: Any) -> dict[str, Any]:
    builder = Builder(draw)
    limit = {"TimeoutSeconds": draw(st.sampled_from([20, 100, 5_000]))}
    return {**builder.scope(2), **limit}


class Checked(Rehearsal):
    """A rehearsal that offers stale events after every transition and sees that they change nothing."""

    def _apply(self, event: Any) -> None:
        super()._apply(event)
        execution = self.execution
        for frame in ("0", "0/0", "0/1/0", "9"):
            for revision in (0, execution.revision + 7):
                for stale in (
                    TaskSucceeded(frame, revision, Document.of(1)),
                    TaskSubmitted(frame, revision, Document.of(1)),
                    TaskFailed(frame, revision, "Late", None),
                    TimerFired(frame, revision, "due"),
                    TimerFired(frame, revision, "timeout"),
                ):
                    loaded = self._load(stale)
                    assert_unchanged(loaded, self.apply_only(loaded, stale))

    def apply_only(self, execution: Execution, event: Any) -> Transition:
        return transition(self.machine, execution, event, self.now_ms, limits=self.limits)


def assert_unchanged(before: Execution, change: Transition) -> None:
    assert change.execution.revision == before.revision + 1
    assert not change.records
    assert not change.frames
    assert not change.values
    assert not change.effects
    after = change.execution
    assert (after.ready, after.signals, after.status) == (
        before.ready,
        before.signals,
        before.status,
    )


def performer(seed: int) -> Any:
    """Answers that depend on the task alone, so that two runs of one machine hear the same."""

    def answer(task: ScheduleTask) -> Answer:
        chance = random.Random(f"{seed} {task.state} {task.frame} {task.attempt}")
        if task.callback:
            then = chance.choice([Succeed(1, 3), Fail("Busy", "no", 2), Silence()])
            return Submit({}, then, 1)
        return chance.choice(
            [
                Succeed({"n": 1}, chance.choice([0, 1, 7_000]), beats_ms=(5_000,)),
                Succeed([1], 2),
                Fail("Busy", "busy", 1),
                Fail("Busy", None, 1, transport=True),
                Fail(None, None),
                Fail("States.Runtime", "fatal"),
                Silence(),
                Silence(taken=False),
            ]
        )

    return answer


def run(kind: type[Rehearsal], definition: Any, seed: int, **more: Any) -> Result:
    machine = read(json.dumps(definition))
    signals = [
        Given(SignalReceived("go", str(number), Document.of({"n": number})), number * 40_000)
        for number in range(3)
    ]
    return kind(machine, INPUT, answers=performer(seed), given=signals, **more).run()


@settings(max_examples=150, deadline=None)
@given(definitions(), st.integers(0, 1000))
def test_every_run_ends_and_leaves_nothing_behind(definition: Any, seed: int) -> None:
    result = run(Rehearsal, definition, seed, limits=Limits(records_max=400))
    assert result.status != "RUNNING"
    assert result.left_behind == []
    assert [record.id for record in result.records] == list(range(1, len(result.records) + 1))
    assert result.records[-1].type.startswith("Execution")
    assert len(result.records) <= 400


@settings(max_examples=60, deadline=None)
@given(definitions(), st.integers(0, 1000))
def test_a_run_whose_frames_are_always_reloaded_is_the_same_run(definition: Any, seed: int) -> None:
    limits = Limits(records_max=300)
    warm = run(Rehearsal, definition, seed, limits=limits)
    cold = run(Rehearsal, definition, seed, limits=limits, evict=True)
    assert cold.left_behind == []
    assert [render(record) for record in cold.records] == [
        render(record) for record in warm.records
    ]


@settings(max_examples=40, deadline=None)
@given(definitions(), st.integers(0, 1000))
def test_a_stale_event_changes_nothing(definition: Any, seed: int) -> None:
    result = run(Checked, definition, seed, limits=Limits(records_max=200))
    assert result.status != "RUNNING"


class Weighed(Rehearsal):
    """A rehearsal that weighs the variables after every transition."""

    def _apply(self, event: Any) -> None:
        super()._apply(event)
        frames = [self.memory.frame(name) for name in self.memory.frames]
        sizes = {
            f"a:{frame.id}:{name}": size
            for frame in frames
            for name, size in frame.variables.items()
        }
        kept = {key: len(v.text) for key, v in self.memory.values.items() if key.startswith("a:")}
        assert kept == sizes
        assert self.execution.variables_bytes == sum(sizes.values())


@settings(max_examples=60, deadline=None)
@given(definitions(), st.integers(0, 1000))
def test_what_variables_weigh_is_known_and_they_go_with_their_scope(
    definition: Any, seed: int
) -> None:
    run(Weighed, definition, seed, limits=Limits(records_max=200), evict=True)


@settings(max_examples=60, deadline=None)
@given(definitions(), st.integers(0, 1000), st.integers(0, 60))
def test_a_stop_at_any_moment_closes_the_execution(
    definition: Any, seed: int, seconds: int
) -> None:
    machine = read(json.dumps(definition))
    stop = Given(StopRequested("Stopped", "by hand"), seconds * 1000)
    result = Rehearsal(
        machine, INPUT, answers=performer(seed), given=[stop], limits=Limits(records_max=400)
    ).run()
    assert result.status != "RUNNING"
    assert result.left_behind == []


@settings(max_examples=40, deadline=None)
@given(definitions(), st.integers(0, 1000))
def test_nothing_follows_the_end(definition: Any, seed: int) -> None:
    rehearsal = Rehearsal(
        read(json.dumps(definition)), INPUT, answers=performer(seed), limits=Limits(records_max=200)
    )
    ended = rehearsal.run().execution
    for late in (
        StopRequested(),
        DeadlineReached(),
        SignalReceived("go", "late", Document.of(1)),
        TaskSucceeded("0", ended.revision, Document.of(1)),
    ):
        if ended.status != "RUNNING":
            assert not needs(rehearsal.machine, ended, late)
            assert_unchanged(ended, transition(rehearsal.machine, ended, late, rehearsal.now_ms))
