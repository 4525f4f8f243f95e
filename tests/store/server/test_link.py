"""The link: replies find their calls, nothing is sent twice, and what cannot be known is said to be unknown."""

import asyncio
import random

import pytest
from faulty import FaultyRedis
from losing_proxy import Proxy
from world import PAY, TWO, World

from engine.errors import OutcomeUnknown, StaleCommit, StoreRefused, StoreUnavailable
from engine.store.connection import Redis
from engine.store.server.link import Call, Link

pytestmark = pytest.mark.standalone("its proxy stands between a client and one socket")


@pytest.fixture
async def proxy(url, tmp_path_factory):
    path = tmp_path_factory.mktemp("p") / "s"
    made = Proxy(url.removeprefix("unix://"), str(path))
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def through(proxy):
    """A client whose every byte passes the proxy."""
    redis = Redis(proxy.url, reply_seconds_max=2.0)
    await redis.open()
    yield redis
    await redis.close()


@pytest.fixture
async def direct(url):
    redis = Redis(url)
    await redis.open()
    yield redis
    await redis.close()


async def count(redis):
    return int(await redis.call("n", "GET", "n") or 0)


@pytest.mark.parametrize(("lose", "done"), [("reply", 1), ("request", 0)])
async def test_a_call_whose_answer_is_lost_is_unknown_and_never_sent_again(
    proxy, through, direct, lose, done
):
    proxy.lose = lose
    with pytest.raises(OutcomeUnknown):
        await through.call("n", "INCR", "n")
    await through.call("n", "PING")  # connected again
    assert await count(direct) == done


async def test_of_a_hundred_calls_in_flight_none_is_run_twice_when_the_answers_are_lost(
    proxy, through, direct
):
    proxy.lose = "reply"
    answers = await asyncio.gather(
        *(through.call("n", "INCR", "n") for _ in range(100)), return_exceptions=True
    )
    unknown = sum(isinstance(answer, OutcomeUnknown) for answer in answers)
    numbers = [answer for answer in answers if isinstance(answer, int)]
    assert unknown >= 1
    assert unknown + len(numbers) == 100
    assert len(set(numbers)) == len(numbers)
    assert len(numbers) <= await count(direct) <= 100


async def test_a_commit_whose_answer_is_lost_is_resolved_by_asking_and_not_committed_again(
    proxy, through
):
    world = World(through)
    ref = await world.start(states=TWO)
    claim = await world.claim(ref)
    _, commit = await world.prepare(claim)
    proxy.lose = "reply"
    with pytest.raises(OutcomeUnknown):
        await world.executions.commit(claim, commit)
    assert (await world.read(ref)).execution.revision == 1
    with pytest.raises(StaleCommit):
        await world.executions.commit(claim, commit)


async def test_calls_made_while_there_is_no_connection_wait_for_the_next(proxy, through):
    before = through.connections
    await proxy.stop()
    waiting = [through.call("n", "INCR", "n") for _ in range(10)]
    await asyncio.sleep(0)
    await proxy.start()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    # Those that were written before the break was noticed are unknown; all others were made, once.
    made = [answer for answer in answers if isinstance(answer, int)]
    assert all(isinstance(a, int | OutcomeUnknown) for a in answers)
    assert made == sorted(set(made))
    assert await through.call("n", "PING") == b"PONG"
    assert through.connections == before + 1


