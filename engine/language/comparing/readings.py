"""What one state reads of its data, and what it hands on, as far as that can be told before it runs.

The order of the fields is `engine.core.dataflow`'s. Variables, the Context Object, results and error outputs are left
out: they are no part of the data that a state is entered with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.language.comparing.knowledge import UNKNOWN, can_have, can_hold, placed, put, selected
from engine.language.comparing.ways import starts_of
from engine.language.expressions.jsonata import Expression
from engine.language.expressions.paths import Path
from engine.language.expressions.scope import Reader
from engine.language.expressions.templates import Template
from engine.language.machine import Choice, Fail, Map, Parallel, Pass, State, StateType, Task

# Fields that are evaluated before the work of a state, by their names in `machine` and in the definition.
_BEFORE = {
    "parameters": "Parameters",
    "timeout_seconds": "TimeoutSecondsPath",
    "heartbeat_seconds": "HeartbeatSecondsPath",
    "items_path": "ItemsPath",
    "concurrency_max": "MaxConcurrencyPath",
    "item_selector": "ItemSelector",
    "seconds": "SecondsPath",
    "timestamp": "TimestampPath",
}
_BEFORE_JSONATA = {
    "parameters": "Arguments",
    "timeout_seconds": "TimeoutSeconds",
    "heartbeat_seconds": "HeartbeatSeconds",
    "items": "Items",
    "concurrency_max": "MaxConcurrency",
    "item_selector": "ItemSelector",
    "seconds": "Seconds",
    "timestamp": "Timestamp",
    "error": "Error",
    "cause": "Cause",
}
# States whose work takes its time; all others are entered and left at once.
_WORKING: frozenset[StateType] = frozenset({"Task", "Wait", "Parallel", "Map"})
# Where one of these stands, a path that finds nothing may be meant to.
_TOLERANT = frozenset({"exists", "append", "merge", "count", "boolean", "not", "type", "lookup"})
_TOLERANT_TEXT = re.compile(r"\?|\b(?:and|or|in)\b|!?=|[<>]|&")


class Reading:
    """One visit of a state with this data. `missing` are field and path of what it reads in vain; `led` says where to, with what.

    With `entered`, the state's work has begun already: only what is evaluated after it counts.
    """

    def __init__(self, state: State, raw: Any, *, entered: bool = False) -> None:
        self.state = state
        self.raw = raw
        self.entered = entered and state.type in _WORKING
        self.missing: list[tuple[str, str]] = []
        self.led: list[tuple[str, Any]] = []
        if state.query_language == "JSONata":
            self._jsonata()
        else:
            self._jsonpath()

    # JSONPath

    def _jsonpath(self) -> None:
        state = self.state
        if isinstance(state, Fail):
            self._read("ErrorPath", state.error, self.raw)
            self._read("CausePath", state.cause, self.raw)
            return
        if self._selects():
            self._read("InputPath", state.input_path, self.raw)
        seen = selected(state.input_path, self.raw)
        if not self.entered:
            for field, read in _fields_before(state, _BEFORE):
                self._read(field, read, seen)
        match state:
            case Task() | Parallel() | Map():
                self._divide(seen)
                self._catch()
                self._leave(placed(state.result_path, self.raw))
            case Pass():
                is_new = state.parameters is not None or state.result is not None
                result = UNKNOWN if is_new else seen
                self._read("Assign", state.assign, result)
                self._leave(placed(state.result_path, self.raw, result))
            case Choice():
                self._choose(state, seen)
            case _:
                self._read("Assign", state.assign, seen)
                self._leave(seen)

    def _selects(self) -> bool:
        """Whether InputPath is still to be evaluated: once for a result, but again when a Wait is over."""
        state = self.state
        if isinstance(state, Pass):
            return state.result is None or state.parameters is not None
        return not (self.entered and isinstance(state, Task | Parallel | Map))

    def _choose(self, state: Choice, seen: Any) -> None:
        """What a rule tests the presence of may be there or not, here and in what follows."""
        for rule in state.rules:
            for path in rule.condition.tested:
                if path.root == "$":
                    seen = put(seen, path.steps)
        for number, rule in enumerate(state.rules):
            for read in rule.condition.paths:
                self._read(f"Choices[{number}]", read, seen)
            self._read(f"Choices[{number}]/Assign", rule.assign, seen)
        self._read("Assign", state.assign, seen)
        self._leave(seen)

    def _leave(self, output: Any) -> None:
        self._read("OutputPath", self.state.output_path, output)
        self._lead(selected(self.state.output_path, output))

    def _read(self, field: str, read: Any, value: Any) -> None:
        """Note the paths of a field that find nothing. What is no path, nor a template, reads nothing."""
        for path in _readers(read):
            if isinstance(path, Path) and path.root == "$" and not can_hold(value, path.steps):
                self.missing.append((field, path.text))

    # JSONata

    def _jsonata(self) -> None:
        state = self.state
        if not self.entered:
            for field, read in _fields_before(state, _BEFORE_JSONATA):
                self._evaluate(field, read)
        if isinstance(state, Choice):
            self._choose_jsonata(state)
        self._evaluate("Output", state.output)
        self._evaluate("Assign", state.assign)
        if isinstance(state, Task | Parallel | Map):
            self._divide(self.raw)
            self._catch()
            self._lead(UNKNOWN)
        elif not isinstance(state, Choice):
            self._lead(self.raw if state.output is None else UNKNOWN)

    def _choose_jsonata(self, state: Choice) -> None:
        """What a Condition reads may be there or not, here and in what follows: nothing compares as well as something."""
        for rule in state.rules:
            for names in _inputs(rule.condition.paths):
                self.raw = put(self.raw, names)
        for number, rule in enumerate(state.rules):
            self._evaluate(f"Choices[{number}]/Output", rule.output)
            self._evaluate(f"Choices[{number}]/Assign", rule.assign)
            self.led.append((rule.next, self.raw if rule.output is None else UNKNOWN))
        if state.default is not None:
            self.led.append((state.default, self.raw if state.output is None else UNKNOWN))

    def _evaluate(self, field: str, template: Any) -> None:
        for expression in _readers(template):
            if not isinstance(expression, Expression) or _is_tolerant(expression):
                continue
            for names in _inputs([expression]):
                if not can_have(self.raw, names):
                    self.missing.append((field, ".".join(("$states.input", *names))))

    # Both

    def _divide(self, seen: Any) -> None:
        """What the branches begin with. An iteration begins with an item, of which nothing is told."""
        state = self.state
        if self.entered or not isinstance(state, Parallel | Map):
            return
        is_known = isinstance(state, Parallel) and state.parameters is None
        self.led.extend((start, seen if is_known else UNKNOWN) for start in starts_of(state))

    def _catch(self) -> None:
        state = self.state
        if not isinstance(state, Task | Parallel | Map):
            return
        for number, catcher in enumerate(state.catch):
            self._evaluate(f"Catch[{number}]/Output", catcher.output)
            if state.query_language == "JSONata":
                self._evaluate(f"Catch[{number}]/Assign", catcher.assign)
                self.led.append((catcher.next, UNKNOWN))
            else:
                self.led.append((catcher.next, placed(catcher.result_path, self.raw)))

    def _lead(self, output: Any) -> None:
        state = self.state
        if isinstance(state, Choice):
            self.led.extend((rule.next, output) for rule in state.rules)
            if state.default is not None:
                self.led.append((state.default, output))
        elif state.next is not None:
            self.led.append((state.next, output))


def _fields_before(state: State, names: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """What is evaluated before the state's work, each with the name of its field."""
    distributed = state.distributed if isinstance(state, Map) else None
    for name, field in names.items():
        # The items are the reader's where there is one.
        if name == "items_path" and distributed is not None and distributed.reader is not None:
            continue
        yield field, getattr(state, name, None)
    if distributed is None:
        return
    path = "" if state.query_language == "JSONata" else "Path"
    arguments = "Parameters" if path else "Arguments"
    yield f"ToleratedFailureCount{path}", distributed.tolerated_count
    yield f"ToleratedFailurePercentage{path}", distributed.tolerated_percentage
    if distributed.reader is not None:
        yield f"ItemReader/{arguments}", distributed.reader.parameters
        yield f"ItemReader/ReaderConfig/MaxItems{path}", distributed.reader.items_max
    if distributed.batcher is not None:
        yield f"ItemBatcher/MaxItemsPerBatch{path}", distributed.batcher.items_max
        yield f"ItemBatcher/MaxInputBytesPerBatch{path}", distributed.batcher.bytes_max
        yield "ItemBatcher/BatchInput", distributed.batcher.input
    if distributed.writer is not None:
        yield f"ResultWriter/{arguments}", distributed.writer.parameters


def _readers(read: Any) -> Iterable[Reader]:
    if isinstance(read, Template):
        return read.paths
    return (read,) if isinstance(read, Path) else ()


def _inputs(readers: Iterable[Reader]) -> Iterable[tuple[str, ...]]:
    """The names behind `$states.input`, sorted, so that reports come in one order."""
    for reader in readers:
        if isinstance(reader, Expression):
            read = reader.findings.states
            yield from sorted(names[1:] for names in read if names[:1] == ("input",) and names[1:])


def _is_tolerant(expression: Expression) -> bool:
    return not _TOLERANT.isdisjoint(expression.names) or bool(
        _TOLERANT_TEXT.search(expression.text)
    )
