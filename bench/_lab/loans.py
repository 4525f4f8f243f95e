"""Loan approvals in two versions, and the people and workers around them: for `migrate.py`.

Version 1 parks an execution in one of five positions, as its input says: a signal wait, a callback, a retry's backoff, a
Map with half of its items done, a Wait. In version 2 a compliance check comes before the offer, the wait for the
decision has another name, and the cooling-off period is gone.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

from _lab import Engine
from engine.documents import Document
from engine.errors import EngineError
from engine.views import Caller, LeasedTask, Outcome

CALLER = Caller()
NAME = "loan"
POSITIONS = ("signal", "callback", "backoff", "map", "wait")
RESTS = {
    "signal": "AwaitDecision",
    "callback": "AskHeadOfCredit",
    "backoff": "Score",
    "map": "CheckDocuments",
    "wait": "CoolingOff",
}
DOCUMENTS = 4
MAPPING = {"CoolingOff": "ComplianceCheck"}  # the only state that nobody could propose a place for


def definition(version: int) -> bytes:
    """Version 1 or 2 as JSON."""
    offer = "MailOffer" if version == 1 else "ComplianceCheck"
    decide = "AwaitDecision" if version == 1 else "AwaitUnderwriter"
    starts = {**RESTS, "signal": decide, "wait": RESTS["wait"] if version == 1 else offer}
    states: dict[str, Any] = {
        "Route": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.park", "StringEquals": park, "Next": state}
                for park, state in starts.items()
            ],
        },
        decide: _task("signal:Decision", "decision", offer),
        "AskHeadOfCredit": _task("activity:ask.waitForTaskToken", "decision", offer),
        "Score": {
            **_task("activity:score", "score", offer),
            "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 86_400}],
        },
        "CheckDocuments": {
            "Type": "Map",
            "ItemsPath": "$.documents",
            "MaxConcurrency": 2,
            "ItemProcessor": {
                "StartAt": "CheckDocument",
                "States": {
                    "CheckDocument": {"Type": "Task", "Resource": "activity:document", "End": True}
                },
            },
            "ResultPath": "$.checked",
            "Next": offer,
        },
        "MailOffer": _task("activity:mail", "mail", "PaidOut"),
        "PaidOut": {"Type": "Succeed"},
    }
    if version == 1:
        states["CoolingOff"] = {"Type": "Wait", "Seconds": 30 * 86_400, "Next": offer}
    else:
        states["ComplianceCheck"] = _task("activity:compliance", "compliance", "MailOffer")
    return json.dumps({"StartAt": "Route", "States": states}).encode()


def _task(resource: str, path: str, following: str) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "ResultPath": f"$.{path}", "Next": following}


def given(number: int) -> dict[str, Any]:
    """The input of an application; each number has its position."""
    return {
        "applicationId": f"A-{number}",
        "amount": 1000 + number,
        "park": POSITIONS[number % len(POSITIONS)],
        "documents": [f"{number}/{page}" for page in range(DOCUMENTS)],
    }


class Office:
    """Performs the tasks of a loan's queues, and remembers how often each was performed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.performed: Counter[tuple[str, str, str]] = Counter()  # (execution, state, which)
        self.tokens: dict[str, str] = {}  # of callbacks, by execution
        self._open: dict[str, asyncio.Task[None]] = {}
        self.holds = True  # what parks applications: busy scores, and the second half of the documents kept in hand
        self._kept: list[LeasedTask] = []

    def open(self, queue: str) -> None:
        """Work on a queue until it is closed."""
        self._open[queue] = asyncio.get_running_loop().create_task(self._work(queue))

    async def let_go(self) -> None:
        """Do what was kept in hand, under the leases that it was taken with."""
        self.holds = False
        kept, self._kept = self._kept, []
        for first in range(0, len(kept), 100):
            done = [self._perform(task) for task in kept[first : first + 100]]
            outcomes = [outcome for outcome in done if outcome is not None]
            for settled in await self._engine.commands.settle_many(CALLER, outcomes):
                assert settled.status == "accepted", settled

    async def close(self) -> None:
        for task in self._open.values():
            task.cancel()
        await asyncio.gather(*self._open.values(), return_exceptions=True)

    async def _work(self, queue: str) -> None:
        while True:
            try:
                tasks = await self._engine.commands.lease(
                    CALLER, queue, most=100, wait_ms=1000, lease_ms=600_000, worker="office"
                )
                outcomes = [done for task in tasks if (done := self._perform(task)) is not None]
                for settled in await self._engine.commands.settle_many(CALLER, outcomes):
                    assert settled.status == "accepted", settled
            except EngineError:
                await asyncio.sleep(0.1)  # an engine was killed with the connection

    def _perform(self, task: LeasedTask) -> Outcome | None:
        which = task.input.value if task.queue == "document" else ""
        if task.queue == "document" and self.holds and int(which.split("/")[1]) >= DOCUMENTS // 2:
            self._kept.append(task)
            return None
        if task.queue == "score" and self.holds:
            return Outcome(task.token, error="Busy", lease=task.lease)
        self.performed[task.execution, task.state, which] += 1
        if task.queue == "ask":
            self.tokens[task.execution] = task.token
        return Outcome(task.token, output=Document.of({"by": "office"}), lease=task.lease)
