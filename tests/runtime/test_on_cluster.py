"""The engine on a Redis Cluster of three nodes: an order's way from start to end, and a listing over all nodes."""

from __future__ import annotations

import asyncio

from engine.documents import Document
from engine.serve import Engine
from engine.settings import Settings
from engine.store.finding.filter import Filter
from engine.views import Caller, Outcome

DEFINITION = b"""
StartAt: Charge
States:
  Charge: {Type: Task, Resource: "activity:charge", Next: Both}
  Both:
    Type: Parallel
    Branches:
      - {StartAt: A, States: {A: {Type: Pass, End: true}}}
      - {StartAt: B, States: {B: {Type: Wait, Seconds: 0, End: true}}}
    Next: Await
  Await: {Type: Task, Resource: "signal:Go", End: true}
"""
CALLER = Caller()
COUNT = 30


async def test_executions_on_every_node_of_a_cluster_go_from_start_to_end(cluster_url):
    engine = Engine(cluster_url, Settings(partitions=16))
    await engine.start()
    commands, queries = engine.commands, engine.queries
    try:
        await commands.publish(CALLER, "order", DEFINITION, "yaml")
        for number in range(COUNT):
            given = Document.of({"n": number})
            await commands.start(CALLER, "order", name=f"o{number}", input=given, version=None)
        done = 0
        async with asyncio.timeout(60):
            while done < COUNT:
                tasks = await commands.lease(
                    CALLER, "charge", most=10, wait_ms=5000, lease_ms=30_000, worker="w"
                )
                outcomes = [Outcome(t.token, output=t.input, lease=t.lease) for t in tasks]
                settled = await commands.settle_many(CALLER, outcomes)
                assert {s.status for s in settled} <= {"accepted"}
                done += len(tasks)
        for number in range(COUNT):
            await commands.signal(CALLER, f"order:o{number}", "Go", Document.of(number), None)
        for number in range(COUNT):
            end = await queries.closed(CALLER, f"order:o{number}", 60_000)
            assert (end.status, end.output) == ("SUCCEEDED", Document.of(number))
        page = await queries.executions(CALLER, Filter(status="SUCCEEDED"), limit=100, cursor=None)
        assert len(page.executions) == COUNT
    finally:
        await engine.stop()
