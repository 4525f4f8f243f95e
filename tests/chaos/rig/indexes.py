"""The indexes of a store against its executions, both ways: nothing points to nothing, nothing open is forgotten.

Pure: a snapshot in, sentences out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.core.execution import Backoff, Delay, Enter, Frame, Listen, Run, Work
from engine.store import codec
from engine.store.finding.entries import entries_of
from engine.store.finding.rows import Row
from engine.store.keys import Keys, listed_as, split_task_id
from tests.chaos.rig import references


@dataclass
class Run_:
    """An execution as the indexes should know it."""

    status: str
    started: str
    definition: str
    resting: str
    quarantined: bool
    frames: dict[str, Frame]
    ready: list[str]
    inbox: bool
    revision: int
    closing: bool
    row: Row


@dataclass
class Partition:
    """What the snapshot holds of one partition."""

    runs: dict[str, Run_] = field(default_factory=dict)  # by ref
    ready: dict[str, float] = field(default_factory=dict)
    timers: dict[str, float] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    leases: dict[str, str] = field(default_factory=dict)
    queues: set[str] = field(default_factory=set)
    queued: dict[str, str] = field(default_factory=dict)  # task id -> "namespace:queue"
    named: set[str] = field(default_factory=set)  # queues that hold something
    index: dict[tuple[str, str, str], dict[str, float]] = field(default_factory=dict)
    resting: dict[tuple[str, str, str], dict[str, float]] = field(default_factory=dict)
    found: dict[str, dict[str, float]] = field(default_factory=dict)  # by attribute, error, version
    open: dict[str, int] = field(default_factory=dict)
    leftovers: list[str] = field(default_factory=list)


def problems(found: dict[str, Any], prefix: str) -> list[str]:
    """What is wrong with the indexes of a store at rest (no process works on it). [] is right."""
    out = []
    for tag, part in sorted(partitions(found, prefix).items()):
        out += [f"{tag} {text}" for text in _of_partition(part)]
    return out + references.problems(found, prefix)


def partitions(found: dict[str, Any], prefix: str) -> dict[str, Partition]:
    parts: defaultdict[str, Partition] = defaultdict(Partition)
    for name, entry in found.items():
        tag, _, rest = name.removeprefix(f"{prefix}:").partition(":")
        if tag.strip("{}").isdigit():
            _sort(parts[tag], rest, entry["value"], found, name)
    return dict(parts)


def _sort(part: Partition, rest: str, value: Any, found: dict[str, Any], name: str) -> None:
    match rest.split(":"):
        case ["ready"]:
            part.ready = dict(value)
        case ["timers"]:
            part.timers = dict(value)
        case ["tasks"]:
            part.tasks = value
        case ["leases"]:
            part.leases = value
        case ["queues"]:
            part.queues = set(value)
        case [namespace, "q", *queue]:
            part.named.add(f"{namespace}:{':'.join(queue)}")
            part.queued |= {task: f"{namespace}:{':'.join(queue)}" for task, _ in value}
        case [namespace, "ix", definition, status]:
            part.index[namespace, definition, status] = dict(value)
        case [namespace, "at", definition, *state]:
            part.resting[namespace, definition, ":".join(state)] = dict(value)
        case [_, "by" | "err" | "vs", *_]:
            part.found[rest] = dict(value)
        case [namespace, "open"]:
            part.open[namespace] = int(value)
        case [namespace, "x", definition, execution]:
            part.runs[f"{namespace}:{definition}:{execution}"] = _run(
                f"{definition}:{execution}", value, found, name
            )
        case [namespace, "x", definition, execution, "ctl"]:
            part.leftovers.append(f"{definition}:{execution} has control events")
        case _:
            pass


def _run(identifier: str, fields: dict[str, str], found: dict[str, Any], name: str) -> Run_:
    meta = codec.unpack_meta(fields.get("m", "").encode("latin-1"))
    frames = [
        codec.unpack_frame(value.encode("latin-1"))
        for key, value in fields.items()
        if key.startswith("f:")
    ]
    return Run_(
        status=fields["status"],
        started=fields["started"],
        definition=identifier.partition(":")[0],
        resting=meta.resting,
        quarantined="quarantine" in fields,
        frames={frame.id: frame for frame in frames},
        ready=fields.get("ready", "").split(),
        inbox=f"{name}:in" in found or f"{name}:ctl" in found,
        revision=int(fields.get("rev", 0)),
        closing=meta.closing is not None,
        row=Row(
            identifier,
            int(fields["ver"]),
            fields["status"],
            int(fields["started"]),
            state=meta.resting,
            error=meta.error,
            attributes=meta.attributes,
        ),
    )


def _of_partition(part: Partition) -> Iterator[str]:
    yield from part.leftovers
    yield from _ghosts(part)
    yield from _tasks(part)
    yield from _indexes(part)
    yield from _found(part)
    for ref, run in part.runs.items():
        if run.status == "RUNNING" and not run.quarantined and not _has_wake_up(part, ref, run):
            yield f"{ref} is open and nothing will wake it"
        kept = set() if run.status == "SUCCEEDED" else {"0"}  # for a redrive
        if run.status != "RUNNING" and set(run.frames) - kept:
            yield f"{ref} is closed and keeps frames {sorted(run.frames)}"


def _ghosts(part: Partition) -> Iterator[str]:
    """Entries that point to nothing, or to what is over."""
    for ref in part.ready:
        run = part.runs.get(ref)
        if run is None or run.status != "RUNNING":
            yield f"ready names {ref}, which is not running"
    for member in part.timers:
        identifier, _, kind = member.rpartition("#")
        ref, frame, revision = split_task_id(identifier)
        run = part.runs.get(ref)
        if _is_errand(frame):
            if identifier not in part.leases:
                yield f"timer {member} without a lease"
        elif run is None or run.status != "RUNNING":
            yield f"timer {member} of {ref}, which is not running"
        elif kind == "lease":
            if identifier not in part.leases:
                yield f"timer {member} without a lease"
        elif kind != "deadline" and not run.inbox and not _waits(run, frame, revision):
            yield f"timer {member}, but the frame does not wait at that revision"


def _tasks(part: Partition) -> Iterator[str]:
    for identifier in part.tasks:
        ref, frame, revision = split_task_id(identifier)
        run = part.runs.get(ref)
        if _is_errand(frame):
            if identifier not in part.queued and identifier not in part.leases:
                yield f"errand {identifier} is neither queued nor leased"
            continue
        if run is None or run.status != "RUNNING":
            yield f"task {identifier} of {ref}, which is not running"
            continue
        at = run.frames.get(frame)
        if not run.inbox and not (
            at is not None and isinstance(at.hold, Work) and at.hold.revision == revision
        ):
            yield f"task {identifier}, but the frame does not wait for it"
        submitted = at is not None and isinstance(at.hold, Work) and at.hold.submitted
        leased = identifier in part.leases and f"{identifier}#lease" in part.timers
        if identifier not in part.queued and not leased and not submitted and not run.inbox:
            yield f"task {identifier} is neither queued nor leased"
    for identifier in part.leases:
        if identifier not in part.tasks:
            yield f"lease of {identifier}, which is no task"
    for identifier, queue in part.queued.items():
        if identifier not in part.tasks:
            yield f"queue {queue} names {identifier}, which is no task"
    if part.named != part.queues:
        yield f"queues says {sorted(part.queues)}, there are {sorted(part.named)}"


def _is_errand(frame: str) -> bool:
    """Whether a task is one that the engine runs for another execution; it outlives its own."""
    return frame.startswith(("tell.", "stop."))


def _indexes(part: Partition) -> Iterator[str]:
    open_: defaultdict[str, int] = defaultdict(int)
    for ref, run in part.runs.items():
        namespace, _, identifier = ref.partition(":")
        open_[namespace] += run.status == "RUNNING"
        for definition in listed_as(run.definition):
            score = part.index.get((namespace, definition, run.status), {}).get(identifier)
            if score != float(run.started):
                yield f"{ref} is {run.status}, its index of {definition or 'all'} says {score}"
        if run.resting and identifier not in part.resting.get(
            (namespace, run.definition, run.resting), {}
        ):
            yield f"{ref} rests at {run.resting}, its index does not say so"
    for (namespace, definition, status), members in part.index.items():
        for identifier in members:
            at = part.runs.get(f"{namespace}:{identifier}")
            if at is None or at.status != status or definition not in ("", at.definition):
                yield f"index {status} names {identifier}, which is {at.status if at else 'gone'}"
    for (namespace, _, state), members in part.resting.items():
        for identifier in members:
            at = part.runs.get(f"{namespace}:{identifier}")
            if at is None or at.status != "RUNNING" or at.resting != state:
                yield f"index of state {state} names {identifier}, which does not rest there"
    for namespace in {*open_, *part.open}:
        if open_[namespace] != part.open.get(namespace, 0):
            yield f"{open_[namespace]} are open, the counter says {part.open.get(namespace, 0)}"


def _found(part: Partition) -> Iterator[str]:
    """Entries by which executions are found: what follows from them, and nothing else."""
    right: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for ref, run in part.runs.items():
        entries = entries_of(Keys("", 1), ref.partition(":")[0], run.row)
        for key, (score, member) in entries.items():
            rest = key.partition("}:")[2]
            if rest.split(":")[1] in {"by", "err", "vs"}:
                right[rest][member] = float(score)
    for rest in {*right, *part.found}:
        if right[rest] != part.found.get(rest, {}):
            yield f"index {rest} holds {part.found.get(rest, {})}, not {right[rest]}"


def _waits(run: Run_, frame: str, revision: int) -> bool:
    at = run.frames.get(frame)
    return (
        at is not None
        and isinstance(at.hold, Work | Listen | Delay | Backoff)
        and at.hold.revision == revision
    )


def _has_wake_up(part: Partition, ref: str, run: Run_) -> bool:
    """Whether something will go on with an open execution by itself, or lets somebody go on with it."""
    if ref in part.ready:
        return True
    if run.ready or run.inbox or run.closing or run.revision == 0:
        return False  # it has something to do, and nobody is told
    return any(_frame_wakes(part, ref, frame) for frame in run.frames.values())


def _frame_wakes(part: Partition, ref: str, frame: Frame) -> bool:
    match frame.hold:
        case Work(revision=revision):
            return f"{ref}/{frame.id}@{revision}" in part.tasks
        case Delay(revision=revision) | Backoff(revision=revision):
            return f"{ref}/{frame.id}@{revision}#due" in part.timers
        case Listen(revision=revision, timeout_ms=timeout_ms):
            return timeout_ms is None or f"{ref}/{frame.id}@{revision}#timeout" in part.timers
        case Enter() | Run():
            return False
        case _:
            return False