async def test_without_a_server_calls_fail_as_not_done_after_the_links_patience(
    proxy, direct, through
):
    await proxy.stop()
    link = Link(
        through.new_connection,
        lambda link, call, error: None,
        lambda: None,
        patience_seconds=0.1,
    )
    futures = [asyncio.get_running_loop().create_future() for _ in range(3)]
    for future in futures:
        link.send(Call(("INCR", "n"), future))
    answers = await asyncio.gather(*futures, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 3
    assert await count(direct) == 0
    await proxy.start()
    again = asyncio.get_running_loop().create_future()
    link.send(Call(("INCR", "n"), again))
    assert await again == 1
    await link.close()


async def test_a_server_that_falls_silent_is_given_up_and_the_call_is_unknown(url, proxy):
    redis = Redis(proxy.url, reply_seconds_max=0.3)
    await redis.open()
    proxy.lose = "everything"
    with pytest.raises(OutcomeUnknown, match="no reply"):
        await redis.call("n", "INCR", "n")
    proxy.lose = ""
    assert await redis.call("n", "INCR", "n") == 1
    await redis.close()


async def test_a_server_that_is_silent_while_the_link_connects_is_given_up_too(proxy):
    redis = Redis(proxy.url, reply_seconds_max=0.3)
    proxy.lose = "everything"
    opening = asyncio.create_task(redis.open())
    async with asyncio.timeout(30):
        await proxy.lost.wait()
        while redis._home.error is None:
            await asyncio.sleep(0.01)
        proxy.lose = ""
        await opening
    await redis.close()


async def test_an_idle_link_is_not_given_up(proxy):
    redis = Redis(proxy.url, reply_seconds_max=0.1)
    await redis.open()
    before = redis.connections
    await asyncio.sleep(0.5)
    assert await redis.call("n", "PING") == b"PONG"
    assert redis.connections == before
    await redis.close()


async def test_cancelled_calls_leave_every_other_its_own_reply(direct):
    chance = random.Random(7)

    async def ask(number):
        return number, int(await direct.call(None, "ECHO", str(number)))

    tasks = [asyncio.create_task(ask(number)) for number in range(2000)]
    for task in chance.sample(tasks, 700):
        asyncio.get_running_loop().call_later(chance.random() / 50, task.cancel)
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    pairs = [answer for answer in answers if isinstance(answer, tuple)]
    assert all(asked == told for asked, told in pairs)
    assert len(pairs) >= 1300
    assert await ask(-1) == (-1, -1)


async def test_calls_are_run_in_the_order_they_were_made(direct):
    answers = await asyncio.gather(*(direct.call("n", "INCR", "n") for _ in range(500)))
    assert answers == list(range(1, 501))


async def test_scripts_that_redis_forgot_are_sent_again_and_run_once(world):
    ref = await world.start(states=PAY)
    for _ in range(3):
        await world.redis.each_node("SCRIPT", "FLUSH")
        from engine.documents import Document

        accepted = await asyncio.gather(
            *(world.signals.deliver(ref, "go", f"s{n}", Document.of(n)) for n in range(40))
        )
        assert accepted.count(True) in (40, 0)
    inbox = world.keys.of(ref).inbox
    assert await world.redis.call(inbox, "LLEN", inbox) == 40


async def test_after_a_close_calls_are_refused_and_those_on_their_way_are_unknown(url, proxy):
    redis = Redis(proxy.url)
    await redis.open()
    proxy.lose = "everything"
    pending = redis.call("n", "INCR", "n")
    await proxy.lost.wait()
    await redis.close()
    with pytest.raises(OutcomeUnknown):
        await pending
    with pytest.raises(StoreUnavailable):
        await redis.call("n", "INCR", "n")


async def test_when_memory_is_full_starts_are_refused_and_what_runs_goes_on_to_its_end(alone):
    world = alone
    ref = await world.start(states=PAY)
    await world.redis.call(None, "CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(StoreUnavailable):
            await world.create("late")
        from engine.documents import Document

        with pytest.raises(StoreUnavailable):
            await world.signals.deliver(ref, "go", "1", Document.of(1))
        await world.advance(ref)
        [lease] = await world.lease(ref)
        from world import address

        from engine.core.events import TaskSucceeded

        await world.tasks.heartbeat(
            address(lease), lease=lease.lease, lease_ms=1000, heartbeat_ms=0
        )
        event = TaskSucceeded(lease.row.frame, lease.row.revision, Document.of(1))
        await world.tasks.settle(address(lease), event, lease=lease.lease)
        await world.advance(ref)
    finally:
        await world.redis.call(None, "CONFIG", "SET", "maxmemory", "0")
    assert await world.status(ref) == "SUCCEEDED"
    assert (await world.create("late")).verdict == "created"


@pytest.mark.parametrize("address", ["http://x", "redis://[", "x", "redis://h:port"])
def test_addresses_that_are_none_are_refused(address):
    with pytest.raises(StoreRefused):
        Redis(address)


async def test_a_faulty_redis_fails_the_call_it_was_told_to_and_in_the_way_it_was_told(direct):
    faulty = FaultyRedis(direct)
    faulty.fail(2, "before")
    faulty.fail(3, "after")
    assert await faulty.call("n", "INCR", "n") == 1
    assert await faulty.call("n", "GET", "n") == b"1"  # reads do not count
    with pytest.raises(StoreUnavailable) as refused:
        await faulty.call("n", "INCR", "n")
    assert type(refused.value) is StoreUnavailable
    assert await count(direct) == 1
    with pytest.raises(OutcomeUnknown):
        await faulty.call("n", "INCR", "n")
    assert await count(direct) == 2
    on_its_way = faulty.call("n", "INCR", "n")
    faulty.fail(1, "die")
    dead = faulty.call("n", "INCR", "n")
    assert faulty.died.is_set()
    assert await count(direct) == 3
    assert not any(one.done() for one in (on_its_way, dead, faulty.call("n", "GET", "n")))
    assert faulty.names == ["INCR"] * 5
