"""How a command ends when it cannot do what was asked: a line on stderr (or a JSON document) and an exit code."""

from __future__ import annotations

import json
from typing import IO, Any, ClassVar

import click

from cli.output import wants_json

EXIT_REFUSED = 1
EXIT_UNREACHABLE = 3


class Failure(click.ClickException):
    """A command ends here. `document` is what --json prints."""

    exit_code: ClassVar[int] = EXIT_REFUSED

    def __init__(self, message: str, document: dict[str, Any], hint: str | None = None) -> None:
        super().__init__(message)
        self.document = document
        self.hint = hint
        self.as_json = wants_json()

    def show(self, file: IO[Any] | None = None) -> None:
        """Say it on stderr, or with --json on stdout."""
        if self.as_json:
            click.echo(json.dumps(self.document, ensure_ascii=False, indent=2))
            return
        click.echo(
            f"{click.style('error', fg='red', bold=True)}{self.message}", err=True, file=file
        )
        if self.hint:
            click.echo(f"  hint: {self.hint}", err=True, file=file)


class Refused(Failure):
    """The server answered with a problem document (RFC 9457)."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.problem = problem
        self.code = str(problem.get("code", f"http_{status}"))
        title = str(problem.get("title", f"the server answered {status}"))
        detail = problem.get("detail")
        message = f"[{self.code}]: {title}" + (f" {detail}" if detail else "")
        for field in problem.get("errors", ()):
            message += f"\n  {field.get('path')}: {field.get('message')}"
        super().__init__(
            message, problem or {"status": status, "code": self.code}, _HINTS.get(self.code)
        )


class Unreachable(Failure):
    """No server answered."""

    exit_code: ClassVar[int] = EXIT_UNREACHABLE

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"[unreachable]: {url}: {reason}",
            {"code": "unreachable", "url": url, "detail": reason},
            "`detent serve` starts a server; --url or DETENT_URL names another one",
        )


class Failed(Failure):
    """The command did its work and the answer is no; what there is to say has been said."""

    def __init__(self) -> None:
        super().__init__("", {})

    def show(self, file: IO[Any] | None = None) -> None:
        """Nothing: the command has shown the reason already."""


_HINTS = {
    "unauthenticated": "give the server's token with --token or DETENT_TOKEN",
    "definition_not_found": "`detent publish FILE` publishes a definition under its file's name",
    "execution_not_found": "`detent list` shows the executions there are; an id is DEFINITION:NAME",
    "execution_already_exists": "give another --name, or the same input as before",
}
