"""The README's own definition and worker, taken from its text, on a real server with an embedded Redis."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.demo.processes import free_port, household, kill, until, wait_ready
from cli.http import Server
from cli.main import main

ADDRESS = re.compile(r"http://([\d.]+):(\d+)")
README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def block(language: str, containing: str) -> str:
    """The README's code block of this language that contains the text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return next(found for found in blocks if containing in found)


@pytest.fixture
def detent(tmp_path, monkeypatch):
    """The command line on a server of its own."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    monkeypatch.setenv("DETENT_URL", url)
    with household(tmp_path) as home:
        wait_ready(Server(url), home.serve(port))
        yield lambda *arguments: CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize("style", ["json", "text"])
def test_every_line_a_server_logs_has_the_form_that_was_chosen(tmp_path, style):
    """Also what its libraries would say by themselves, and what it says of a misspelt setting."""
    ours = ("DETENT_", "REDIS_URL")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    program = (sys.executable, "-m", "cli", "serve", "--port", "0", "--engines", "2")
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            (*program, "--data", str(tmp_path / "data")),
            stderr=log,
            env=environment | {"DETENT_LOG": style, "DETENT_PROT": "1"},
        )
    try:
        url = until("its address", lambda: ADDRESS.search((tmp_path / "log").read_text()))
        with socket.create_connection((url[1], int(url[2]))) as caller:
            caller.sendall(b"garbage\r\n\r\n")
            assert caller.recv(100).startswith(b"HTTP/1.1 400")
        read = (tmp_path / "log").read_text
        until("a second engine", lambda: read().count("engine.started") == 2 or None)
    finally:
        server.terminate()
        assert server.wait(20) == 0
    lines = (tmp_path / "log").read_text().splitlines()
    if style == "json":
        events = [json.loads(line)["event"] for line in lines]
    else:
        assert all(re.match(r"\d{4}-\S+Z (INFO|WARNING) +\S", line) for line in lines), lines
        events = [line.split(maxsplit=2)[2] for line in lines]
    assert sum(event.startswith("settings.unknown") for event in events) == 1
    assert any(event.startswith("Invalid HTTP request") for event in events)


def test_following_outlasts_a_kill_of_the_server(tmp_path, monkeypatch):
    url = f"http://127.0.0.1:{(port := free_port())}"
    monkeypatch.setenv("DETENT_URL", url)
    states = {f"W{n}": {"Type": "Wait", "Seconds": 1, "Next": f"W{n + 1}"} for n in range(4)}
    definition = {"StartAt": "W0", "States": states | {"W4": {"Type": "Succeed"}}}
    (tmp_path / "waits.json").write_text(json.dumps(definition))
    with household(tmp_path) as home:
        first = home.serve(port)
        wait_ready(Server(url), first)
        assert CliRunner().invoke(main, ["publish", str(tmp_path / "waits.json")]).exit_code == 0
        following = subprocess.Popen(
            (sys.executable, "-m", "cli", "start", "waits", "--name", "a", "--wait"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(
            "the start",
            lambda: CliRunner().invoke(main, ["describe", "waits:a"]).exit_code == 0 or None,
        )
        kill(first)
        wait_ready(Server(url), home.serve(port))
        shown, complaints = following.communicate(timeout=60)
        assert following.returncode == 0, complaints
        records = CliRunner().invoke(main, ["history", "waits:a", "--json"])
    types = [event["type"] for event in json.loads(records.stdout)["events"]]
    followed = [line for line in shown.splitlines() if re.match(r"\d\d:", line)]
    assert len(followed) == len(types)
    assert all(kind in line for kind, line in zip(types, followed, strict=True))
    assert "the server answers again" in complaints


@pytest.fixture
def worker(detent, tmp_path):
    (tmp_path / "worker.py").write_text(block("python", "worker.run()"))
    process = subprocess.Popen((sys.executable, str(tmp_path / "worker.py")))
    yield process
    process.terminate()
    assert process.wait(15) == 0


def test_the_readmes_definition_and_worker_run(detent, worker, tmp_path):
    (tmp_path / "hello.yaml").write_text(block("yaml", "activity:greet"))
    assert detent("validate", str(tmp_path / "hello.yaml")).exit_code == 0
    assert detent("publish", str(tmp_path / "hello.yaml")).exit_code == 0
    greeted = detent("start", "hello", "--input", '{"name": "Ada"}', "--wait")
    assert greeted.exit_code == 0, greeted.output
    assert "Hello, Ada!" in greeted.stdout
    assert "ActivitySucceeded" in greeted.stdout


def test_an_execution_is_started_looked_at_signalled_and_listed(detent):
    folder = Path(__file__).resolve().parents[2] / "definitions"
    published = detent("publish", "--json", str(folder))
    assert len(json.loads(published.stdout)["definitions"]) == len([*folder.glob("*.yaml")])
    sample = folder / "samples/document-signing/lease.json"
    start = ("start", "document-signing", "--name", "d-1", "--input", f"@{sample}")
    assert detent(*start).exit_code == 0
    assert detent(*start).exit_code == 0  # the same again: it runs already
    signal = (
        "signal",
        "document-signing:d-1",
        "Signed",
        "--payload",
        '{"signed": true}',
        "--id",
        "s",
    )
    assert detent(*signal).exit_code == 0
    assert "sent before" in detent(*signal).stdout
    shown = detent("describe", "document-signing:d-1")
    assert shown.exit_code == 0, shown.output
    assert "task of queue send-document" in shown.stdout
    assert "Signals kept for later" in shown.stdout
    listed = json.loads(detent("list", "--status", "RUNNING", "--json").stdout)
    assert [execution["id"] for execution in listed["executions"]] == ["document-signing:d-1"]
    assert detent("stop", "document-signing:d-1").stdout == "document-signing:d-1 ABORTED\n"
    records = json.loads(detent("history", "document-signing:d-1", "--json").stdout)["events"]
    assert [record["id"] for record in records] == list(range(1, len(records) + 1))
    assert records[-1]["type"] == "ExecutionAborted"
    assert detent("signal", "document-signing:d-1", "Signed").exit_code == 1
