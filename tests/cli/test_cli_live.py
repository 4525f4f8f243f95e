"""The README's own definition and worker, taken from its text, on a real server with an embedded Redis."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.demo.processes import free_port, household, wait_ready
from cli.http import Server
from cli.main import main

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
    assert len(json.loads(published.stdout)["definitions"]) == 3
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
