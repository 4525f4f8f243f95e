"""The state of a run, as values: an execution and its frames.

A frame is one strand of control: frame "0" is the execution itself, "0/2" the third branch (or iteration) that frame
"0" has running in a Parallel (or Map) state, "0/2/17" one inside that. An id is used again when the state is entered
again, so whatever points at a frame from outside (a timer, a task) names the revision too.

A frame rests in one of the holds below. `Enter` and `Run` are *ready*: the frame can go on without anything
happening, and its id stands in `Execution.ready`. All others wait for an event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from engine.documents import Document

FrameId = str
ROOT: FrameId = "0"

Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]


Attribute = str | bool | int | float  # the value of a search attribute

NO_ATTRIBUTES: Mapping[str, Attribute] = {}  # of an execution that has none; never changed
NO_VARIABLES: Mapping[str, int] = {}  # of a frame that has none; never changed


class Enter(Struct, frozen=True, array_like=True, tag="enter"):
    """Ready: will arrive at `Frame.state` with `Frame.input`."""


class Run(Struct, frozen=True, array_like=True, tag="run"):
    """Ready: has entered the state, which can go on without an event (Pass, Choice, Succeed, Fail, a Wait that is due)."""


ENTER = Enter()
RUN = Run()


class Delay(Struct, frozen=True, array_like=True, tag="delay"):
    """A Wait state, until `due_ms`."""

    revision: int
    due_ms: int


class Backoff(Struct, frozen=True, array_like=True, tag="backoff"):
    """Between two attempts of a state, until `due_ms`."""

    revision: int
    due_ms: int


class Child(Struct, frozen=True, array_like=True):
    """The execution that a task starts. `key` proves that this task did."""

    id: str
    key: str


class Started(Struct, frozen=True, array_like=True):
    """When and by whom a task was taken; written as the Started record once the task has an outcome or is taken back."""

    at_ms: int
    worker: str = ""


class Work(Struct, frozen=True, array_like=True, tag="work"):
    """A task is out. Only the outcome that names this revision counts."""

    revision: int
    queue: str
    scheduled: int  # id of the Scheduled record
    timeout_ms: int | None = None  # absolute, Redis time
    heartbeat_ms: int | None = None  # interval
    callback: bool = False
    submitted: bool = False  # a callback task whose request has been answered
    child: Child | None = None
    map_run: str = ""  # the id of the Map Run that the task is; "" for any other task


class Listen(Struct, frozen=True, array_like=True, tag="listen"):
    """A `signal:NAME` task, until the signal or `timeout_ms` (absolute)."""

    revision: int
    name: str
    timeout_ms: int | None = None


class Fork(Struct, frozen=True, array_like=True, tag="fork"):
    """A Parallel or Map with children. Counters only: items not yet spawned lie in pages, results in values.

    Ready while there is a child to spawn and room for it, or everything to join.
    """

    revision: int
    started: int  # id of the ParallelStateStarted or MapStateStarted record
    total: int
    spawned: int = 0
    done: int = 0
    window: int = 0  # children at once; 0 is no limit
    last: int = 0  # id of the last finished child's record, for previousEventId at the join
    # id of the last record inside a finished iteration: the next one spawned follows it
    tail: int = 0
    pages: int = 0  # number of pages written, in values "i:<frame>:<page>"
    page: int = 0  # the page that holds the next item to spawn
    page_start: int = 0  # index of that page's first item
    swept: int = 0  # results already dropped by a join of many; the array is value "o:<frame>"
    size: int = 0  # bytes of all results so far; -1: too many for a join to read them


class Then(Struct, frozen=True, array_like=True):
    """Where a strand goes on that somebody has sent on: it enters `state`, or ends its scope where that is None."""

    state: str | None
    data: Document


class Unwind(Struct, frozen=True, array_like=True, tag="unwind"):
    """Ready: the children of this frame are being dropped, at most 100 a transition; then the failure goes on, or `then`.

    `stack` holds (frame, next child, end) triples, deepest last.
    """

    error: str | None
    cause: str | None
    stack: tuple[tuple[FrameId, int, int], ...]
    previous: int  # id of the record that the Failed record follows
    # the failure is a missed heartbeat, so States.HeartbeatTimeout matches it too
    heartbeat: bool = False
    then: Then | None = None
    cancelled: bool = False  # the failure is a graceful stop


Hold = Enter | Run | Delay | Backoff | Work | Listen | Fork | Unwind


class MapRun(Struct, frozen=True, array_like=True):
    """The Map Run that a distributed Map has begun last in this visit; a redrive goes on with it."""

    id: str
    label: str  # of the processor that its children run
    items: str  # a digest of what says which items are whose: a run goes on with no others
    redrives: int = 0


class Frame(Struct, frozen=True, array_like=True):
    """One strand of control and where it rests."""

    id: FrameId
    state: str
    hold: Hold
    input: Document  # raw input of the state
    previous: int = 0  # id of the last record in this strand
    entered: int = 0  # id of the StateEntered record
    entered_ms: int = 0
    entry: int = 0  # revision at which the state was entered
    retries: tuple[int, ...] = ()  # attempts used of each retrier, this visit
    retry_count: int = 0  # all retries of this visit
    failures: int = 0  # failures a worker reported this visit: each renews the Idempotency-Key
    index: int = -1  # which branch or iteration; -1 for the root
    item: Document | None = None  # the iteration's item, where the machine reads $$.Map
    version: int = 0  # definition version this frame was written under
    # variables of this strand's own scope and the bytes of each, which is value "a:<frame>:<name>"
    variables: Mapping[str, int] = NO_VARIABLES
    before: int = 0  # id of the record that the StateEntered record follows
    map_run: MapRun | None = None


class Timed(Struct, frozen=True, array_like=True):
    """A kept signal that is not kept for ever. Its id is here, so that it can be told of without being loaded."""

    number: int
    expires_ms: int  # Redis time; from then on no state takes it
    id: str


class Buffer(Struct, frozen=True, array_like=True):
    """Signals of one name: frames that listen, oldest first, and the numbers of those kept for later."""

    listeners: tuple[FrameId, ...] = ()
    # buffered are numbers head (oldest) to tail - 1 but for the gaps, in values "s:<name>:<number>"
    head: int = 0
    tail: int = 0
    timed: tuple[Timed, ...] = ()  # those of them that expire
    gaps: tuple[int, ...] = ()  # numbers behind head whose signals have expired

    @property
    def count(self) -> int:
        """How many signals are kept, those that have expired and were not looked at since among them."""
        return self.tail - self.head - len(self.gaps)

    def without(self, *numbers: int) -> Buffer:
        """The same when signals of these numbers are gone; `head` is a kept one again, or there is none."""
        gone = {*self.gaps, *numbers}
        head = self.head
        while head in gone:
            gone.remove(head)
            head += 1
        timed = tuple(each for each in self.timed if each.number not in numbers)
        return Buffer(self.listeners, head, self.tail, timed, tuple(sorted(gone)))


class Closing(Struct, frozen=True, array_like=True):
    """The execution is ending: its frames are being dropped, at most 100 a transition; the end is recorded last."""

    status: Status
    error: str | None
    cause: str | None
    previous: int
    stack: tuple[tuple[FrameId, int, int], ...]


class Moving(Struct, frozen=True, array_like=True):
    """The execution is being moved to another version: so many of its strands at a time, those after `after` to come."""

    version: int
    mapping: dict[str, str]
    explicit: frozenset[str]
    after: FrameId
    strands: dict[FrameId, str]  # where single strands go that do not follow the mapping
    operation: str
    anew: frozenset[FrameId] = frozenset()  # those of them that may give up what they hold


class Paused(Struct, frozen=True, array_like=True):
    """Nothing is begun until somebody resumes the execution."""

    since_ms: int
    by: str
    reason: str | None
    mode: Literal["hold", "catch_up"]
    overdue: bool = False  # the machine's deadline has passed meanwhile; it is applied at resume
    resumed_ms: int = 0
    # while it is being resumed: where the frames are that are still to be seen to; empty before
    stack: tuple[tuple[FrameId, int, int], ...] = ()

    @property
    def is_resuming(self) -> bool:
        """Whether it is over but for the frames that are still to be seen to."""
        return bool(self.stack)


class Operated(Struct, frozen=True, array_like=True):
    """What operators have done to an execution that lasts."""

    paused: Paused | None = None
    cancelled: bool = False  # a graceful stop was asked for
    held_ms: int = 0  # how much later its deadline is, for having been paused
    redriven_ms: int = 0  # when it was last redriven: its deadline counts from there
    redrives: int = 0
    is_redrivable: bool = False  # it has closed without success, and its root frame tells where

    def deadline_ms(self, started_ms: int, timeout_seconds: int) -> int:
        """When the machine's TimeoutSeconds have passed."""
        return (self.redriven_ms or started_ms) + timeout_seconds * 1000 + self.held_ms


