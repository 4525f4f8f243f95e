"""A distributed Map and its Map Run, one transition after the other: what is asked, told, taken back and begun again."""

from __future__ import annotations

import pytest
from core.machines import JSON, machine, mapped, scope
from msgspec import convert, structs

from engine.core import orders
from engine.core.effects import CancelTask, ReturnTask, ScheduleTask, StopMapRun, Tally, Transition
from engine.core.events import (
    Advance,
    Begin,
    Event,
    Hand,
    MigrateRequested,
    StopRequested,
    TaskFailed,
    TaskSucceeded,
)
from engine.core.execution import ROOT, Execution, Names, Work
from engine.core.states.distributed.spec import MAPS_QUEUE, MapRunSpec
from engine.core.transition import needs, transition
from engine.documents import Document
from engine.language.machine import Machine

DISTRIBUTED = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
START_MS = 1_767_225_600_000


def distributed(**more: object) -> JSON:
    processor = scope(P={"Type": "Succeed"}) | {"ProcessorConfig": DISTRIBUTED}
    return mapped(processor, **more)


class Run:
    """One execution, all of it loaded."""

    def __init__(self, of: Machine, given: object, names: Names | None = None) -> None:
        self.machine = of
        self.target: Machine | None = None
        self.now_ms = START_MS
        self.records: list[tuple[str, int]] = []
        self.last: Transition
        document = Document.of(given)
        self.execution = Execution(
            "d:run", "d", "run", 1, b"seed", START_MS, input=document, names=names
        )
        self.apply(Begin())

    def apply(self, event: Event) -> Transition:
        while wanted := needs(self.machine, self.execution, event):
            values = dict.fromkeys(wanted.values) | dict(self.execution.values)
            frames = dict.fromkeys(wanted.frames) | dict(self.execution.frames)
            leases = dict.fromkeys(wanted.leases) | dict(self.execution.leases)
            self.execution = structs.replace(
                self.execution, values=values, frames=frames, leases=leases
            )
        self.last = transition(self.machine, self.execution, event, self.now_ms, target=self.target)
        self.execution = self.last.execution
        self.records += [(record.type, record.previous) for record in self.last.records]
        return self.last

    @property
    def hold(self) -> Work:
        frame = self.execution.frames[ROOT]
        assert frame is not None
        assert isinstance(frame.hold, Work)
        return frame.hold

    def asked(self) -> tuple[ScheduleTask, MapRunSpec]:
        (task,) = (e for e in self.last.effects if isinstance(e, ScheduleTask))
        return task, convert(task.input.value, MapRunSpec)

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.records]

    def redrive(self, data: Document | None = None) -> None:
        """What the store does before the order is applied, and the step that follows it."""
        self.execution = structs.replace(self.execution, status="RUNNING")
        self.apply(orders.RedriveRequested("ada", None, "", data))
        self.go_on()

    def go_on(self) -> None:
        self.apply(Advance(self.execution.ready[0]))


def test_the_run_is_a_task_that_says_who_asks_and_for_what():
    run = Run(machine({"M": distributed(MaxConcurrency=7, ToleratedFailurePercentage=2.5)}), [4])
    task, spec = run.asked()
    assert (task.queue, task.uri, task.state) == (MAPS_QUEUE, "detent:map-run", "M")
    assert (spec.parent, spec.definition, spec.version, spec.depth) == ("d:run", "d", 1, 1)
    assert (spec.items, spec.concurrency_max, spec.tolerated_percentage) == ([4], 7, 2.5)
    assert (spec.label, spec.execution_type, spec.redrives) == ("M", "STANDARD", 0)
    assert run.hold.map_run == spec.run
    assert run.hold.revision == task.revision


def test_the_same_transition_decided_twice_asks_for_the_same_run():
    of = machine({"M": distributed()})
    assert Run(of, [1]).asked() == Run(of, [1]).asked()


def test_a_run_of_an_execution_that_goes_by_arns_has_one():
    place = "arn:aws:states:eu-west-1:000000000123"
    names = Names(f"{place}:execution:d:run", f"{place}:stateMachine:d", "d", "role")
    run = Run(machine({"M": distributed(Label="each")}), [1], names)
    _, spec = run.asked()
    (told,) = (r.details for r in run.last.records if r.type == "MapRunStarted")
    assert told == {"mapRunArn": f"{place}:mapRun:d/each:{spec.run}"}
    assert spec.names == names


@pytest.mark.parametrize(
    ("selector", "kept"),
    [
        ({"v.$": "$$.Map.Item.Value"}, {}),
        ({"v.$": "$.a"}, {"input": {"a": 1, "items": [1]}}),
        ({"n.$": "$$.StateMachine.Name"}, {"context": {"StateMachine": {"Id": "d", "Name": "d", "DefinitionVersion": 1}}}),
    ],
)  # fmt: skip
def test_only_what_the_selector_reads_goes_with_the_run(selector, kept):
    of = machine({"M": distributed(ItemsPath="$.items", ItemSelector=selector)})
    _, spec = Run(of, {"a": 1, "items": [1]}).asked()
    assert spec.selecting == kept


