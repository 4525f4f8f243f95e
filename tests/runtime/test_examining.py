"""Examining definitions beside the event loop."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from engine import examining
from engine.examining import INLINE_BYTES_MAX, examined

GOOD = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}).encode()


@pytest.mark.parametrize("padding", [0, INLINE_BYTES_MAX])
async def test_short_and_long_texts_are_examined_alike(padding):
    machine, problems = await examined(GOOD + b" " * padding, "json")
    assert machine is not None
    assert problems == ()


async def test_long_texts_are_examined_one_at_a_time_beside_the_loop(monkeypatch):
    running, most, threads = 0, 0, set()

    def slow(_kind, _text, _form):
        nonlocal running, most
        running += 1
        most = max(most, running)
        threads.add(threading.current_thread())
        threading.Event().wait(0.02)
        running -= 1
        return None, ()

    monkeypatch.setattr(examining, "examine_as", slow)
    await asyncio.gather(*(examined(b" " * (INLINE_BYTES_MAX + 1), None) for _ in range(5)))
    assert most == 1
    assert threading.current_thread() not in threads
