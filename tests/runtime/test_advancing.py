"""The advancer on a real server: nothing is lost, done twice or held up, whoever vanishes and whatever fails."""

import asyncio

import pytest
from desk import ME, Desk, until
from faulty import FaultyRedis

from engine.documents import Document
from engine.store.finding.filter import Filter

LISTEN = {"Type": "Task", "Resource": "signal:go", "End": True}
PAY = {"Type": "Task", "Resource": "activity:pay", "End": True}
TWO = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "End": True}}
ENDLESS = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "C"}}
ENDLESS["C"] = {
    "Type": "Choice",
    "Choices": [{"Variable": "$.stop", "IsPresent": True, "Next": "D"}],
    "Default": "A",
}
ENDLESS["D"] = {"Type": "Succeed"}


def chain(length):
    """So many Pass states in a row."""
    states = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(length - 1)}
    return states | {f"S{length - 1}": {"Type": "Pass", "End": True}}


class Gate(FaultyRedis):
    """Holds the next call of the script `armed` back until `let` is set: its holder has gone silent."""

    def __init__(self, real):
        super().__init__(real)
        self.armed = ""
        self.held = asyncio.Event()
        self.let = asyncio.Event()

    def script(self, name, keys, args):
        if name != self.armed:
            return super().script(name, keys, args)
        self.armed = ""
        return asyncio.ensure_future(self._late(name, keys, args))

    async def _late(self, name, keys, args):
        self.held.set()
        await self.let.wait()
        return await super().script(name, keys, args)


async def test_an_execution_runs_to_its_end_and_its_history_has_no_gap(desk):
    await desk.publish(chain(5))
    view = await desk.end(await desk.start("n", {"x": [1]}))
    assert (view.status, view.output.value) == ("SUCCEEDED", {"x": [1]})
    kinds = await desk.kinds(view.id)
    assert kinds[0] == "ExecutionStarted"
    assert kinds[-1] == "ExecutionSucceeded"
    assert kinds.count("PassStateEntered") == 5


async def test_one_that_never_ends_lets_the_others_have_their_turn(engines):
    desk = Desk(await engines(concurrency=1, history_records_max=1_000_000))
    await desk.publish(ENDLESS, "endless")
    await desk.publish(chain(150), "chain")
    endless = await desk.start("n", definition="endless")
    await until(lambda: desk.engine.counters.value("detent_transitions_total") > 10)
    for number in range(3):
        view = await desk.end(await desk.start(f"n{number}", definition="chain"))
        assert view.status == "SUCCEEDED"
    assert (await desk.describe(endless)).status == "RUNNING"
    stopped = await desk.engine.commands.stop(ME, endless, None, None, 60_000)
    assert stopped.status == "ABORTED"


async def test_what_a_vanished_holder_held_goes_on_when_its_claim_lapses(engines):
    desk = Desk(await engines())
    await desk.publish({"Ask": LISTEN})
    execution = await desk.start("n")
    await until_waiting(desk, execution)
    ref = f"default:{execution}"
    other = Desk(await engines(redis=Gate))
    gate = other.engine.redis
    # The other process takes it and goes silent with its commit in hand.
    desk.engine._advancer._open = False
    gate.armed = "commit"
    await other.engine.commands.signal(ME, execution, "go", Document.of("on"), "1")
    await gate.held.wait()
    desk.engine._advancer._open = True
    view = await desk.end(execution)
    assert view.output.value == "on"
    kinds = await desk.kinds(execution)
    # And when it comes back, its commit is refused and nothing of it is written.
    gate.let.set()
    await until(lambda: other.engine.counters.value("detent_commits_refused_total") == 1)
    assert await desk.kinds(execution) == kinds
    assert ref not in other.engine._advancer._held


@pytest.mark.parametrize("how", ["before", "after"])
async def test_whichever_call_fails_the_execution_ends_the_same(engines, how):
    faulty = []
    engine = await engines(redis=lambda real: faulty.append(FaultyRedis(real)) or faulty[0])
    desk, seen = Desk(engine), Desk(await engines(advances=False))
    await desk.publish(chain(3))
    whole = await desk.kinds((await desk.end(await desk.start("whole"))).id)
    for number in range(1, 6):
        execution = await desk.start(f"w{number}")
        faulty[0].fail(number, how)  # of the calls from its claim on
        view = await seen.end(execution)
        assert (view.status, await seen.kinds(execution)) == ("SUCCEEDED", whole)


@pytest.mark.parametrize("at", [1, 2, 3, 5])
async def test_whenever_a_process_dies_another_finishes_what_it_held(engines, at):
    faulty = []
    dying = Desk(
        await engines(
            redis=lambda real: faulty.append(FaultyRedis(real)) or faulty[0], drain_seconds=0
        )
    )
    await dying.publish(TWO)
    other = Desk(await engines())
    other.engine._advancer._open = False
    await dying.start("n")
    faulty[0].fail(at, "die")
    asyncio.get_running_loop().call_soon(dying.engine._advancer.offer, "default:d:n")
    await until(faulty[0].died.is_set) if at < 4 else await asyncio.sleep(0)
    other.engine._advancer._open = True
    view = await other.end("d:n")
    assert view.status == "SUCCEEDED"
    assert (await other.kinds("d:n"))[-1] == "ExecutionSucceeded"


