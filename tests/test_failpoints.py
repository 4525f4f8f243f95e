"""Failpoints: off unless asked for, and what they are asked for happens at that passage only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from engine import failpoints

PASSES = "from engine import failpoints as f; [f.ARMED and f.hit('here') for _ in range(3)]; print('through')"


def passing(orders):
    environment = {k: v for k, v in os.environ.items() if k != "DETENT_FAILPOINTS"}
    if orders:
        environment["DETENT_FAILPOINTS"] = orders
    return subprocess.run(
        (sys.executable, "-c", PASSES), env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif("DETENT_FAILPOINTS" in os.environ, reason="armed by whoever runs the tests")
def test_no_point_is_armed_unless_asked_for():
    assert not failpoints.ARMED


@pytest.mark.parametrize("orders", ["", "elsewhere:1:kill", "here:4:kill"])
def test_a_point_without_an_order_for_this_passage_is_passed(orders):
    assert passing(orders).stdout == "through\n"


def test_the_process_is_killed_at_the_passage_that_was_ordered():
    assert passing("here:2:kill").returncode == -signal.SIGKILL


def test_a_point_that_is_to_fail_raises():
    assert "FailpointHit" in passing("here:0:raise").stderr


def test_an_order_that_cannot_be_read_ends_the_process():
    assert "is no action" in passing("here:1:explode").stderr
