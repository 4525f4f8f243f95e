"""The shop's workers: a process that performs the tasks of order-fulfilment and tells the terminal and the ledger.

Run as `python -m cli.demo.workers URL LEDGER`. The services it calls are pretended: the gateway is busy twice, the
carrier takes its time, and one article is out of stock. What they are asked under an idempotency key they have seen
before, they do not do again; the ledger stands for their memory.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click
from detent import Task, TaskError, Worker

from cli.demo.ledger import Deed, Ledger

LEASE_SECONDS = 4  # a killed worker's task is handed out again after this
CARRIER_SECONDS = 2.0  # long enough to be killed in
GATEWAY_BUSY = {"A-1001": 2}  # how often the gateway is busy, by order

Perform = Callable[[Any, Task], Awaitable[Any]]


class Shop:
    """The handlers, one for each queue."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def workers(self, url: str) -> Worker:
        """A worker for every queue of the definition."""
        worker = Worker(url, lease_seconds=LEASE_SECONDS, drain_seconds=2)
        for queue, perform in self._deeds().items():
            worker.task(queue)(self._recorded(queue, perform))
        return worker

    def _deeds(self) -> dict[str, Perform]:
        return {
            "charge-card": self._charge_card,
            "reserve-stock": self._reserve_stock,
            "create-label": self._create_label,
            "send-mail": self._send_mail,
            "release-stock": self._release_stock,
            "refund-charge": self._refund_charge,
        }

    def _recorded(self, queue: str, perform: Perform) -> Perform:
        """The handler, with its beginning and its end in the ledger."""

        async def handler(order: Any, task: Task) -> Any:
            number = str(order["orderId"])
            seen = {deed.key for deed in self._ledger.deeds(queue, number, "began")}
            if task.idempotency_key in seen:
                _say(queue, f"the same idempotency key again: {task.idempotency_key[:16]}...")
            self._note(queue, number, task, "began")
            try:
                result = await perform(order, task)
            except TaskError as error:
                self._note(queue, number, task, "failed", str(error.error))
                raise
            # A service that did it under this key already would answer as it did then.
            if not any(
                deed.key == task.idempotency_key
                for deed in self._ledger.deeds(queue, number, "done")
            ):
                self._note(queue, number, task, "done")
            return result

        return handler

    def _note(self, queue: str, order: str, task: Task, what: Any, error: str = "") -> None:
        key = task.idempotency_key
        self._ledger.add(
            Deed(task=queue, order=order, key=key, what=what, pid=os.getpid(), error=error)
        )

    async def _charge_card(self, order: Any, task: Task) -> Any:
        number = str(order["orderId"])
        refusals = len(self._ledger.deeds("charge-card", number, "failed"))
        if refusals < GATEWAY_BUSY.get(number, 0):
            _say(
                "charge-card",
                f"attempt {refusals + 1}: the gateway is busy; the engine will try again",
            )
            raise TaskError("GatewayBusy", "Try again later")
        _say(
            "charge-card",
            f"charged {order['amount']['value'] / 100:.2f} {order['amount']['currency']}",
        )
        return {"reference": f"ch-{task.idempotency_key[:8]}"}

    async def _reserve_stock(self, order: Any, task: Task) -> Any:
        skus = [item["sku"] for item in order["items"]]
        if "teapot-gold" in skus:
            _say("reserve-stock", "teapot-gold is out of stock")
            raise TaskError("OutOfStock", "teapot-gold")
        _say("reserve-stock", f"set aside {', '.join(skus)}")
        return {"reserved": skus, "key": task.idempotency_key[:8]}

    async def _create_label(self, order: Any, task: Task) -> Any:
        _say("create-label", f"asking the carrier for a label for {order['orderId']} ...")
        await asyncio.sleep(CARRIER_SECONDS)
        _say("create-label", "the label is made")
        return {"tracking": f"PS{task.idempotency_key[:8].upper()}"}

    async def _send_mail(self, order: Any, task: Task) -> Any:
        _say("send-mail", f"{order['template']} to {order['to']}")
        return {"id": f"mail-{task.idempotency_key[:8]}"}

    async def _release_stock(self, order: Any, task: Task) -> Any:
        del task
        _say("release-stock", f"goods of {order['orderId']} are back on the shelf")
        return {}

    async def _refund_charge(self, order: Any, task: Task) -> Any:
        _say("refund-charge", f"{order['orderId']} is refunded, because of {order['reason']}")
        return {"reference": f"re-{task.idempotency_key[:8]}"}


def _say(queue: str, text: str) -> None:
    click.echo(f"           {click.style(queue, fg='cyan')}: {text}")


def main(url: str, ledger: str) -> None:
    """Work until SIGTERM."""
    Shop(Ledger(Path(ledger))).workers(url).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
