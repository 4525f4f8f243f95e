"""The compiled form of a definition: frozen values that the core executes.

Everything here is built once, at publish, by `compile`. State names are unique in the whole definition (ASL), so
one flat table finds any state, however deep; a scope (the top level, a Parallel branch, a Map processor) is just the
name its run starts at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.documents import Document
from engine.language.expressions.conditions import Condition
from engine.language.expressions.paths import Path, ReferencePath
from engine.language.expressions.templates import Template
from engine.language.schema.payload import SignalSchema

QueryLanguage = Literal["JSONPath", "JSONata"]
StateType = Literal["Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"]


# A number as written, what `<field>Path` holds, or a JSONata expression.
Number = int | Path | Template | None


class Discard:
    """`null` given for InputPath, OutputPath or ResultPath: drop the value."""


DISCARD = Discard()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrier:
    """One entry of `Retry`. Delay before retry k is min(interval x backoff^(k-1), max_delay), then jitter."""

    error_equals: frozenset[str]
    interval_seconds: int = 1
    attempts_max: int = 3
    backoff_rate: float = 2.0
    delay_seconds_max: int | None = None
    jitter_full: bool = False  # FULL: uniform(0, delay)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catcher:
    """One entry of `Catch`: where to go with the error output, and what becomes of it."""

    error_equals: frozenset[str]
    next: str
    # JSONPath: where in the raw input it is put; None: "$", it replaces the input
    result_path: ReferencePath | Discard | None = None
    output: Template | None = None  # JSONata; None: the error output
    assign: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What performs a Task.

    kind     queue   workers that lease from queue `name`
             http    the engine calls the URL `name`, or where that is "" the one that the parameters name
             signal  nobody: the next signal `name` completes the task
             states  the engine: it starts another execution, or settles a task by its token
    family   which history records tell of it: activity (ActivityScheduled ...), lambda (LambdaFunctionScheduled ...),
             or service (TaskScheduled ... with `service` as resourceType and `action` as resource)
    callback the first answer only submits; a callback with the token completes (.waitForTaskToken), or the end of the
             execution that was started (.sync, .sync:2, workflow:NAME)
    """

    uri: str
    kind: Literal["queue", "http", "signal", "states"]
    name: str
    family: Literal["activity", "lambda", "service"]
    service: str = ""
    action: str = ""
    callback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What all state types share."""

    name: str
    type: StateType
    pointer: str  # JSON pointer of the state in the definition
    query_language: QueryLanguage = "JSONPath"
    next: str | None = None  # None: the scope ends here
    input_path: Path | Discard | None = None  # JSONPath; None: the whole input
    output_path: Path | Discard | None = None  # JSONPath; None: the whole output
    output: Template | None = None  # JSONata; None: the result, or the input of a state without one
    assign: Template | None = None  # an object: what each variable is set to
    variables: frozenset[str] = frozenset()  # the names that its expressions read
    uses_execution_input: bool = False  # an expression reads $$.Execution.Input, or all of $$
    uses_map_item: bool = False  # an expression reads $$.Map, or all of $$


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass(State):
    """The result fields are JSONPath's; in JSONata a Pass has Output alone."""

    parameters: Template | None = None
    result: Document | None = None
    result_path: ReferencePath | Discard | None = None  # None: "$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(State):
    resource: Resource
    parameters: Template | None = None  # in JSONata: Arguments
    result_selector: Template | None = None
    result_path: ReferencePath | Discard | None = None
    timeout_seconds: Number = None
    heartbeat_seconds: Number = None
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()
    schema: SignalSchema | None = None  # what the payload of the signal it waits for has to be like


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An outermost rule of `Choices`. Its Assign and Output, if it is taken, stand for the state's."""

    condition: Condition
    next: str
    output: Template | None = None
    assign: Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(State):
    rules: tuple[Rule, ...]
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(State):
    """Exactly one of the two is set. A Path is what SecondsPath or TimestampPath holds, a Template a JSONata expression."""

    seconds: Number = None
    timestamp: str | Path | Template | None = None  # text: RFC 3339, checked at publish


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeed(State):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail(State):
    """A Template is what ErrorPath or CausePath holds (a path or an intrinsic function), or a JSONata expression."""

    error: str | Template | None = None
    cause: str | Template | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel(State):
    branches: tuple[str, ...]  # the name each branch starts at
    parameters: Template | None = None  # in JSONata: Arguments
    result_selector: Template | None = None
    result_path: ReferencePath | Discard | None = None
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReader:
    """Where a distributed Map finds its items outside the state's data. `MaxItems` is the only number in it."""

    action: Literal["getObject", "listObjectsV2"]
    parameters: Template | None = None  # in JSONata: Arguments
    input_type: Literal["CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"] | None = None
    transformation: Literal["NONE", "LOAD_AND_FLATTEN"] = "NONE"
    csv_headers: tuple[str, ...] | None = None  # None: they are the first row
    csv_delimiter: Literal["COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"] = "COMMA"
    items_pointer: str | None = None  # a JSON pointer to the array or object of the items
    manifest_type: Literal["ATHENA_DATA", "S3_INVENTORY"] | None = None
    items_max: Number = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemBatcher:
    """How many items, or bytes of them, one child gets; what goes with each batch."""

    items_max: Number = None
    bytes_max: Number = None
    input: Template | None = None  # BatchInput


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultWriter:
    """Where the results of the children go, and in what form. Without `exports` they only take another form."""

    exports: bool  # it has a Resource
    parameters: Template | None = None  # in JSONata: Arguments
    transformation: Literal["NONE", "COMPACT", "FLATTEN"] | None = None
    output_type: Literal["JSON", "JSONL"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Distributed:
    """What a Map in DISTRIBUTED mode has besides. Its children are executions of `Machine.processors[label]`."""

    label: str  # the author's, or one made of the state's name; unique in the definition
    execution_type: Literal["STANDARD", "EXPRESS"]
    reader: ItemReader | None = None
    batcher: ItemBatcher | None = None
    writer: ResultWriter | None = None
    tolerated_count: Number = None
    tolerated_percentage: Number | float = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Map(State):
    """A Map, inline unless it is `distributed`."""

    processor: str  # the name each iteration starts at
    items_path: Path | None = None  # JSONPath; None: "$"
    items: Template | None = None  # JSONata; None: the input
    item_selector: Template | None = None  # ItemSelector, or the older Parameters
    concurrency_max: Number = None  # 0 or None: no limit of the author's
    processor_uses_map_item: bool = False  # some state inside reads $$.Map
    distributed: Distributed | None = None
    result_selector: Template | None = None
    result_path: ReferencePath | Discard | None = None
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a state and those it may go on to read besides their data: a transition can leave the one and arrive at another."""

    variables: frozenset[str]
    execution_input: bool


def reading_of(states: dict[str, State]) -> dict[str, Reading]:
    """What has to be at hand at each state."""
    found = {}
    for name, state in states.items():
        concerned = (state, *(states[next_] for next_ in successors(state)))
        variables = frozenset().union(*(each.variables for each in concerned))
        found[name] = Reading(variables, any(each.uses_execution_input for each in concerned))
    return found


def listening_of(states: dict[str, State]) -> dict[str, tuple[str, ...]]:
    """The states that wait for each signal."""
    found: dict[str, list[str]] = {}
    for name, state in states.items():
        if isinstance(state, Task) and state.resource.kind == "signal":
            found.setdefault(state.resource.name, []).append(name)
    return {signal: tuple(names) for signal, names in found.items()}


def successors(state: State) -> Iterator[str]:
    """The states that a state may go on to, inside its scope."""
    if state.next is not None:
        yield state.next
    if isinstance(state, Choice):
        yield from (rule.next for rule in state.rules)
        if state.default is not None:
            yield state.default
    elif isinstance(state, Task | Parallel | Map):
        yield from (catcher.next for catcher in state.catch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How executions of a definition are kept and found: its top-level `Detent` object, which AWS does not know."""

    # name -> where in the data of the execution's own strand a search attribute is found
    search_attributes: Mapping[str, Path] = field(default_factory=dict)
    history_records: int | None = None  # the newest that are kept; None: all
    retention_hours: float | None = (
        None  # how long closed executions are kept; None: as the server is set
    )
    running: Literal["keep", "migrate"] = "keep"  # what a publish does with executions that run


KEEPING = Keeping()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A definition, compiled. `states` holds every state at every depth, by its name."""

    start_at: str
    states: dict[str, State] = field(repr=False)
    comment: str | None = None
    timeout_seconds: int | None = None
    query_language: QueryLanguage = "JSONPath"
    content_hash: str = ""  # SHA-256 of the canonical definition, hex
    parents: dict[str, str] = field(
        default_factory=dict, repr=False
    )  # state -> the Parallel or Map it lies in

    reading: dict[str, Reading] = field(default_factory=dict, repr=False)
    keeping: Keeping = KEEPING
    # signal -> the states that wait for it
    listening: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    # label of a distributed Map -> the machine of its children
    processors: dict[str, Machine] = field(default_factory=dict, repr=False)

    @property
    def variable_references(self) -> dict[str, list[str]]:
        """The names of the variables that each state reads, sorted; states that read none are left out.

        Those of distributed Maps' processors are among them: it is told of the definition.
        """
        found = {
            name: sorted(state.variables) for name, state in self.states.items() if state.variables
        }
        for processor in self.processors.values():
            found |= processor.variable_references
        return found

    def processor(self, definition: str) -> Machine | None:
        """The machine of "DEF~LABEL", the children of a distributed Map of this one, or of "DEF" itself; None for no such label."""
        machine: Machine | None = self
        for label in definition.split("~")[1:]:
            machine = machine.processors.get(label) if machine is not None else None
        return machine
