"""Plays a guide: its files are written, its programs run, and what its commands print is compared with what it shows.

- `yaml` blocks that open with `# NAME.yaml` are files
- `diff` blocks are applied to `loan-approval.yaml`, which is the shipped one at first
- `python` blocks are run, and print the `text` block that follows
- `console` blocks have commands after `$ `, each with what it prints, in one shell

Ids of operations and times are those of the page; a page's id stands for the one that the server gave in its place.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import httpx2

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 60
ADDRESS = "http://127.0.0.1:8083"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
ID = re.compile(r"\b[0-9a-f]{32}\b")
TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+Z)?|\d\d:\d\d:\d\d\.\d+")
PROGRESS = re.compile(
    r"[\d,]+ asked, "
)  # told while a command waits; how often, depends on the machine


class Guide:
    """A page under `docs/`, played in a folder of its own against the server at `address`."""

    def __init__(self, page: str, folder: Path, address: str) -> None:
        self._text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        self._folder = folder
        self._address = address
        self._ids: dict[str, str] = {}  # of the page to the server's
        self._environment = {
            **os.environ,
            "DETENT_URL": address,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def play(self) -> list[tuple[str, str]]:
        """(shown, printed) of each block of commands."""
        shipped = (ROOT / "definitions" / "loan-approval.yaml").read_text(encoding="utf-8")
        (self._folder / "loan-approval.yaml").write_text(shipped, encoding="utf-8")
        found = []
        blocks = BLOCK.findall(self._text)
        for number, (kind, text) in enumerate(blocks):
            if kind == "yaml" and (name := re.match(r"# ([a-z/-]+\.yaml)\n", text)):
                (self._folder / name[1]).parent.mkdir(exist_ok=True)
                (self._folder / name[1]).write_text(text, encoding="utf-8")
            elif kind == "diff":
                self._edit(text)
            elif kind == "python":
                shown = dict(blocks[number + 1 : number + 2]).get("text", "")
                found.append((plain(shown), plain(self._run([sys.executable, "-c", text]))))
            elif kind == "console":
                found.append((plain(text), plain(self._commands(text))))
                self._until_all_rest()
        return found

    def _until_all_rest(self) -> None:
        """Wait until every execution that runs has come to a state in which it waits, as it has for a reader."""
        until = time.monotonic() + PATIENCE_SECONDS
        running = f"{self._address}/v1/executions?status=RUNNING&limit=1000"
        while not all(each.get("state") for each in httpx2.get(running).json()["executions"]):
            assert time.monotonic() < until
            time.sleep(0.05)

    def _edit(self, diff: str) -> None:
        file = self._folder / "loan-approval.yaml"
        edited = file.read_text(encoding="utf-8")
        for hunk in re.split(r"^@@.*\n", diff, flags=re.MULTILINE)[1:]:
            lines = hunk.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if line[0] in " -")
            after = "".join(line[1:] for line in lines if line[0] in " +")
            assert edited.count(before) == 1, hunk
            edited = edited.replace(before, after)
        file.write_text(edited, encoding="utf-8")

    def _commands(self, block: str) -> str:
        script = ["status=0"]
        for command in re.findall(r"^\$ ((?:.*\\\n)*.*)$", block, re.MULTILINE):
            script += [
                f"printf '%s\\n' {shlex.quote('$ ' + command)}",
                f"(exit $status)\n{self._real(command)}\nstatus=$?",
            ]
        printed = self._run(["bash", "-c", "\n".join([*script, "exit 0"])])
        printed = printed.replace(self._address, ADDRESS)
        shown = [name for name in dict.fromkeys(ID.findall(block)) if name not in self._ids]
        known = {*shown, *self._ids, *self._ids.values()}
        new = [name for name in dict.fromkeys(ID.findall(printed)) if name not in known]
        self._ids |= dict(zip(shown, new, strict=False))
        for name, real in self._ids.items():
            printed = printed.replace(real, name)
        return printed

    def _real(self, command: str) -> str:
        command = command.replace(ADDRESS, self._address)
        return ID.sub(lambda name: self._ids.get(name[0], name[0]), command)

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


def plain(text: str) -> str:
    """A block without what differs from one run to the next."""
    lines = (line.rstrip() for line in text.splitlines() if not PROGRESS.match(line))
    return TIME.sub("TIME", "\n".join(lines))
