"""Distributed Maps over engines that are killed meanwhile."""

from __future__ import annotations

import pytest

from tests.acceptance.map_runs import run

pytestmark = pytest.mark.slow


async def test_engines_are_killed_and_every_items_child_is_run_once_and_counted_once(tmp_path):
    seen = await run(tmp_path, items=2000, kill_seconds=1.5, seed=3)
    assert seen.status == "SUCCEEDED", seen.output
    assert seen.output == list(range(1, 2001))
    assert {item: len(keys) for item, keys in seen.keys.items() if len(keys) != 1} == {}
    assert len(seen.keys) == 2000
    counts = seen.run.executions
    assert (counts.succeeded, counts.total, counts.running, counts.failed) == (2000, 2000, 0, 0)
    assert seen.run.items.succeeded == 2000
    assert seen.kills >= 2