def test_a_run_without_a_selector_takes_nothing_with_it():
    assert Run(machine({"M": distributed()}), [1]).asked()[1].selecting is None


def test_an_outcome_that_is_reported_twice_counts_once():
    run = Run(machine({"M": distributed()}), [1])
    revision = run.hold.revision
    run.apply(TaskSucceeded(ROOT, revision, Document.of([1])))
    assert run.execution.status == "SUCCEEDED"
    before = run.execution
    assert run.apply(TaskFailed(ROOT, revision, "Late", None)).records == ()
    assert run.execution.status == before.status


def test_an_output_over_the_payload_limit_fails_the_run():
    run = Run(machine({"M": distributed()}), [1])
    run.apply(TaskSucceeded(ROOT, run.hold.revision, Document.of("x" * 300_000)))
    assert run.execution.error == "States.DataLimitExceeded"
    assert run.kinds()[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]


def test_a_runtime_error_in_the_run_says_where_and_ends_the_execution():
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "C"}]
    states = {"M": distributed(Catch=caught), "C": {"Type": "Succeed"}}
    run = Run(machine(states), [1])
    run.apply(TaskFailed(ROOT, run.hold.revision, "States.Runtime", "No such path."))
    assert run.execution.cause == (
        "An error occurred while executing the state 'M' (entered at the event id #2). No such path."
    )
    assert run.kinds()[-2:] == ["MapRunFailed", "ExecutionFailed"]


def stops(change: Transition) -> list[StopMapRun]:
    return [effect for effect in change.effects if isinstance(effect, StopMapRun)]


@pytest.mark.parametrize(
    "event",
    [
        StopRequested(),
        orders.TerminateRequested("ada", None, ""),
        orders.CancelRequested("ada", None, ""),
        orders.SkipRequested("ada", None, "", ROOT, Document.of(7), "C"),
        orders.GotoRequested("ada", None, "", ROOT, "C", None),
    ],
    ids=lambda event: type(event).__name__,
)
def test_whatever_ends_the_wait_stops_the_run_and_takes_its_task_back(event):
    states = {
        "M": distributed(Label="each") | {"End": False, "Next": "C"},
        "C": {"Type": "Succeed"},
    }
    run = Run(machine(states), [1])
    _, spec = run.asked()
    revision = run.hold.revision
    change = run.apply(event)
    assert stops(change) == [StopMapRun(ROOT, revision, spec.run, "d~each")]
    assert CancelTask(ROOT, revision, MAPS_QUEUE) in change.effects


def test_a_run_that_is_settled_by_hand_is_stopped_and_its_outcome_is_what_was_given():
    run = Run(machine({"M": distributed()}), [1])
    hand = Hand("ada", "enough")
    change = run.apply(TaskSucceeded(ROOT, run.hold.revision, Document.of(["x"]), hand=hand))
    assert len(stops(change)) == 1
    assert run.execution.output == Document.of(["x"])
    assert run.kinds()[-5:] == [
        "TaskSettledByHand",
        "MapRunAborted",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]


def test_a_run_that_is_failed_by_hand_fails_the_state_as_was_said():
    run = Run(machine({"M": distributed()}), [1])
    hand = Hand("ada", None)
    change = run.apply(TaskFailed(ROOT, run.hold.revision, "Given.Up", "no use", hand=hand))
    assert len(stops(change)) == 1
    assert (run.execution.error, run.execution.cause) == ("Given.Up", "no use")
    assert run.kinds()[-4:] == [
        "TaskSettledByHand",
        "MapRunAborted",
        "MapStateFailed",
        "ExecutionFailed",
    ]


def test_a_pause_keeps_the_run_and_the_resumption_gives_its_task_back():
    run = Run(machine({"M": distributed()}), [1])
    revision = run.hold.revision
    run.apply(orders.PauseRequested("ada", None, ""))
    change = run.apply(orders.ResumeRequested("ada", None, ""))
    assert stops(change) == []
    (returned,) = (e for e in change.effects if isinstance(e, ReturnTask))
    assert (returned.revision, returned.queue) == (revision, MAPS_QUEUE)


def test_there_is_no_next_attempt_to_hasten_while_the_run_is_out():
    run = Run(machine({"M": distributed()}), [1])
    change = run.apply(orders.RetryRequested("ada", None, "op", ROOT))
    assert change.effects == (Tally("op", "refused", "no_backoff"),)


# Redrive


def failed_run(**more: object) -> tuple[Run, MapRunSpec]:
    run = Run(machine({"M": distributed(**more)}), [1, 2])
    _, spec = run.asked()
    run.apply(TaskFailed(ROOT, run.hold.revision, "States.ExceedToleratedFailureThreshold", "x"))
    assert run.execution.status == "FAILED"
    return run, spec


