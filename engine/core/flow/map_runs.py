"""The way of a distributed Map through its Map Run: records, effects and what comes of the outcome.

        MapStateStarted -> MapRunStarted -> (the run) -> MapRunSucceeded -> MapStateSucceeded
                                                      -> MapRunFailed, then Retry, Catch or up

The run is a task in the engine's own queue. Whoever performs it reports its outcome as that of any task; no record tells
of a worker. Each attempt begins a run of its own; only a redrive goes on with the one that the frame knows.
"""

from __future__ import annotations

from msgspec import structs, to_builtins

from engine.core import records
from engine.core.draft import Draft
from engine.core.effects import ScheduleTask
from engine.core.entropy import secret
from engine.core.events import TaskFailed, TaskSucceeded
from engine.core.execution import RUN, Frame, MapRun, Work
from engine.core.failures import (
    QUERY_EVALUATION_ERROR,
    RUNTIME,
    Failure,
    of_expression,
    result_too_large,
)
from engine.core.flow import rests
from engine.core.outcomes import Distribute, Fails, Outcome
from engine.core.states import JOIN
from engine.core.states.distributed.naming import map_run_name
from engine.core.states.distributed.spec import MAPS_QUEUE, MapRunSpec
from engine.documents import Document
from engine.language.expressions.scope import ExpressionError

URI = "detent:map-run"  # the Resource of the task that a Map Run is; no definition can hold it


def is_map_run(frame: Frame) -> bool:
    """Whether the frame waits for a Map Run."""
    return isinstance(frame.hold, Work) and bool(frame.hold.map_run)


def begin(draft: Draft, frame: Frame, out: Distribute) -> tuple[Frame, Failure | None]:
    """Ask for the Map Run; or the failure of what was to be evaluated for it."""
    known = frame.map_run
    items = "" if isinstance(out.asked, Failure) else _digest(out.asked)
    if known is not None and isinstance(out.asked, MapRunSpec):
        # Other data, or another version, may mean other items, or other children.
        known = known if (known.label, known.items) == (out.asked.label, items) else None
    if known is None:
        details = {"length": out.length}
        started = draft.record(records.STARTED["Map"], frame.previous, details)
        frame = structs.replace(frame, previous=started)
    if isinstance(out.asked, Failure):
        return frame, out.asked
    if known is None:
        run = MapRun(draft.entropy.uuid(), out.asked.label, items)
        kind = "MapRunStarted"
    else:
        run = structs.replace(known, redrives=known.redrives + 1)
        kind = "MapRunRedriven"
    before = draft.before
    told: dict[str, object] = {
        "mapRunArn": map_run_name(before.names, before.definition, run.label, run.id)
    }
    if run.redrives:
        told["redriveCount"] = run.redrives
    frame = structs.replace(frame, previous=draft.record(kind, frame.previous, told), map_run=run)
    _schedule(draft, frame, run, out.asked)
    return frame, None


def _digest(asked: MapRunSpec) -> str:
    """What tells the items, and how they are shared out among children, from any others."""
    told = to_builtins((asked.items, asked.reader, asked.batcher))
    return Document.of(told).digest.hex()


def _schedule(draft: Draft, frame: Frame, run: MapRun, asked: MapRunSpec) -> None:
    """Put the run out as a task, under the frame that waits for it."""
    before = draft.before
    spec = structs.replace(
        asked,
        run=run.id,
        parent=before.id,
        definition=before.definition,
        version=draft.version,
        depth=before.depth + 1,
        names=before.names,
        redrives=run.redrives,
    )
    draft.effects.append(
        ScheduleTask(
            frame.id,
            draft.revision,
            frame.state,
            MAPS_QUEUE,
            Document.of(to_builtins(spec)),
            draft.entropy.token(),
            secret(before.seed, "key", frame.id, frame.entry, frame.failures),
            frame.retry_count + 1,
            URI,
        )
    )
    hold = Work(draft.revision, MAPS_QUEUE, frame.previous, map_run=run.id)
    draft.put(structs.replace(frame, hold=hold))


def succeed(draft: Draft, frame: Frame, event: TaskSucceeded) -> tuple[Frame, Outcome]:
    """The run has given its output; what the state makes of it.

    The state's own records go on from the one that tells of the run's beginning (measured).
    """
    frame = rests.record_hand(draft, frame, event.hand)
    if not draft.limits.fits(event.output):
        failure = result_too_large(frame.state)
        return _record_failed(draft, frame, failure), Fails(failure)
    kind = "MapRunSucceeded" if event.hand is None else "MapRunAborted"
    ended = draft.record(kind, frame.previous, {})
    draft.record(records.SUCCEEDED["Map"], ended, {})
    frame = structs.replace(frame, hold=RUN, map_run=None)
    return frame, rests.decide(draft, frame, JOIN, event.output)


def fail(draft: Draft, frame: Frame, event: TaskFailed) -> tuple[Frame, Failure]:
    """The run has failed. Whoever reports that an expression did says what, and it is said here where."""
    frame = rests.record_hand(draft, frame, event.hand)
    failure = Failure(event.error, event.cause)
    if event.hand is None and event.error in {RUNTIME, QUERY_EVALUATION_ERROR}:
        error = ExpressionError(event.cause or "", event.error or RUNTIME)
        failure = structs.replace(of_expression(error, frame), location=None)
    if event.hand is not None:
        frame = structs.replace(frame, previous=draft.record("MapRunAborted", frame.previous, {}))
    else:
        frame = _record_failed(draft, frame, failure)
    return structs.replace(frame, failures=frame.failures + 1), failure


def _record_failed(draft: Draft, frame: Frame, failure: Failure) -> Frame:
    told = {"error": failure.error, "cause": failure.cause}
    details = {name: text for name, text in told.items() if text is not None}
    return structs.replace(frame, previous=draft.record("MapRunFailed", frame.previous, details))
