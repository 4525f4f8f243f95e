"""A migration under fire in its short form. The long one is a command: `python bench/migrate.py --engines 2`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BENCH = ROOT / "bench" / "migrate.py"
# Without the settings of whoever runs the tests: the servers are the benchmark's own.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name == "DETENT_REDIS_BIN" or not name.startswith(("DETENT_", "REDIS_URL"))
}

pytestmark = pytest.mark.slow


def test_executions_are_moved_taken_back_and_moved_again_while_engines_are_killed(tmp_path):
    options = ("--executions", "300", "--engines", "2", "--kill-seconds", "1", "--json")
    done = subprocess.run(
        (sys.executable, str(BENCH), *options, "--data", str(tmp_path)),
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["engines_killed"] > 0
    assert (figures["performed_twice"], figures["lost"]) == (0, 0)
    assert figures["finished"] == 300 + figures["started_meanwhile"]
