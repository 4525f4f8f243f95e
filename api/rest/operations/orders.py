"""Orders to one execution: pause, resume, terminate, retry, skip, go to, set, redrive, settle a task by hand."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Raw, UnsetType

from api.rest import examples
from api.rest.decode import document
from api.rest.encode import Answer
from api.rest.operation import Call, Operation, Shown
from api.rest.order_bodies import (
    CompleteTaskBody,
    DataBody,
    FailTaskBody,
    GotoBody,
    OrderBody,
    PauseBody,
    RedriveBody,
    RetryBody,
    SkipBody,
    TerminateBody,
    VariablesBody,
)
from api.rest.requests import NoQuery
from engine.documents import EMPTY_OBJECT, NULL, Document
from engine.errors import (
    DefinitionNotFound,
    EngineError,
    ExecutionClosed,
    ExecutionNotFound,
    ExpressUnsupported,
    InvalidDocument,
    InvalidName,
    OrderRefused,
    PayloadTooLarge,
    QuotaExceeded,
    StoreUnavailable,
    TaskClosed,
    TaskNotFound,
)
from engine.views import Ask, ExecutionSummary, Ordered

ORDER_WAIT_MS = 5000  # an order is applied within milliseconds, unless its execution is held up


async def pause(call: Call[NoQuery, PauseBody]) -> Answer:
    commands = call.engine.commands
    return _ordered(await commands.pause(call.caller, call.path["id"], ask(call), call.body.mode))


async def resume(call: Call[NoQuery, OrderBody]) -> Answer:
    return _ordered(await call.engine.commands.resume(call.caller, call.path["id"], ask(call)))


async def release(call: Call[NoQuery, OrderBody]) -> Answer:
    return _ordered(await call.engine.commands.release(call.caller, call.path["id"], ask(call)))


async def terminate(call: Call[NoQuery, TerminateBody]) -> Answer:
    body = call.body
    terminated = await call.engine.commands.terminate(
        call.caller, call.path["id"], ask(call), body.error, body.cause
    )
    return _ordered(terminated)


async def retry(call: Call[NoQuery, RetryBody]) -> Answer:
    commands = call.engine.commands
    return _ordered(await commands.retry(call.caller, call.path["id"], ask(call), call.body.frame))


async def skip(call: Call[NoQuery, SkipBody]) -> Answer:
    body = call.body
    skipped = await call.engine.commands.skip(
        call.caller,
        call.path["id"],
        ask(call),
        frame=body.frame,
        output=document(body.output, "$.output", EMPTY_OBJECT),
        next_state=body.next,
    )
    return _ordered(skipped)


async def goto(call: Call[NoQuery, GotoBody]) -> Answer:
    body = call.body
    sent = await call.engine.commands.goto(
        call.caller,
        call.path["id"],
        ask(call),
        frame=body.frame,
        state=body.state,
        data=_given(body.data),
    )
    return _ordered(sent)


async def set_data(call: Call[NoQuery, DataBody]) -> Answer:
    data = document(call.body.data, "$.data", NULL)
    changed = await call.engine.commands.set_data(
        call.caller, call.path["id"], ask(call), call.body.frame, data
    )
    return _ordered(changed)


async def set_variables(call: Call[NoQuery, VariablesBody]) -> Answer:
    variables = {
        name: document(value, f"$.variables.{name}", NULL)
        for name, value in call.body.variables.items()
    }
    changed = await call.engine.commands.set_variables(
        call.caller, call.path["id"], ask(call), call.body.frame, variables
    )
    return _ordered(changed)


async def redrive(call: Call[NoQuery, RedriveBody]) -> Answer:
    redriven = await call.engine.commands.redrive(
        call.caller,
        call.path["id"],
        ask(call),
        version=call.body.version,
        data=_given(call.body.data),
    )
    return _ordered(redriven)


async def complete_task(call: Call[NoQuery, CompleteTaskBody]) -> Answer:
    output = document(call.body.output, "$.output", NULL)
    summary = await call.engine.commands.complete_task(
        call.caller, call.path["id"], ask(call), call.body.frame, output
    )
    return Answer(value=summary)


async def fail_task(call: Call[NoQuery, FailTaskBody]) -> Answer:
    body = call.body
    summary = await call.engine.commands.fail_task(
        call.caller, call.path["id"], ask(call), body.frame, body.error, body.cause
    )
    return Answer(value=summary)


def ask(call: Call[NoQuery, Any]) -> Ask:
    """What goes with an order; how long its answer is waited for is the face's to say."""
    return Ask(call.body.reason, call.body.id, call.wait_ms(ORDER_WAIT_MS / 1000))


def _given(data: Raw | UnsetType) -> Document | None:
    return None if data is UNSET else document(data, "$.data", NULL)


def _ordered(ordered: Ordered) -> Answer:
    return Answer(value=ordered.execution, status=200 if ordered.applied else 202)