UNTOUCHED = Operated()


class Names(Struct, frozen=True, array_like=True):
    """What the Context Object calls a run whose starter knows it by other names than ours, such as ARNs."""

    execution: str  # Execution.Id
    machine: str  # StateMachine.Id
    machine_name: str
    role: str  # Execution.RoleArn, which our own runs have not


class Execution(Struct, frozen=True):
    """One run: its meta fields and the frames that have been loaded."""

    id: str  # "<definition>:<name>"
    definition: str
    name: str
    version: int  # of the definition it is pinned to
    seed: bytes  # random, secret; all chance and tokens of the run derive from it
    started_ms: int
    status: Status = "RUNNING"
    revision: int = 0  # number of commits
    last_record: int = 0  # id of the newest history record
    last_ms: int = 0  # time of the newest history record
    ready: tuple[FrameId, ...] = (ROOT,)
    signals: Mapping[str, Buffer] = field(default_factory=dict)
    closing: Closing | None = None
    input: Document | None = None  # the execution's input; None while not loaded
    output: Document | None = None  # once SUCCEEDED
    error: str | None = None
    cause: str | None = None
    variables_bytes: int = 0  # of all variables of all frames
    names: Names | None = None
    parent: str = ""  # the execution that started it; "" for one that a caller started
    depth: int = 0  # executions above it
    # Loaded so far. None: looked for and not there; without that entry `needs` would ask for ever.
    frames: Mapping[FrameId, Frame | None] = field(default_factory=dict)
    values: Mapping[str, Document | None] = field(
        default_factory=dict
    )  # pages, results, buffered signals
    # How often it was redriven, for the Context Object; None where that tells nothing of it: a synchronous Express run.
    redrives: int | None = 0
    moving: Moving | None = None
    attributes: Mapping[str, Attribute] = NO_ATTRIBUTES  # search attributes, by name
    operated: Operated = UNTOUCHED
    alias: str = ""  # of the definition, by which the version was chosen that it started on
    published: int = 0  # number of the published version that it was started by; 0 for none
    # Who has the tasks that this transition takes back, by frame and revision; None: nobody. Forgotten after it.
    leases: Mapping[tuple[FrameId, int], Started | None] = field(default_factory=dict)