def test_a_redrive_goes_on_with_the_same_run():
    run, spec = failed_run()
    run.redrive()
    _, again = run.asked()
    assert again == structs.replace(spec, redrives=1)
    assert run.kinds()[-2:] == ["ExecutionRedriven", "MapRunRedriven"]
    told = run.last.records[-1].details
    assert told == {"mapRunArn": f"d~M:{spec.run}", "redriveCount": 1}
    redriven = run.execution.last_record
    run.apply(TaskSucceeded(ROOT, run.hold.revision, Document.of([1, 2])))
    assert run.kinds()[-4:] == [
        "MapRunSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]
    assert run.records[-2] == ("MapStateExited", redriven)


def test_each_redrive_counts():
    run, spec = failed_run()
    for count in (1, 2):
        run.redrive()
        _, again = run.asked()
        assert (again.run, again.redrives) == (spec.run, count)
        run.apply(TaskFailed(ROOT, run.hold.revision, "States.ItemReaderFailed", None))


def test_a_redrive_of_a_stopped_execution_goes_on_with_its_run():
    run = Run(machine({"M": distributed()}), [1])
    _, spec = run.asked()
    run.apply(StopRequested())
    run.redrive()
    assert run.asked()[1].run == spec.run


def test_a_redrive_with_other_data_begins_another_run():
    run, spec = failed_run()
    run.redrive(Document.of([3]))
    _, again = run.asked()
    assert again.run != spec.run
    assert (again.items, again.redrives) == ([3], 0)
    assert run.kinds()[-3:] == ["ExecutionRedriven", "MapStateStarted", "MapRunStarted"]


def test_a_redrive_on_a_version_with_another_label_begins_another_run():
    run, spec = failed_run(Label="old")
    run.machine = machine({"M": distributed(Label="new")})
    run.redrive()
    _, again = run.asked()
    assert again.run != spec.run
    assert (again.label, again.redrives) == ("new", 0)
    assert run.kinds()[-3:] == ["ExecutionRedriven", "MapStateStarted", "MapRunStarted"]


def test_a_redrive_on_a_version_that_makes_other_batches_begins_another_run():
    run, spec = failed_run(ItemBatcher={"MaxItemsPerBatch": 2})
    run.machine = machine({"M": distributed(ItemBatcher={"MaxItemsPerBatch": 1})})
    run.redrive()
    assert run.asked()[1].run != spec.run


def test_a_redrive_on_a_version_with_another_processor_goes_on_with_the_run():
    run, spec = failed_run()
    other = scope(Q={"Type": "Pass", "End": True}) | {"ProcessorConfig": DISTRIBUTED}
    run.machine = machine({"M": mapped(other, ToleratedFailureCount=1)})
    run.redrive()
    _, again = run.asked()
    assert (again.run, again.redrives, again.tolerated_count) == (spec.run, 1, 1)


def test_what_fails_after_the_run_has_succeeded_begins_another_at_the_redrive():
    run = Run(machine({"M": distributed(ResultSelector={"x.$": "$.none"})}), [1])
    _, spec = run.asked()
    run.apply(TaskSucceeded(ROOT, run.hold.revision, Document.of([1])))
    assert run.execution.status == "FAILED"
    run.redrive()
    assert run.asked()[1].run != spec.run


# Other versions


def migrated(old: JSON, new: JSON, *named: str) -> Run:
    """An execution that was told to move; the caller's mapping names these states."""
    run = Run(machine(old), [1])
    run.target = machine(new)
    mapping = {name: name for name in named}
    run.apply(MigrateRequested(2, mapping, frozenset(named), "ada"))
    run.machine = run.target if run.execution.version == 2 else run.machine
    return run


def test_a_run_that_is_out_moves_with_its_state_whatever_the_new_processor_is():
    other = scope(Q={"Type": "Pass", "End": True}) | {"ProcessorConfig": DISTRIBUTED}
    new = {"M": mapped(other, ResultSelector={"all.$": "$"}, Label="other")}
    run = migrated({"M": distributed()}, new)
    assert run.execution.version == 2
    assert stops(run.last) == []
    run.apply(TaskSucceeded(ROOT, run.hold.revision, Document.of([1])))
    assert run.execution.output == Document.of({"all": [1]})


def test_a_distributed_map_does_not_move_to_an_inline_one():
    run = migrated({"M": distributed()}, {"M": mapped(scope(P={"Type": "Succeed"}))})
    assert run.execution.version == 1
    assert run.hold.map_run


def test_a_mapping_that_names_the_state_gives_the_run_up():
    new = {"M": mapped(scope(P={"Type": "Succeed"}))}
    run = migrated({"M": distributed()}, new, "M")
    assert run.execution.version == 2
    assert [stop.processor for stop in stops(run.last)] == ["d~M"]


def test_a_run_under_an_old_label_is_stopped_under_that_label():
    run = migrated({"M": distributed(Label="old")}, {"M": distributed(Label="new")})
    assert [stop.processor for stop in stops(run.apply(StopRequested()))] == ["d~old"]
