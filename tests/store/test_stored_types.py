"""Redis undoes nothing: a script that meets a key of another type refuses before it has written anything.

Each scenario leads up to one call of a script; the call is then made once for every key it declares, with that key
replaced by one of another type, and compared by the content of the whole store.
"""

import asyncio
import re

import pytest
from scenarios import SCENARIOS, commit_that_takes_back_and_closes, create_execution
from world import (
    NS,
    CheckedRedis,
    World,
)

from engine.errors import StoreRefused
from engine.store import scripts


class Taken(Exception):
    """The call that the scenario led up to was taken down instead of made."""


class TakingRedis(CheckedRedis):
    """Takes down the next call of the script named `take` instead of making it."""

    take = ""
    taken = None

    def script(self, name, keys, args):
        if name != self.take:
            return super().script(name, keys, args)
        self.taken = (list(keys), list(args))
        future = asyncio.get_running_loop().create_future()
        future.set_exception(Taken())
        return future


def script_of(scenario):
    return max((n for n in scripts.names() if scenario.__name__.startswith(n)), key=len)


async def taken_down(redis, scenario):
    """The call that the scenario leads up to, with the store as it was before it."""
    await redis.each_node("FLUSHALL")
    redis.take = ""
    deed = await scenario(World(redis))
    redis.take = script_of(scenario)
    with pytest.raises(Taken):
        await deed
    redis.take = ""
    return redis.taken


async def put_another_type(redis, key):
    kind = await redis.call(key, "TYPE", key)
    await redis.call(key, "DEL", key)
    if kind == b"string":
        await redis.call(key, "RPUSH", key, "of another type")
    else:
        await redis.call(key, "SET", key, "of another type")


@pytest.mark.parametrize(
    ("scenario", "refusals"), SCENARIOS, ids=lambda value: getattr(value, "__name__", "")
)
async def test_a_key_of_another_type_is_refused_before_anything_is_written(url, scenario, refusals):
    redis = TakingRedis(url)
    await redis.open()
    refused = 0
    keys, _ = await taken_down(redis, scenario)
    for number in range(len(keys)):
        keys, args = await taken_down(redis, scenario)
        await put_another_type(redis, keys[number])
        before = await World(redis).snapshot()
        [answer] = await asyncio.gather(
            redis.script(script_of(scenario), keys, args), return_exceptions=True
        )
        if isinstance(answer, Exception):
            assert isinstance(answer, StoreRefused)
            assert re.search("WRONGTYPE|not an integer", str(answer)), keys[number]
            assert await World(redis).snapshot() == before, keys[number]
            refused += 1
    await redis.close()
    assert refused >= refusals


def test_every_script_has_a_scenario():
    assert {script_of(scenario) for scenario, _ in SCENARIOS} == set(scripts.names())


@pytest.mark.parametrize("scenario", [create_execution, commit_that_takes_back_and_closes])
async def test_a_count_that_is_no_number_is_refused_before_anything_is_written(url, scenario):
    redis = TakingRedis(url)
    await redis.open()
    keys, args = await taken_down(redis, scenario)
    [key] = [key for key in keys if key.endswith(f":{NS}:open")]
    await redis.call(key, "SET", key, "many")
    before = await World(redis).snapshot()
    with pytest.raises(StoreRefused, match="not an integer"):
        await redis.script(script_of(scenario), keys, args)
    assert await World(redis).snapshot() == before
    await redis.close()
