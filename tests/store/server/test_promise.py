"""What each configuration of Redis is allowed to promise."""

import asyncio
from dataclasses import replace

import pytest
import redis.asyncio
from redis.exceptions import NoPermissionError

from engine.errors import StoreRefused, StoreUnavailable
from engine.store.server.embedded import EmbeddedRedis
from engine.store.server.promise import (
    Facts,
    check,
    check_nodes,
    judge,
    read_facts,
    refuse_alone,
    weakest,
)

DURABLE = Facts(version="7.2.4", aof=True, appendfsync="always", no_appendfsync_on_rewrite="no")
HA = replace(DURABLE, replicas_online=2, min_replicas_to_write=1, min_replicas_max_lag=2)
DEV = replace(DURABLE, appendfsync="everysec")


@pytest.mark.parametrize(
    ("facts", "mode", "reason"),
    [
        (DURABLE, "durable", "not ha: 0 replicas are online"),
        (replace(DURABLE, maxmemory=10**9), "durable", "not ha"),
        (DEV, "dev", "not durable: appendfsync is everysec"),
        (replace(DURABLE, appendfsync=None), "dev", "appendfsync is unknown"),
        (
            replace(DURABLE, no_appendfsync_on_rewrite="yes"),
            "dev",
            "no-appendfsync-on-rewrite is yes",
        ),
        (
            replace(DURABLE, no_appendfsync_on_rewrite=None),
            "dev",
            "no-appendfsync-on-rewrite is unknown",
        ),
        (replace(DURABLE, appendfsync="no"), "none", "not dev: appendfsync is no"),
        (replace(DURABLE, aof=False), "none", "not dev: appendonly is no"),
        (replace(DURABLE, aof_write_ok=False), "none", "append-only file failed"),
        (replace(DURABLE, role="slave"), "none", "is a slave"),
        (replace(HA, aof=False), "none", "appendonly"),
    ],
)
def test_the_mode_is_the_highest_whose_conditions_all_hold(facts, mode, reason):
    promise = judge(facts)
    assert promise.mode == mode
    assert any(reason in text for text in promise.reasons)


def test_ha_is_promised_only_with_examined_replicas_and_awaited_writes():
    promise = judge(HA, replicas=[DURABLE, DURABLE], waits=True)
    assert (promise.mode, promise.reasons) == ("ha", ())


@pytest.mark.parametrize(
    ("facts", "replicas", "waits", "reason"),
    [
        (replace(HA, replicas_online=1), [DURABLE] * 2, True, "1 replicas are online"),
        (replace(HA, min_replicas_to_write=0), [DURABLE] * 2, True, "min-replicas-to-write"),
        (replace(HA, min_replicas_to_write=None), [DURABLE] * 2, True, "min-replicas-to-write"),
        (replace(HA, min_replicas_max_lag=10), [DURABLE] * 2, True, "min-replicas-max-lag"),
        (replace(HA, min_replicas_max_lag=0), [DURABLE] * 2, True, "min-replicas-max-lag"),
        (HA, [DURABLE], True, "of 1 replicas was examined"),
        (HA, [DURABLE, DEV], True, "on replica 2, appendfsync is everysec"),
        (HA, [DURABLE, replace(DURABLE, aof=False)], True, "on replica 2, appendonly is no"),
        (HA, [DURABLE] * 2, False, "do not await replicas"),
    ],
)
def test_each_missing_condition_of_ha_leaves_durable_and_says_why(facts, replicas, waits, reason):
    promise = judge(facts, replicas=replicas, waits=waits)
    assert promise.mode == "durable"
    assert len(promise.reasons) == 1
    assert reason in promise.reasons[0]


@pytest.mark.parametrize(
    "policy", ["allkeys-lru", "volatile-lru", "volatile-ttl", "allkeys-random"]
)
def test_a_redis_that_evicts_is_refused(policy):
    with pytest.raises(StoreRefused, match=policy):
        judge(replace(DURABLE, maxmemory_policy=policy))


