"""Map Runs in a rehearsal: the children of a distributed Map, as runs of the same family.

As many at once as MaxConcurrency allows, or an inline Map would run. What they come to is gathered in the order of the
items. Datasets are given to the rehearsal; nothing is read, and nothing is written.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import convert, structs

from engine.arns import place_of
from engine.core.effects import ScheduleTask
from engine.core.entropy import SeededEntropy, derive
from engine.core.failures import Failure
from engine.core.states.distributed.batching import Batching, Child, children
from engine.core.states.distributed.selecting import STATE_DATA, Item, Selecting
from engine.core.states.distributed.spec import MapRunSpec, processor_of
from engine.core.states.distributed.tolerance import EXCEEDED, is_exceeded
from engine.core.states.nested import Start
from engine.documents import Document
from engine.language.expressions.scope import ExpressionError
from engine.rehearsal.memory import TaskKey

if TYPE_CHECKING:
    from engine.rehearsal.rehearsal import Rehearsal

Datasets = Mapping[
    tuple[str, str], Any
]  # (bucket, key) -> the items of that object, as a JSON value

READER_FAILED = "States.ItemReaderFailed"


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
        self.outputs: dict[int, Document] = {} if before is None else dict(before.outputs)
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
                if child.index in self.outputs:
                    continue
                if isinstance(child.input, Failure):
                    self._count_failed(child)
                else:
                    started.append(self._start(child, child.input))
        except ExpressionError as error:
            self.outcome = Failure(error.error, error.cause)
        except _Unreadable as error:
            self.outcome = Failure(READER_FAILED, str(error))
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
        output = child.execution.output
        if child.execution.status == "SUCCEEDED" and output is not None:
            self.outputs[made.index] = output
        else:
            self._count_failed(made)

    def _made(self) -> Iterator[Child]:
        seed = derive(self.run.execution.seed, "map", self.spec.run)
        selecting = Selecting(self.run.machine, self.spec, seed)
        return children(selecting, Batching(self.spec, self.run.limits), self._items())

    def _items(self) -> Iterator[Item]:
        reader = self.spec.reader
        if reader is None:
            yield from entries(self.spec.items, STATE_DATA)
            return
        if reader.items_max is not None and reader.items_max < 0:
            raise _Unreadable("field MaxItems must be positive")
        bucket, key = reader.parameters.get("Bucket", ""), reader.parameters.get("Key", "")
        found = self._datasets.get((bucket, key))
        if not isinstance(found, list | dict):
            raise _Unreadable("Attempting to map over non-iterable node.")
        yield from itertools.islice(entries(found, f"s3://{bucket}/{key}"), reader.items_max)

    def _start(self, child: Child, given: Document) -> Rehearsal:
        spec = self.spec
        definition = processor_of(spec.definition, spec.label)
        name = SeededEntropy(derive(self.run.execution.seed, "child", spec.run), child.index).uuid()
        start = Start(definition, str(spec.version), name, given, definition)
        made = self.run.beget(self._machine, start, spec.execution_type)
        place = place_of(spec.names)
        names = (
            None if place is None or spec.names is None else place.names(start.id, spec.names.role)
        )
        made.execution = structs.replace(made.execution, version=spec.version, names=names)
        self._out[start.id] = child, made
        return made

    def _count_failed(self, child: Child) -> None:
        self._failed += child.count
        items = self.spec.items
        if self._is_exceeded(None if items is None else len(items)):
            self.outcome = EXCEEDED

    def _is_exceeded(self, total: int | None) -> bool:
        spec = self.spec
        return is_exceeded(spec.tolerated_count, spec.tolerated_percentage, self._failed, total)

    def _results(self) -> Document | Failure:
        """The outputs of the children that have succeeded."""
        if self._is_exceeded(self._items_made):
            return EXCEEDED
        return Document.of([self.outputs[index].value for index in sorted(self.outputs)])


def entries(items: Any, source: str) -> Iterator[Item]:
    """The items of an array, or of an object: its entries."""
    if isinstance(items, dict):
        for index, (key, value) in enumerate(items.items()):
            yield Item(index, value, key, source)
    else:
        for index, value in enumerate(items):
            yield Item(index, value, None, source)


class _Unreadable(Exception):
    """The dataset cannot be read; the text is the cause."""
