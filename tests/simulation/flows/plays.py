"""The flows: what callers and workers do, so that together every script of the store is passed through."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from engine.commands.migrations import MigrationWish
from engine.commands.state_machines.values import Attributes
from engine.documents import Document
from engine.errors import EngineError, ExecutionNotFound, LeaseLost, StoreUnavailable, TaskClosed
from engine.rehearsal import Answer, Fail, Succeed
from engine.runtime.bulk.asked import ROLLBACK, Asked, Wanted
from engine.serve import Engine
from engine.store.catalog.activities import Encryption
from engine.store.finding.filter import Filter
from engine.views import LeasedTask
from tests.simulation import nested
from tests.simulation.flows.theatre import ME, Flow, Theatre

SECOND_HOURS = 1 / 3600
PAY = {"Type": "Task", "Resource": "activity:pay", "End": True}
LISTEN = {"Type": "Task", "Resource": "signal:go", "End": True}
LISTEN_ON = {"Type": "Task", "Resource": "signal:go", "Next": "Done"}


async def said(theatre: Theatre, name: str, deed: Callable[[Engine], Awaitable[Any]]) -> None:
    """Ask, and take a refusal for an answer: a request that is repeated may find its work done."""
    with contextlib.suppress(EngineError):
        await theatre.ask(deed)
    theatre.told[name] = "answered"


def over(states: dict[str, Any], kind: str = "STANDARD", **more: Any) -> dict[str, Any]:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
        "StartAt": next(iter(states)),
        "States": states,
    }
    body = {"Type": "Map", "Label": "L", "ItemsPath": "$.items", "ItemProcessor": processor}
    return {"M": body | {"End": True} | more}


async def the_run(theatre: Theatre, execution: str) -> Any:
    page = await theatre.until(
        lambda e: e.map_runs.of(ME, execution, limit=10, cursor=None), lambda page: page.map_runs
    )
    return page.map_runs[0]


async def map_standard(theatre: Theatre) -> None:
    await theatre.publish(over({"T": PAY}, MaxConcurrency=3, ToleratedFailurePercentage=50))
    execution = await theatre.start("n", {"items": [{"n": number} for number in range(8)]})
    run = await the_run(theatre, execution)
    await said(theatre, "updated", lambda e: e.map_runs.update(ME, run.id, concurrency_max=4))
    view = await theatre.ended(execution)
    theatre.told["status"] = view.status


def pay_but_three(task: LeasedTask, _number: int) -> Answer:
    return Fail("Broken") if task.input.value["n"] == 3 else Succeed(task.input.value)


async def map_express(theatre: Theatre) -> None:
    states = {"P": {"Type": "Pass", "Parameters": {"seen.$": "$.Items"}, "End": True}}
    batches = {"MaxItemsPerBatch": 2}
    await theatre.publish(over(states, "EXPRESS", ItemBatcher=batches, MaxConcurrency=2))
    view = await theatre.ended(await theatre.start("n", {"items": list(range(7))}))
    theatre.told["output"] = json.dumps(view.output.value)


async def map_stopped(theatre: Theatre) -> None:
    await theatre.publish(over({"S": LISTEN}))
    execution = await theatre.start("n", {"items": [1, 2, 3, 4]})
    run = await the_run(theatre, execution)
    wanted = await theatre.ask(lambda e: e.map_runs.children(ME, run.id))
    page = await theatre.until(
        lambda e: e.queries.listed(ME, wanted, limit=10, cursor=None),
        lambda page: len(page.executions) == 4,
    )
    for child in page.executions:
        await theatre.rests(child.id)
    await said(theatre, "stop", lambda e: e.commands.stop(ME, execution, "Enough", None, 1000))
    await theatre.ended(execution)


async def map_redriven(theatre: Theatre) -> None:
    await theatre.publish(over({"T": PAY}))
    execution = await theatre.start("n", {"items": [{"n": 1}, {"n": 2}, {"n": 5}]})
    first = await theatre.ended(execution)
    await said(
        theatre,
        "redrive",
        lambda e: e.commands.redrive(ME, execution, theatre.order("r"), version=None, data=None),
    )
    view = await theatre.ended(execution)
    theatre.told["statuses"] = [first.status, view.status]


def broken_once(task: LeasedTask, number: int) -> Answer:
    return Fail("Broken") if number == 0 and task.input.value["n"] == 5 else Succeed({"ok": True})


async def family(theatre: Theatre) -> None:
    for name, text in {**nested.children(), "parent": nested.text()}.items():
        await theatre.ask(lambda e, n=name, t=text: e.commands.publish(ME, n, t, "json"))
    await theatre.ended(await theatre.start("n", {"n": 1}, "parent"))


async def operators(theatre: Theatre) -> None:
    """Pause, change, resume; skip; terminate and redrive."""
    states = {"Ask": LISTEN_ON | {"Next": "Pay"}, "Pay": PAY}
    await theatre.publish(states)
    one, two, three = [await theatre.start(f"n{n}", {"n": n}) for n in range(3)]
    for each in (one, two, three):
        await theatre.rests(each)
    order = theatre.order
    await said(theatre, "1", lambda e: e.commands.pause(ME, one, order("p"), "hold"))
    data = Document.of({"n": 10})
    await said(theatre, "2", lambda e: e.commands.set_data(ME, one, order("d"), "0", data))
    await said(theatre, "3", lambda e: e.commands.resume(ME, one, order("r")))
    payload = Document.of({"n": 11})
    await said(theatre, "4", lambda e: e.commands.signal(ME, one, "go", payload, "s"))
    await said(
        theatre,
        "5",
        lambda e: e.commands.skip(
            ME, two, order("k"), frame="0", output=Document.of({"n": 12}), next_state=None
        ),
    )
    await said(theatre, "6", lambda e: e.commands.terminate(ME, three, order("t"), "Wrong", "why"))
    await theatre.ended(three)
    await said(
        theatre,
        "7",
        lambda e: e.commands.redrive(ME, three, order("v"), version=None, data=None),
    )
    await theatre.rests(three)
    await said(theatre, "8", lambda e: e.commands.signal(ME, three, "go", payload, "s"))
    for each in (one, two, three):
        await theatre.ended(each)


async def bulk(theatre: Theatre) -> None:
    """Six that wait move to another version, a third of them first and back; then all are told to go on."""
    await theatre.publish({"Ask": LISTEN})
    ids = [await theatre.start(f"n{n}", {"n": n}) for n in range(6)]
    for each in ids:
        await theatre.rests(each)
    await theatre.publish({"Wait": LISTEN_ON, "Done": {"Type": "Succeed"}})
    wanted = Wanted(definition="d")
    wish = MigrationWish(wanted=wanted, mapping={"Ask": "Wait"}, count=2)
    await theatre.ask(lambda e: e.operations.migrate(ME, wish, "m1"))
    await _done(theatre, "m1")
    # As the command for it, which gives it a new name each time it is asked.
    back = Asked(kind=ROLLBACK, wanted=Wanted(definition="d", version=2), by="ops", back="m1")
    await theatre.ask(lambda e: e.operations.begin(ME, back, "b1"))
    await _done(theatre, "b1")
    rest = MigrationWish(wanted=wanted, mapping={"Ask": "Wait"})
    await theatre.ask(lambda e: e.operations.migrate(ME, rest, "m2"))
    await said(theatre, "held", lambda e: e.operations.steer(ME, "m2", "PAUSED"))
    await said(theatre, "on", lambda e: e.operations.steer(ME, "m2", "RUNNING"))
    await _done(theatre, "m2")
    asked = Asked(kind="pause", wanted=wanted, by="ops")
    await theatre.ask(lambda e: e.operations.begin(ME, asked, "p"))
    await _done(theatre, "p")
    asked = Asked(kind="resume", wanted=wanted, by="ops")
    await theatre.ask(lambda e: e.operations.begin(ME, asked, "r"))
    await _done(theatre, "r")
    await theatre.ask(
        lambda e: e.commands.broadcast(
            ME, "d", "go", Document.of({}), signal_id="b", ttl_ms=None, attributes=()
        )
    )
    views = [await theatre.ended(each) for each in ids]
    theatre.told["versions"] = [view.version for view in views]


async def _done(theatre: Theatre, operation: str) -> None:
    view = await theatre.until(
        lambda e: e.operations.operation(ME, operation),
        lambda view: view.status in ("DONE", "CANCELLED"),
    )
    theatre.told[f"answers of {len(theatre.told)}"] = view.answers


async def catalog(theatre: Theatre) -> None:
    """A state machine is made, changed, published under a number, named by an alias, tagged and deleted."""
    text = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}).encode()
    other = text.replace(b"Pass", b"Succeed").replace(b', "End": true', b"")
    machines, role = lambda e: e.state_machines, Attributes(role="arn:aws:iam::1:role/r")
    await said(
        theatre,
        "1",
        lambda e: machines(e).create(
            ME, "m", text, "STANDARD", role, tags={"a": "b"}, publish=False
        ),
    )
    await said(theatre, "2", lambda e: machines(e).publish(ME, "m"))
    await said(
        theatre, "3", lambda e: machines(e).update(ME, "m", other, Attributes(), publish=True)
    )
    await said(theatre, "4", lambda e: e.commands.set_alias(ME, "m", "live", [(1, 50), (2, 50)]))
    await said(theatre, "5", lambda e: machines(e).tag(ME, "m", {"c": "d"}))
    for number in range(4):
        await theatre.ended(await theatre.start(f"n{number}", {}, "m"))
    theatre.told["tags"] = await theatre.ask(lambda e: machines(e).tags(ME, "m"))
    theatre.told["versions"] = (
        await theatre.ask(lambda e: e.queries.definition(ME, "m", None))
    ).version
    await said(theatre, "6", lambda e: e.activities.create(ME, "act", Encryption(), {"x": "y"}))
    await said(theatre, "7", lambda e: e.activities.delete(ME, "act"))
    await said(theatre, "8", lambda e: e.commands.remove_alias(ME, "m", "live"))
    await said(theatre, "9", lambda e: machines(e).delete(ME, "m"))


async def tasks(theatre: Theatre) -> None:
    """A lease lapses and is kept, a heartbeat and a time-out are missed, an attempt is retried, an answer comes twice."""
    states = {
        "Lost": {"Type": "Task", "Resource": "activity:lost", "ResultPath": None, "Next": "Late"},
        "Late": {
            "Type": "Task",
            "Resource": "activity:nobody",
            "TimeoutSeconds": 1,
            "ResultPath": None,
            "Catch": [{"ErrorEquals": ["States.Timeout"], "ResultPath": None, "Next": "Pay"}],
            "Next": "Pay",
        },
        "Pay": PAY | {"Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 1, "MaxAttempts": 3}]},
    }
    await theatre.publish(states)
    execution = await theatre.start("n", {"n": 1})

    async def lease(milliseconds: int) -> LeasedTask:
        found = await theatre.until(
            lambda e: e.commands.lease(
                ME, "lost", most=1, wait_ms=200, lease_ms=milliseconds, worker="w"
            ),
            lambda tasks: tasks,
        )
        return found[0]

    await lease(150)  # whoever has it dies
    while True:
        task = await lease(3000)
        beat, done = task, task
        try:
            await theatre.ask(lambda e, t=beat: e.commands.heartbeat(ME, t.token, t.lease, 30_000))
            await theatre.ask(lambda e, t=done: e.commands.settle(ME, theatre.success(t)))
        except LeaseLost:
            continue
        except TaskClosed:
            pass
        break
    await theatre.ended(execution)


def busy_at_first(task: LeasedTask, _number: int) -> Answer:
    return Fail("Busy") if task.attempt == 1 else Succeed({"paid": True})


async def signals(theatre: Theatre) -> None:
    """A start with a signal, one that comes early, one twice, one that comes too late, one that nobody takes."""
    states = {
        "First": LISTEN_ON | {"Next": "Second", "ResultPath": None},
        "Second": {
            "Type": "Task",
            "Resource": "signal:never",
            "TimeoutSeconds": 1,
            "ResultPath": None,
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Third"}],
            "Next": "Third",
        },
        "Third": LISTEN,
    }
    await theatre.publish(states)
    execution = await theatre.start("n", {})
    payload = Document.of({"big": "x" * 200})

    async def send(name: str, identifier: str) -> None:
        await said(
            theatre,
            identifier,
            lambda e: e.commands.signal(ME, execution, name, payload, identifier),
        )

    for name, identifier in [("go", "a"), ("go", "a"), ("go", "b"), ("left", "c")]:
        await send(name, identifier)
    await theatre.ended(execution)


async def copies(theatre: Theatre) -> None:
    """What has ended is exported, pruned, and imported again."""
    await theatre.publish({"P": {"Type": "Pass", "Result": {"big": "x" * 300}, "End": True}})
    ids = [await theatre.start(f"n{number}", {"n": number}) for number in range(2)]
    for each in ids:
        await theatre.ended(each)
    exported = await theatre.ask(
        lambda e: e.copying.export_executions(ME, Filter(status="SUCCEEDED"), 10, None)
    )
    theatre.told["exported"] = len(exported.lines)
    for each in ids:
        await theatre.until(lambda e, i=each: _known(e, i), lambda known: not known)
    done = await theatre.until(
        lambda e: e.copying.import_executions(ME, exported.lines),
        lambda found: all(each.status in ("imported", "exists") for each in found),
    )
    theatre.told["imported"] = len(done)
    for each in ids:
        await theatre.until(lambda e, i=each: _known(e, i), lambda known: not known)


async def _known(engine: Engine, execution: str) -> bool:
    try:
        await engine.queries.describe(ME, execution)
    except StoreUnavailable:
        raise
    except ExecutionNotFound:
        return False
    await engine.pruner.tick()
    return True


async def loop(theatre: Theatre) -> None:
    """A loop that keeps its newest records only, told of to those who follow."""
    states = {
        "Count": {
            "Type": "Pass",
            "Parameters": {"n.$": "States.MathAdd($.n, 1)", "big": "x" * 100},
            "Next": "Enough",
        },
        "Enough": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericLessThan": 60, "Next": "Count"}],
            "Default": "Done",
        },
        "Done": {"Type": "Succeed"},
    }
    await theatre.publish(states, Detent={"HistoryRecords": 100})
    view = await theatre.ended(await theatre.start("n", {"n": 0}))
    theatre.told["output"] = json.dumps(view.output.value)
    page = await theatre.until(
        lambda e: e.feed.changes(ME, after="0", definition="d", wait_ms=0),
        lambda page: page.changes and page.changes[-1].status == "SUCCEEDED",
    )
    theatre.told["changes"] = len({change.place for change in page.changes}) == len(page.changes)


FLOWS: tuple[Flow, ...] = (
    Flow("map_standard", map_standard, ("pay",), pay_but_three),
    Flow("map_express", map_express),
    Flow("map_stopped", map_stopped),
    Flow("map_redriven", map_redriven, ("pay",), broken_once),
    Flow("family", family, ("wrap",), nested.answer),
    Flow("operators", operators, ("pay",), lambda task, _: Succeed(task.input.value)),
    Flow("bulk", bulk),
    Flow("catalog", catalog),
    Flow("tasks", tasks, ("pay",), busy_at_first),
    Flow("signals", signals),
    Flow(
        "copies",
        copies,
        settings={"retention_hours": SECOND_HOURS / 2, "tombstone_hours": SECOND_HOURS / 2},
    ),
    Flow("loop", loop, settings={"changes_kept": 1000}),
)
