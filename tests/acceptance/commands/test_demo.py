"""The README's main example, as the README gives it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.slow


def test_the_demo_of_the_readme_runs_and_exits_with_success():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    command = re.search(r"^(?:\.venv/bin/)?(detent demo)\b", readme, re.MULTILINE)
    assert command, "the README does not show the demo"
    folder = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command[1].split(),
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
