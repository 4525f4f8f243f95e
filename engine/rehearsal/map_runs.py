"""Map Runs in a rehearsal: the children of a distributed Map, as runs of the same family.

As many at once as MaxConcurrency allows, or an inline Map would run. What they come to is gathered in the order of the
items. Datasets are given to the rehearsal, and nothing is written.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import convert, structs

from engine.arns import place_of
from engine.core.effects import ScheduleTask
from engine.core.entropy import SeededEntropy, derive
from engine.core.failures import Failure
from engine.core.states.distributed.batching import Batching, Child, children
from engine.core.states.distributed.naming import map_run_name
from engine.core.states.distributed.selecting import Item, Selecting
from engine.core.states.distributed.spec import MapRunSpec, processor_of
from engine.core.states.distributed.tolerance import EXCEEDED, is_exceeded
from engine.core.states.nested import Start
from engine.documents import Document
from engine.language.expressions.scope import ExpressionError
from engine.rehearsal.datasets import Datasets, GivenBuckets
from engine.rehearsal.memory import TaskKey
from engine.tasks.datasets.faults import ITEMS_MAX_NEGATIVE, ItemReaderFailed
from engine.tasks.datasets.reading import Reading
from engine.tasks.datasets.results import ChildResult, output_of

if TYPE_CHECKING:
    from engine.rehearsal.rehearsal import Rehearsal


class PlayedMapRun:
    """One Map Run: its children as they come, and in `outcome` what it comes to.

    `before` is the same run before it was redriven: what has succeeded in it is not run again.
    """

    def __init__(
        self,
        run: Rehearsal,
        task: ScheduleTask,
        datasets: Datasets,
        before: PlayedMapRun | None,
    ) -> None:
        self.run = run
        self.task: TaskKey = (task.frame, task.revision)
        self.spec = convert(task.input.value, MapRunSpec)
        self.outcome: Document | Failure | None = None
        self._datasets = datasets
        self._machine = run.machine.processors[self.spec.label]
        self.results: dict[int, ChildResult] = {}  # by the child's index
        if before is not None:
            self.results = {i: r for i, r in before.results.items() if r.status == "SUCCEEDED"}
        self._children = self._made()
        self._out: dict[str, tuple[Child, Rehearsal]] = {}
        self.is_told = False
        self._failed = self._items_made = 0
        self._has_all = False

    @property
    def out(self) -> frozenset[str]:
        """The ids of the children that have not closed."""
        return frozenset(self._out)

    def go_on(self) -> list[Rehearsal]:
        """The children to be started now."""
        started = []
        width = self.spec.concurrency_max or self.run.limits.map_window
        try:
            while self.outcome is None and not self._has_all and len(self._out) < width:
                child = next(self._children, None)
                if child is None:
                    self._has_all = True
                    continue
                self._items_made += child.count
                if child.index in self.results:
                    continue
                if isinstance(child.input, Failure):
                    self.results[child.index] = self._refused(child, child.input)
                    self._count_failed(child)
                else:
                    started.append(self._start(child, child.input))
        except ExpressionError as error:
            self.outcome = Failure(error.error, error.cause)
        except ItemReaderFailed as error:
            self.outcome = Failure(error.error, error.cause)
        if self.outcome is None and self._has_all and not self._out:
            self.outcome = self._results()
        return started

    def stop(self) -> list[Rehearsal]:
        """The children that are to be stopped; what becomes of them counts no more."""
        left = [run for _, run in self._out.values()]
        self._out.clear()
        return left

    def ended(self, child: Rehearsal) -> None:
        """One of the children has closed."""
        made, _ = self._out.pop(child.execution.id)
        self.results[made.index] = _result(child)
        if child.execution.status != "SUCCEEDED":
            self._count_failed(made)

    def _made(self) -> Iterator[Child]:
        seed = derive(self.run.execution.seed, "map", self.spec.run)
        selecting = Selecting(self.run.machine, self.spec, seed)
        return children(selecting, Batching(self.spec, self.run.limits), self._items())

    def _items(self) -> Iterator[Item]:
        reader = self.spec.reader
        most = None if reader is None else reader.items_max
        if most is not None and most < 0:
            raise ItemReaderFailed(ITEMS_MAX_NEGATIVE)
        found = itertools.islice(Reading(self.spec, GivenBuckets(self._datasets)).entries(), most)
        for index, (entry, source) in enumerate(found):
            yield Item(index, entry.value, entry.key, source)

    def _start(self, child: Child, given: Document) -> Rehearsal:
        spec = self.spec
        definition = processor_of(spec.definition, spec.label)
        start = Start(definition, str(spec.version), self._name(child), given, definition)
        made = self.run.beget(self._machine, start, spec.execution_type)
        place = place_of(spec.names)
        names = (
            None if place is None or spec.names is None else place.names(start.id, spec.names.role)
        )
        made.execution = structs.replace(made.execution, version=spec.version, names=names)
        self._out[start.id] = child, made
        return made

    def _name(self, child: Child) -> str:
        seed = derive(self.run.execution.seed, "child", self.spec.run)
        return SeededEntropy(seed, child.index).uuid()

    def _refused(self, child: Child, failure: Failure) -> ChildResult:
        """What is told of a child that could not be started."""
        spec, name = self.spec, self._name(child)
        processor = processor_of(spec.definition, spec.label)
        place, identifier = place_of(spec.names), f"{processor}:{name}"
        return ChildResult(
            execution_arn=identifier if place is None else place.execution(identifier),
            name=name,
            state_machine_arn=processor if place is None else place.machine(processor),
            status="FAILED",
            input=None,
            error=failure.error,
            cause=failure.cause,
            stopped_ms=self.run.now_ms,
        )

    def _count_failed(self, child: Child) -> None:
        self._failed += child.count
        items = self.spec.items
        if self._is_exceeded(None if items is None else len(items)):
            self.outcome = EXCEEDED

    def _is_exceeded(self, total: int | None) -> bool:
        spec = self.spec
        return is_exceeded(spec.tolerated_count, spec.tolerated_percentage, self._failed, total)

    def _results(self) -> Document | Failure:
        """What the run gives: all results in the order of the children, or where they would have been written."""
        if self._is_exceeded(self._items_made):
            return EXCEEDED
        spec = self.spec
        if spec.writer is not None and spec.writer.bucket is not None:
            name = map_run_name(spec.names, spec.definition, spec.label, spec.run)
            folder = "/".join(part for part in (spec.writer.prefix.strip("/"), spec.run) if part)
            details = {"Bucket": spec.writer.bucket, "Key": f"{folder}/manifest.json"}
            return Document.of({"MapRunArn": name, "ResultWriterDetails": details})
        return output_of((self.results[index] for index in sorted(self.results)), spec.writer)


def _result(child: Rehearsal) -> ChildResult:
    """All that is known of a child that has closed."""
    execution, names = child.execution, child.execution.names
    assert execution.status != "RUNNING"
    return ChildResult(
        execution_arn=execution.id if names is None else names.execution,
        name=execution.name,
        state_machine_arn=execution.definition if names is None else names.machine,
        status=execution.status,
        input=child.input,
        output=execution.output,
        error=execution.error,
        cause=execution.cause,
        started_ms=execution.started_ms,
        stopped_ms=child.now_ms,
    )
