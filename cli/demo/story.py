"""The story: two orders, told as they happen, every line printed only after it has come true."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import click

from cli.demo.checks import Evidence, checks
from cli.demo.ledger import Ledger
from cli.demo.processes import Household, WentWrong, free_port, kill, until, wait_ready
from cli.history import all_records, history_table
from cli.http import Server, path
from cli.options import members

DEFINITION = "order-fulfilment"
ORDER = "A-1001"
CANCELLED = "A-1002"
END_SECONDS = 60  # a long poll for an order's end


class Story:
    """Tells it once. Everything it needs lies in `folder`; its processes belong to `home`."""

    def __init__(self, home: Household, folder: Path) -> None:
        self._home = home
        self._began = time.monotonic()
        self._port = free_port()
        self._server = Server(f"http://127.0.0.1:{self._port}")
        self._evidence = Evidence(Ledger(folder / "ledger.jsonl"), order=ORDER, cancelled=CANCELLED)

    def tell(self, *, keep: bool = False) -> bool:
        """The whole story; whether everything happened as told. Raises WentWrong where it cannot go on."""
        engine = self._open_the_shop()
        worker = self._home.work(self._server.url)
        self._order_until_the_label()
        self._pull_the_plug(engine, worker)
        self._start_again()
        self._pick_up()
        self._order_without_stock()
        kept = self._look_back()
        if keep:
            self._keep_running()
        return kept

    def _open_the_shop(self) -> subprocess.Popen[bytes]:
        self._act("A server, a definition, workers")
        engine = self._serve()
        file = _shipped("order-fulfilment.yaml")
        target = path("definitions", DEFINITION)
        answer = self._server.call(
            "PUT", target, body=file.read_bytes(), content_type="application/yaml"
        )
        self._say(f"definitions/{file.name} is published as version {answer['version']}.")
        return engine

    def _order_until_the_label(self) -> None:
        self._act("An order: charge the card, reserve stock, create a label")
        self._start(ORDER, "mugs")
        ledger = self._evidence.ledger
        until("the task create-label", lambda: ledger.deeds("create-label", ORDER) or None)

    def _pull_the_plug(self, *processes: subprocess.Popen[bytes]) -> None:
        time.sleep(0.7)  # long enough that the task is well under way
        self._evidence.before = list(all_records(self._server, _id(ORDER)))
        self._act("The plug is pulled while the label is being created")
        for process in reversed(processes):  # the worker first, so that it has no time to wonder
            kill(process)
        self._evidence.engine_end = processes[0].returncode
        pids = " and ".join(str(process.pid) for process in processes)
        self._say(
            f"SIGKILL to server and worker (pid {pids}). The embedded Redis ends with its server."
        )
        self._say(f"{len(self._evidence.before)} records had been written by then.")

    def _start_again(self) -> None:
        self._act("Started again on the same data")
        self._serve()
        view = self._server.get(path("executions", _id(ORDER)))
        states = ", ".join(frame["state"] for frame in view["frames"])
        self._say(f"The order is {view['status']} and rests in {states}: its last checkpoint.")
        self._home.work(self._server.url)
        self._say(
            "A new worker asks for tasks. It gets the label's as soon as the dead worker's lease ends."
        )
        until("the wait for the pick-up", self._waits_for_pick_up)

    def _pick_up(self) -> None:
        self._act("The order waits for the carrier; the carrier's signal arrives")
        time.sleep(1)  # for the reader
        target = path("executions", _id(ORDER), "signals", "PickedUp")
        body = json.dumps({"id": "scan-77", "payload": {"carrier": "Parcel & Sons"}}).encode()
        receipt = self._server.call("POST", target, body=body)
        self._say(f"Signal {receipt['signal']} sent; it is durable from here on.")
        self._evidence.view = self._closed(ORDER)
        self._evidence.history = list(all_records(self._server, _id(ORDER)))
        self._say(f"Order {ORDER} {self._evidence.view['status']}.")

    def _order_without_stock(self) -> None:
        self._act("Another order runs out of stock: a Catch undoes the charge")
        self._start(CANCELLED, "out-of-stock")
        view = self._evidence.cancelled_view = self._closed(CANCELLED)
        self._say(f"Order {CANCELLED} {view['status']}: {view.get('error')}, {view.get('cause')}.")

    def _look_back(self) -> bool:
        self._act(f"What order {ORDER} left behind: its history")
        click.echo(history_table(self._evidence.history))
        self._act("Was all of this true?")
        results = list(checks(self._evidence))
        for sentence, kept in results:
            mark = (
                click.style("yes", fg="green") if kept else click.style("NO ", fg="red", bold=True)
            )
            click.echo(f"  {mark}  {sentence}")
        kept_all = all(kept for _, kept in results)
        click.echo()
        self._say(
            "Everything happened as told." if kept_all else "Not everything happened as told."
        )
        click.echo(_NEXT)
        return kept_all

    def _keep_running(self) -> None:
        click.echo(
            f"The server keeps running on {self._server.url} (API: {self._server.url}/docs)."
        )
        click.echo(f"Try: detent list --url {self._server.url}     Ctrl-C ends it.")
        try:
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            click.echo()

    def _serve(self) -> subprocess.Popen[bytes]:
        engine = self._home.serve(self._port)
        wait_ready(self._server, engine)
        promise = self._server.get("/healthz")["promise"]
        self._say(
            f"detent serve is ready on {self._server.url} (pid {engine.pid}, promise: {promise})."
        )
        return engine

    def _start(self, order: str, sample: str) -> None:
        text = _shipped("samples", DEFINITION, f"{sample}.json").read_text(encoding="utf-8")
        target = path("definitions", DEFINITION, "executions")
        started = self._server.call(
            "POST", target, body=members(name=json.dumps(order), input=text)
        )
        self._say(f"Execution {started['id']} is started.")

    def _waits_for_pick_up(self) -> bool | None:
        view = self._server.get(path("executions", _id(ORDER)))
        if view["status"] != "RUNNING":
            raise WentWrong(
                f"order {ORDER} is {view['status']} instead of waiting: {view.get('cause')}"
            )
        return True if any(each["name"] == "PickedUp" for each in view["waiting_signals"]) else None

    def _closed(self, order: str) -> dict[str, Any]:
        view: dict[str, Any] = self._server.get(
            path("executions", _id(order)), wait_seconds=END_SECONDS
        )
        if view["status"] == "RUNNING":
            raise WentWrong(f"order {order} has not ended within {END_SECONDS} s")
        return view

    def _act(self, title: str) -> None:
        click.echo(f"\n{click.style(title, bold=True)}")

    def _say(self, text: str) -> None:
        seconds = click.style(f"{time.monotonic() - self._began:5.1f} s", dim=True)
        click.echo(f"  {seconds}  {text}")


def _id(order: str) -> str:
    return f"{DEFINITION}:{order}"


def _shipped(*parts: str) -> Path:
    """A file of the definitions folder, in a checkout and in an installed wheel alike."""
    return Path(__file__).resolve().parents[2].joinpath("definitions", *parts)


_NEXT = """
Where to look next
  detent serve                          a server of your own; its API is explained at http://127.0.0.1:8083/docs
  detent publish definitions            publish what definitions/ holds
  detent start order-fulfilment --input @definitions/samples/order-fulfilment/mugs.json
  detent list, detent describe ID, detent history ID --follow
  docs/quickstart.md                    a definition and a worker of your own"""
