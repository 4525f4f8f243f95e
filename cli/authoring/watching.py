"""`serve --watch`: publishes definitions as their files are saved, and says what that means for running executions."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import click

from cli.authoring import problems as rendering
from cli.authoring.migrations import plan_text
from cli.failures import Failure, Refused
from cli.http import Server, path

LOOK_SECONDS = 0.5
FORMATS = {".yaml": "yaml", ".yml": "yaml", ".json": "json"}
State = dict[Path, tuple[int, int]]


class Watcher:
    """Looks at the files of a folder and publishes those that changed, in a thread that ends with the process."""

    def __init__(self, folder: Path, server: Server) -> None:
        self._folder = folder
        self._server = server
        self._seen: State = {}

    def start(self) -> None:
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                self.tick()
            except Failure:
                pass  # the server is not up yet, or on its way down
            except OSError as error:
                click.echo(f"{self._folder}: {error.strerror}", err=True)
            time.sleep(LOOK_SECONDS)

    def tick(self) -> list[str]:
        """Publish what has changed since the last look; returns the names of those tried.

        Raises Failure where the server cannot be asked; what was not published is tried again.
        """
        tried = []
        for file, stamp in sorted(_stamps(self._folder).items()):
            if self._seen.get(file) != stamp:
                self._publish(file)
                self._seen[file] = stamp
                tried.append(file.stem)
        return tried

    def _publish(self, file: Path) -> None:
        text = file.read_bytes()
        kind = FORMATS[file.suffix.lower()]
        try:
            answer: dict[str, Any] = self._server.call(
                "PUT", path("definitions", file.stem), body=text, content_type=f"application/{kind}"
            )
        except Refused as refusal:
            if refusal.status >= 500:
                raise
            for problem in refusal.problem.get("problems", ()):
                shown = rendering.render(str(file), text.decode("utf-8", "replace"), problem)
                click.echo(shown, err=True)
            click.echo(f"{file.stem}: not published: {refusal.message}", err=True)
            return
        new = "is new" if answer["changed"] else "is published"
        click.echo(f"{file.stem}: version {answer['version']} {new}", err=True)
        if "migration" in answer:
            click.echo(
                f"{file.stem}: its executions are migrating as {answer['migration']}", err=True
            )
        elif answer["changed"] and answer["type"] == "STANDARD" and answer["version"] > 1:
            plan = self._server.call(
                "POST", path("definitions", file.stem, "migrations"), body=b"{}"
            )
            click.echo(plan_text(plan), err=True)


def _stamps(folder: Path) -> State:
    """When each definition's file was changed, and its size."""
    found = {}
    for file in folder.iterdir():
        if file.suffix.lower() in FORMATS and file.is_file():
            stat = file.stat()
            found[file] = (stat.st_mtime_ns, stat.st_size)
    return found