def test_without_the_replicas_that_are_to_be_awaited_the_start_is_refused_and_says_so():
    with pytest.raises(StoreUnavailable, match="0 replicas are online"):
        refuse_alone(judge(DURABLE), 1)
    refuse_alone(judge(DURABLE), 0)
    refuse_alone(judge(HA), 2)


@pytest.mark.parametrize("version", ["6.2.14", "5.0.0", "0", ""])
def test_a_redis_before_7_is_refused(version):
    with pytest.raises(StoreRefused, match="or later"):
        judge(replace(DURABLE, version=version))


def test_several_nodes_promise_what_the_weakest_does():
    promise = weakest([judge(DURABLE), judge(DEV), judge(DURABLE)])
    assert promise.mode == "dev"
    assert promise.facts["nodes"] == 3
    assert sum("everysec" in reason for reason in promise.reasons) == 1


INFO = b"""# Server\r\nredis_version:7.2.4\r\nvalkey_version:9.1.2\r\n# Persistence\r\naof_enabled:1\r
aof_last_write_status:err\r\n# Memory\r\nmaxmemory:100\r\nmaxmemory_policy:noeviction\r\n# Replication\r\nrole:master\r
slave0:ip=10.0.0.1,port=6379,state=online,offset=1,lag=0\r\nslave1:ip=10.0.0.2,port=6379,state=wait_bgsave,lag=0\r
slave_expires_tracked_keys:online\r\n"""


def test_facts_are_read_from_raw_answers():
    facts = read_facts(INFO, [b"appendfsync", b"always", b"min-replicas-to-write", b"1"])
    assert facts == Facts(
        version="7.2.4",
        server="valkey",
        aof=True,
        aof_write_ok=False,
        appendfsync="always",
        maxmemory=100,
        replicas_online=1,
        min_replicas_to_write=1,
    )


class Managed:
    """A Redis that does not let anybody read its configuration."""

    replicas = 0

    async def execute_command(self, *args):
        if args[0] == "CONFIG":
            raise NoPermissionError("no permissions to run the 'config|get' command")
        return INFO.replace(b":err", b":ok")

    async def each_node(self, *args):
        return [await self.execute_command(*args)] * 2


async def test_a_redis_that_denies_config_is_not_taken_for_durable():
    for promise in (await check(Managed()), await check_nodes(Managed())):
        assert promise.mode == "dev"
        assert "not durable: appendfsync is unknown" in promise.reasons[0]


class Growing(Managed):
    """A cluster that a node joins as soon as it was asked something."""

    nodes = 1

    async def each_node(self, *args):
        answers = [INFO if args[0] == "INFO" else []] * self.nodes
        await asyncio.sleep(0)
        self.nodes += 1
        return answers


async def test_a_node_that_joins_while_the_nodes_are_asked_does_not_mix_their_answers_up():
    assert (await check_nodes(Growing())).facts["nodes"] == 1


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("decode", [False, True])
async def test_the_embedded_server_is_durable_whatever_the_client_makes_of_answers(
    server, protocol, decode
):
    client = redis.asyncio.Redis.from_url(server.url, protocol=protocol, decode_responses=decode)
    async with client:
        promise = await check(client)
    assert promise.mode == "durable"
    assert promise.facts["server"] == "valkey"
    assert all(reason.startswith("not ha") for reason in promise.reasons)


async def test_a_change_of_configuration_shows_at_the_next_check(server):
    async with redis.asyncio.Redis.from_url(server.url) as client:
        await client.config_set("appendfsync", "everysec")
        assert (await check(client)).mode == "dev"
        await client.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(StoreRefused):
            await check(client)


@pytest.fixture
def server(tmp_path):
    embedded = EmbeddedRedis(tmp_path)
    embedded.start()
    yield embedded
    embedded.stop()
