"""A cluster that moves slots and loses nodes: redirects are followed, nothing surfaces, nothing runs twice."""

import asyncio

import pytest
from redis.crc import key_slot
from world import PAY, TWO, CheckedRedis, World

from engine.documents import Document
from engine.errors import StoreUnavailable
from engine.store import connection
from engine.store.connection import Redis
from engine.store.server import doorbell
from tests.chaos.cluster.nodes import Move


class Watching(CheckedRedis):
    """Counts the answers that were followed, by their word."""

    def __init__(self, url):
        super().__init__(url)
        self.words = {}

    def _on_error(self, link, call, error):
        word = type(error).__name__
        self.words[word] = self.words.get(word, 0) + 1
        super()._on_error(link, call, error)

    def heard(self, *words):
        return sum(self.words.get(word, 0) for word in words)


@pytest.fixture
async def redis(cluster_url):
    opened = Watching(cluster_url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def world(redis):
    return World(redis)


@pytest.fixture
def move(cluster, world):
    """A move of the slot in which partition 0 lies; it is undone at the end."""
    slot = key_slot(world.keys.ready(0).encode())
    home = cluster.owner(slot)
    yield Move(cluster, slot, (home + 1) % 3)
    for number in range(3):
        cluster.node(number).execute_command("CLUSTER", "SETSLOT", slot, "STABLE")
    cluster.flush()
    if cluster.owner(slot) != home:
        back = Move(cluster, slot, home)
        back.begin()
        back.finish()


def of_partition_0(world, count):
    names = (f"n{number}" for number in range(9999))
    return [n for n in names if world.keys.partition_of(f"default:d:{n}") == 0][:count]


async def test_partitions_are_spread_over_every_node(world):
    from engine.store.keys import Keys

    keys = Keys("detent", 64)
    links = [world.redis._route(keys.ready(partition)) for partition in range(64)]
    shares = [links.count(link) for link in set(links)]
    assert len(shares) == 3
    assert min(shares) >= 10


async def test_a_slot_that_moved_is_followed_and_its_new_place_learned(world, move):
    [name] = of_partition_0(world, 1)
    ref = await world.start(name)
    move.begin()
    move.finish()
    await world.advance(ref)
    assert world.redis.heard("MovedError") >= 1
    while world.redis._refreshing is not None and not world.redis._refreshing.done():
        await asyncio.sleep(0.01)
    before = world.redis.heard("MovedError")
    [lease] = await world.lease(ref)
    assert lease.ref == ref
    assert world.redis.heard("MovedError") == before


async def test_twenty_callers_see_nothing_of_a_slot_that_is_being_moved_under_them(world, move):
    names = of_partition_0(world, 20)
    await world.publish(states=TWO)
    sent = dict.fromkeys(names, 0)
    done = asyncio.Event()
    for name in names:
        await world.create(name)

    async def caller(name):
        while not done.is_set():
            number = sent[name]
            payload = Document.of(number)
            assert await world.signals.deliver(f"default:d:{name}", "go", f"s{number}", payload)
            sent[name] += 1

    callers = [asyncio.create_task(caller(name)) for name in names]
    await until(lambda: sum(sent.values()) > 100, callers)
    move.begin()
    for _ in range(5):  # some keys of an execution here, some there
        move.keys(9)
        await until_heard(world.redis, callers, "TryAgainError", "AskError")
    move.finish()
    reached = sum(sent.values())
    await until(lambda: sum(sent.values()) > reached + 100, callers)
    done.set()
    await asyncio.gather(*callers)
    for name in names:
        keys = world.keys.of(f"default:d:{name}")
        assert await world.redis.call(keys.inbox, "LLEN", keys.inbox) == sent[name]
        assert await world.redis.call(keys.seen, "ZCARD", keys.seen) == sent[name]


async def test_executions_are_advanced_to_their_end_while_their_slot_moves(world, move):
    names = of_partition_0(world, 20)
    await world.publish(states=PAY)
    await asyncio.gather(*(world.create(name) for name in names))
    move.begin()
    move.keys(25)
    refs = [f"default:d:{name}" for name in names]
    working = [asyncio.create_task(world.advance(ref)) for ref in refs]
    await until_heard(world.redis, working, "TryAgainError", "AskError")
    move.finish()
    await asyncio.gather(*working)
    leases = await world.lease(refs[0], most=50)
    assert sorted(lease.ref for lease in leases) == sorted(refs)
    for ref in refs:
        history = world.keys.of(ref).history
        from engine.store import codec

        records = await world.redis.call(history, "LRANGE", history, 0, -1)
        assert [codec.unpack_record(r).id for r in records] == list(range(1, len(records) + 1))


async def test_what_is_asked_of_a_node_that_died_goes_to_the_one_that_took_its_slots(cluster, url):
    extra = cluster.add()
    cluster.settle()
    slot = 7
    key = next(f"k{{{n}}}" for n in range(10**6) if key_slot(f"k{{{n}}}".encode()) == slot)
    home = cluster.owner(slot)

    def give(number):
        for node in range(extra + 1):
            cluster.node(node).execute_command(
                "CLUSTER", "SETSLOT", slot, "NODE", cluster.identity(number)
            )

    give(extra)
    redis = Redis(cluster.url)
    await redis.open()
    assert await redis.call(key, "PING") == b"PONG"
    link = redis._route(key)
    gone = cluster.identity(extra)
    give(home)
    cluster.kill(extra)
    for node in range(3):
        cluster.node(node).execute_command("CLUSTER", "FORGET", gone)
    await until(lambda: link.error is not None, [])
    async with asyncio.timeout(60):
        assert await redis.call(key, "SET", key, "kept") == b"OK"
    assert redis._route(key) is not link
    await until(lambda: link not in redis._known(), [])
    await redis.close()


async def test_a_doorbell_moves_on_when_its_node_has_left_or_fallen_silent(
    redis, cluster, monkeypatch
):
    monkeypatch.setattr(doorbell, "QUIET_SECONDS", 0.05)
    heard, served = [], []
    monkeypatch.setattr(
        redis, "serves", lambda connection: served.append(connection) or len(served) > 1
    )
    bell = doorbell.Doorbell(redis, ["t:bell"], lambda *message: heard.append(message))
    bell.start()
    await until(lambda: len({id(connection) for connection in served}) > 1, [])
    while not heard:
        await redis.call(None, "PUBLISH", "t:bell", "ready")
        await asyncio.sleep(0.01)
    await bell.stop()
    assert heard[0] == ("t:bell", "ready")


async def test_a_subscriber_is_sent_to_a_node_that_serves_slots(redis, cluster):
    connections = [redis.new_connection() for _ in range(30)]
    assert {connection.port for connection in connections} == {*cluster.ports[:3]}
    assert all(redis.serves(connection) for connection in connections)
    redis._links.pop(("127.0.0.1", connections[0].port))
    assert not redis.serves(connections[0])


async def test_what_waits_in_vain_for_a_slot_is_refused_in_plain_words(
    redis, world, move, monkeypatch
):
    monkeypatch.setattr(connection, "REDIRECT_SECONDS_MAX", 0.2)
    [name] = of_partition_0(world, 1)
    await world.start(name)
    move.begin()
    move.keys(1)
    with pytest.raises(StoreUnavailable, match="the data is being moved to another node") as caught:
        await world.claim(f"default:d:{name}")
    assert "TRYAGAIN" not in str(caught.value)


async def until(holds, tasks):
    """Wait until it holds; a task that failed meanwhile says why at once."""
    async with asyncio.timeout(60):
        while not holds():
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.01)


async def until_heard(redis, tasks, *words):
    before = redis.heard(*words)
    await until(lambda: redis.heard(*words) > before, tasks)
