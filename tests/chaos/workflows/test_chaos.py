"""Random workflows under faults, in the short form. The long one is a command: `python -m tests.chaos.workflows`."""

from __future__ import annotations

import json

import pytest

from tests.chaos.workflows.plan import Plan
from tests.chaos.workflows.run import run

pytestmark = pytest.mark.slow

SHORT = Plan(executions=180, orders=30, kills=14, lease_ms=1500, gap_seconds=(0.2, 1.2), seed=7)


async def test_random_workflows_end_as_computed_whatever_is_killed_stopped_or_cut_off(tmp_path):
    verdict = await run(SHORT, tmp_path)
    assert verdict["verdict"] == "pass", json.dumps(verdict, indent=2)
