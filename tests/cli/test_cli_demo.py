"""The demo's parts: what its workers do, what its checks notice, that its processes end. And the whole of it, live."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from detent.testing import run_handler

from cli.demo.checks import Evidence, checks
from cli.demo.ledger import Deed, Ledger
from cli.demo.processes import WentWrong, household, kill, until
from cli.demo.workers import Shop

ORDER = {
    "orderId": "A-1001",
    "amount": {"value": 4900, "currency": "EUR"},
    "items": [{"sku": "mug-blue", "quantity": 2}],
}


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.jsonl")


@pytest.fixture
def workers(ledger):
    return Shop(ledger).workers("http://127.0.0.1:1")


def deed(task, what="done", order="A-1001", key="k", pid=1):
    return Deed(task=task, order=order, key=key, what=what, pid=pid)


async def test_the_gateway_is_busy_twice_then_charges(workers):
    ends = [(await run_handler(workers, "charge-card", ORDER)).error for _ in range(3)]
    assert ends == ["GatewayBusy", "GatewayBusy", None]


async def test_an_article_is_out_of_stock(workers):
    order = ORDER | {"items": [{"sku": "teapot-gold", "quantity": 1}]}
    assert (await run_handler(workers, "reserve-stock", order)).error == "OutOfStock"
    assert (await run_handler(workers, "reserve-stock", ORDER)).succeeded


async def test_a_key_seen_before_is_said_and_done_once(workers, ledger, capsys):
    for _ in range(2):
        await run_handler(workers, "release-stock", ORDER, idempotency_key="same")
    assert "same idempotency key again: same" in capsys.readouterr().out
    assert len(ledger.deeds("release-stock", "A-1001", "done")) == 1


@pytest.fixture
def evidence(ledger):
    """As a run that went well leaves it."""
    for task, what, key, pid in (
        ("charge-card", "failed", "1", 1),
        ("charge-card", "failed", "2", 1),
        ("charge-card", "done", "3", 1),
        ("create-label", "began", "4", 1),
        ("create-label", "began", "4", 2),
        ("create-label", "done", "4", 2),
        ("send-mail", "done", "5", 2),
    ):
        ledger.add(deed(task, what, key=key, pid=pid))
    ledger.add(deed("refund-charge", order="A-1002"))
    times = {
        2: (0, "Scheduled"),
        3: (0, "Failed"),
        4: (1, "Scheduled"),
        5: (2, "Failed"),
        6: (4, "Scheduled"),
    }
    history = [{"id": 1, "type": "ExecutionStarted", "timestamp": "2026-11-22T10:00:00.000Z"}]
    history += [
        {"id": number, "type": f"Activity{kind}", "timestamp": f"2026-11-22T10:00:0{second}.000Z"}
        for number, (second, kind) in times.items()
    ]
    return Evidence(
        ledger,
        order="A-1001",
        cancelled="A-1002",
        engine_end=-9,
        before=history[:3],
        history=history,
        view={"status": "SUCCEEDED"},
        cancelled_view={"status": "FAILED", "error": "OrderCancelled"},
    )


def broken(evidence):
    return [sentence for sentence, kept in checks(evidence) if not kept]


def test_a_good_run_keeps_every_promise(evidence):
    assert broken(evidence) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"engine_end": 0}, "SIGKILL"),
        ({"before": [{"id": 1, "type": "Other"}]}, "lost or changed"),
        ({"history": []}, "no gap"),
        ({"view": {"status": "FAILED"}}, "order succeeded"),
        ({"cancelled_view": {"status": "SUCCEEDED"}}, "OrderCancelled"),
    ],
)
def test_what_did_not_happen_is_named(evidence, change, sentence):
    assert any(sentence in each for each in broken(replace(evidence, **change)))


def test_a_retry_that_came_early_is_named(evidence):
    evidence.history[5] = evidence.history[5] | {"timestamp": "2026-11-22T10:00:03.900Z"}
    assert broken(evidence) == ["its retries came after 1 s and then 2 s, never earlier"]


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        (deed("charge-card"), "charged once"),
        (deed("create-label", "began", key="other", pid=3), "same idempotency key"),
        (deed("refund-charge"), "not refunded"),
        (deed("refund-charge", order="A-1002"), "refunded once"),
    ],
)
def test_what_was_done_too_often_is_named(evidence, ledger, extra, sentence):
    ledger.add(extra)
    assert any(sentence in each for each in broken(evidence))


def test_a_household_leaves_no_process_behind(tmp_path):
    sleep = (sys.executable, "-c", "import time; time.sleep(60)")
    with pytest.raises(WentWrong), household(tmp_path) as home:  # noqa: PT012 - the block is the point
        one, two = home._start(sleep, None), home._start(sleep, None)
        kill(one)
        raise WentWrong
    assert one.returncode == -9
    assert two.returncode is not None


def test_waiting_in_vain_says_for_what():
    with pytest.raises(WentWrong, match="the moon did not happen"):
        until("the moon", lambda: None, seconds=0.01)


@pytest.mark.slow
def test_the_demo_runs_and_everything_in_it_is_true():
    program = (sys.executable, "-c", "from cli.main import main; main()", "demo")
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything happened as told." in done.stdout
    assert "the same idempotency key again" in done.stdout
