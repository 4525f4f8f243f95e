"""Every script runs on a cluster, whose nodes refuse keys of other slots: all keys of a call carry one tag, and are declared."""

from __future__ import annotations

import re

import pytest
from scenarios import SCENARIOS
from world import CheckedRedis, World

from engine.store import scripts


class Recording(CheckedRedis):
    """Knows which scripts were called, and with which tag."""

    def __init__(self, url):
        super().__init__(url)
        self.called = []

    def script(self, name, keys, args):
        self.called.append((name, {key[key.index("{") + 1 : key.index("}")] for key in keys}))
        return super().script(name, keys, args)


@pytest.mark.parametrize(
    "scenario", [scenario for scenario, _ in SCENARIOS], ids=lambda value: value.__name__
)
async def test_each_deed_is_done_on_a_cluster_by_scripts_whose_keys_carry_one_tag(
    cluster_url, scenario
):
    redis = Recording(cluster_url)
    await redis.open()
    try:
        deed = await scenario(World(redis))
        before = len(redis.called)
        await deed
        assert all(len(tags) == 1 for _, tags in redis.called)
        assert all(re.fullmatch(r"\d\d|catalog|store", tag) for _, [tag] in redis.called)
        wanted = max(
            (n for n in scripts.names() if scenario.__name__.startswith(n)), key=len, default=""
        )
        assert wanted in [name for name, _ in redis.called[before:] or redis.called[-1:]]
    finally:
        await redis.close()


async def test_a_mark_leaves_no_key_that_both_nodes_of_a_move_could_have(cluster_url):
    redis = Recording(cluster_url)
    await redis.open()
    try:
        await redis.script("mark", ["t:{00}:mark"], [])
        assert await redis.call("t:{00}:mark", "EXISTS", "t:{00}:mark") == 0
    finally:
        await redis.close()