@pytest.mark.parametrize("held", ["claim", "commit"])
async def test_a_stop_of_the_process_lets_go_at_the_next_checkpoint_and_strands_nothing(
    engines, held
):
    first = Desk(await engines(redis=Gate))
    await first.publish(chain(150))
    gate = first.engine.redis
    gate.armed = held
    await first.start("n")
    await gate.held.wait()
    stopping = asyncio.create_task(first.engine._advancer.stop(60))
    await asyncio.sleep(0)
    gate.let.set()
    await stopping
    assert first.engine.counters.value("detent_transitions_total") == 1
    second = Desk(await engines())
    view = await second.end("d:n")
    assert view.status == "SUCCEEDED"
    assert (await second.kinds(view.id)).count("PassStateEntered") == 150
    assert second.engine.counters.value("detent_transitions_total") == view.revision - 1


async def test_a_stored_state_that_cannot_be_is_set_aside_and_the_others_go_on(desk):
    await desk.publish({"Ask": LISTEN})
    redis, keys = desk.engine.redis, desk.engine.sweeper._keys
    broken = {}
    for name, field, given in (
        ("state", "f:0", None),
        ("meta", "m", b"\x01\xc1"),
        ("frame", "f:0", b"garbage"),
    ):
        execution = broken[name] = await desk.start(name)
        await until_waiting(desk, execution)
        key = keys.of(f"default:{execution}").execution
        damaged = given
        if damaged is None:
            stored = await redis.call(key, "HGET", key, field)
            damaged = stored.replace(b"\xa3Ask", b"\xa3Nix")
            assert damaged != stored
        await redis.call(key, "HSET", key, field, damaged)
    for execution in broken.values():
        await desk.engine.commands.signal(ME, execution, "go", Document.of(1), "1")
        await until_quarantined(desk, execution)
    fine = await desk.start("fine")
    await desk.engine.commands.signal(ME, fine, "go", Document.of(1), "1")
    assert (await desk.end(fine)).status == "SUCCEEDED"
    # It can be stopped where its frames can still be read.
    stopped = await desk.engine.commands.stop(ME, broken["state"], None, None, 60_000)
    assert stopped.status == "ABORTED"


async def test_two_processes_share_the_work_and_each_execution_is_advanced_once(engines):
    desks = [Desk(await engines()), Desk(await engines())]
    await desks[0].publish({"Ask": LISTEN})
    executions = [await desks[n % 2].start(f"n{n}") for n in range(40)]
    for number, execution in enumerate(executions):
        await desks[(number // 2) % 2].engine.commands.signal(
            ME, execution, "go", Document.of(number), "1"
        )
    for number, execution in enumerate(executions):
        view = await desks[number % 2].end(execution)
        assert view.output.value == number
        await desks[0].kinds(execution)
    shares = [desk.engine.counters.value("detent_executions_closed_total") for desk in desks]
    assert sum(shares) == 40
    assert min(shares) > 0


async def test_a_task_step_costs_at_most_four_writes_one_after_the_other(engines):
    """lease, settle, claim, commit; the first and the last step share theirs with start and end."""
    faulty = []
    engine = await engines(
        redis=lambda real: faulty.append(FaultyRedis(real)) or faulty[0], lease_ms=30_000
    )
    desk, steps = Desk(engine), 5
    states = {
        f"S{n}": {"Type": "Task", "Resource": "activity:pay", "Next": f"S{n + 1}"}
        for n in range(steps - 1)
    }
    await desk.publish(states | {f"S{steps - 1}": PAY})
    counted = faulty[0]
    counted.names.clear()
    await desk.start("n")
    for _ in range(steps):
        [task] = await desk.lease()
        await desk.succeed(task)
    await until(lambda: counted.names.count("commit") >= steps + 1)
    names = [name for name in counted.names if name != "watch"]
    assert names[:3] == ["create_execution", "claim", "commit"]
    assert names[3:] == ["lease_tasks", "settle_task", "claim", "commit"] * steps
    assert (await desk.end("d:n")).status == "SUCCEEDED"


async def until_waiting(desk, execution):
    async with asyncio.timeout(60):
        while not (view := await desk.describe(execution)).waiting_signals:
            await asyncio.sleep(0.01)
    return view


async def until_quarantined(desk, execution):
    async with asyncio.timeout(60):
        while not isinstance((await desk.describe(execution)).quarantined, str):
            await asyncio.sleep(0.01)


async def test_a_signal_kept_for_later_leaves_an_execution_on_the_list_of_its_state(engines):
    desk = Desk(await engines())
    await desk.publish({"W": {"Type": "Wait", "Seconds": 2_592_000, "End": True}})
    execution = await desk.start("n")

    async def resting():
        page = await desk.engine.queries.executions(
            ME, Filter(definition="d", state="W"), limit=10, cursor=None
        )
        return [row.id for row in page.executions]

    async with asyncio.timeout(60):
        while await resting() != [execution]:
            await asyncio.sleep(0.01)
    await desk.engine.commands.signal(ME, execution, "X", Document.of(1), None)
    async with asyncio.timeout(60):
        while "SignalReceived" not in await desk.kinds(execution):
            await asyncio.sleep(0.01)
    assert await resting() == [execution]


async def test_a_stop_that_comes_before_the_first_claim_is_all_that_happens(engines):
    idle = Desk(await engines(advances=False))
    await idle.publish({"Pay": {"Type": "Task", "Resource": "activity:pay", "End": True}})
    execution = await idle.start("n")
    await idle.engine.commands.stop(ME, execution, "E", "C", 0)
    await engines()
    assert (await idle.end(execution)).status == "ABORTED"
    assert await idle.kinds(execution) == ["ExecutionStarted", "ExecutionAborted"]