_ANSWERS = {
    200: Shown(meaning="It is applied.", type=ExecutionSummary, example=examples.EXECUTION),
    202: Shown(
        meaning="It is durable, and still to be applied.",
        type=ExecutionSummary,
        example=examples.EXECUTION,
    ),
}
_SETTLED = {
    200: Shown(meaning="It counts.", type=ExecutionSummary, example=examples.EXECUTION),
}
_ERRORS: tuple[type[EngineError], ...] = (
    InvalidName,
    ExecutionNotFound,
    ExecutionClosed,
    OrderRefused,
    ExpressUnsupported,
    QuotaExceeded,
    StoreUnavailable,
)
_WITH_DATA = (InvalidDocument, PayloadTooLarge, *_ERRORS)


def _order(name: str, **said: Any) -> Operation:
    """An operation of this group; its path ends with its name unless it says otherwise."""
    more = {"path": f"/v1/executions/{{id}}/{name}", "answers": _ANSWERS, "errors": _ERRORS} | said
    return Operation(method="POST", name=name, group="orders", **more)


OPERATIONS = (
    _order(
        "pause",
        summary="Pause an execution",
        about="Nothing of it is begun until it is resumed: no task is handed out, no state entered, no timer heard. What "
        "a worker holds goes on, and its outcome is kept like signals are. Executions that it has started are not paused.",
        perform=pause,
        body=PauseBody,
        body_example={"mode": "hold", "reason": "the bank is down"},
    ),
    _order(
        "resume",
        summary="Resume a paused execution",
        about="Tasks go back into their queues under the same tokens; what came in meanwhile is applied, oldest first.",
        perform=resume,
        body=OrderBody,
        body_example={"reason": "the bank is back"},
    ),
    _order(
        "release",
        summary="Let a quarantined execution go on",
        about="It goes on where it stands, with what it has; first mend what it was set aside for: set its data, send it to "
        "another state, or move it to another version. What cannot be decided even now is set aside again.",
        perform=release,
        body=OrderBody,
        body_example={"reason": "the definition is mended"},
    ),
    _order(
        "terminate",
        summary="End an execution at once",
        about="It ends as ABORTED and nothing catches that; its tasks and timers are dropped.",
        perform=terminate,
        body=TerminateBody,
        body_example={"cause": "entered twice", "reason": "asked for by the customer"},
    ),
    _order(
        "retry",
        summary="Begin the next attempt now",
        about="For strands that wait for their next attempt: they do so without waiting any longer.",
        perform=retry,
        body=RetryBody,
        body_example={"reason": "the bank is back"},
    ),
    _order(
        "skip",
        summary="Leave a state with an output",
        about="What the state has out is taken back, and its output is the one given, as it is: ResultPath, Output and "
        "Assign are not applied. A Choice and a Fail are skipped only to a `next` that is named.",
        perform=skip,
        body=SkipBody,
        body_example={"output": {"paid": True}, "reason": "paid in cash"},
        errors=_WITH_DATA,
    ),
    _order(
        "goto",
        summary="Send a strand to another state",
        about="Of its own scope: the top level, its branch, or its Map's processor. Its variables stay.",
        perform=goto,
        body=GotoBody,
        body_example={"state": "Pay", "reason": "the card was renewed"},
        errors=_WITH_DATA,
    ),
    _order(
        "set_data",
        path="/v1/executions/{id}/data",
        summary="Replace the data of a strand",
        about="The raw input of the state that it rests in. What the state has sent out already was made of the old one.",
        perform=set_data,
        body=DataBody,
        body_example={"data": {"order": 42}, "reason": "a typing error"},
        errors=_WITH_DATA,
    ),
    _order(
        "set_variables",
        path="/v1/executions/{id}/variables",
        summary="Set variables of a strand",
        about="As Assign would: all of them, or none.",
        perform=set_variables,
        body=VariablesBody,
        body_example={"variables": {"attempts": 0}},
        errors=_WITH_DATA,
    ),
    _order(
        "redrive",
        summary="Go on with a closed execution",
        about="One that FAILED, TIMED_OUT or was ABORTED goes on from the state it was in: same id, same history, "
        "attempts counted anew. A Parallel or Map is run again whole.",
        perform=redrive,
        body=RedriveBody,
        body_example={"version": 4, "reason": "mended in version 4"},
        errors=(DefinitionNotFound, *_WITH_DATA),
    ),
    _order(
        "complete_task",
        path="/v1/executions/{id}/tasks/succeed",
        summary="Complete a strand's task by hand",
        about="In its worker's place and without its token, whoever holds it. The first outcome counts.",
        perform=complete_task,
        body=CompleteTaskBody,
        body_example={"output": {"paid": True}, "reason": "paid in cash"},
        answers=_SETTLED,
        errors=(TaskNotFound, TaskClosed, *_WITH_DATA),
    ),
    _order(
        "fail_task",
        path="/v1/executions/{id}/tasks/fail",
        summary="Fail a strand's task by hand",
        about="Retry and Catch of the state decide what follows. The first outcome counts.",
        perform=fail_task,
        body=FailTaskBody,
        body_example={"error": "Card.Declined", "reason": "the worker is lost"},
        answers=_SETTLED,
        errors=(TaskNotFound, TaskClosed, *_ERRORS),
    ),
)
