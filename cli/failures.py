"""How a command ends when it cannot do what was asked: a line on stderr (or a JSON document) and an exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import IO, Any, ClassVar

import click

from cli.output import visible, wants_json

EXIT_REFUSED = 1
EXIT_UNREACHABLE = 4


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
            f"{click.style('error', fg='red', bold=True)}{visible(self.message)}",
            err=True,
            file=file,
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
        if self.code == "execution_already_exists" and problem.get("execution_status"):
            message += f" {problem.get('execution', 'It')} is {problem['execution_status']}."
        hint = _HINTS.get(self.code)
        document = problem or {"status": status, "code": self.code}
        super().__init__(message, document, hint(problem) if hint else None)


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


def _unauthenticated(_: dict[str, Any]) -> str:
    return "give the server's token with --token or DETENT_TOKEN"


def _definition_not_found(problem: dict[str, Any]) -> str:
    name, _, version = str(problem.get("detail") or "").partition(", version ")
    if version:
        return f"`detent definitions {name}` shows the versions of {name}"
    published = f"`detent publish {name}.yaml` would publish {name}; " if name else ""
    return f"{published}`detent definitions` shows those there are"


def _execution_not_found(problem: dict[str, Any]) -> str:
    definition, colon, name = str(problem.get("detail") or "").partition(":")
    if not colon:
        return "`detent list` shows the executions there are; an id is DEFINITION:NAME"
    return f"`detent list --definition {definition}` shows its executions; none is named {name}"


def _already_exists(problem: dict[str, Any]) -> str:
    if problem.get("execution_status") == "RUNNING":
        return "it runs with another input: give that one again, or another --name"
    if problem.get("execution_status"):
        known = (
            f"; `detent describe {problem['execution']}` shows how"
            if "execution" in problem
            else ""
        )
        return f"it has ended, so its name is taken: choose another --name{known}"
    return "give another --name, or, while it runs, the same input as before"


def _invalid_name(problem: dict[str, Any]) -> str | None:
    if "<definition>:<name>" not in str(problem.get("detail")):
        return None
    return "an execution's id is DEFINITION:NAME; `detent list` shows the ids there are"


_HINTS: dict[str, Callable[[dict[str, Any]], str | None]] = {
    "unauthenticated": _unauthenticated,
    "definition_not_found": _definition_not_found,
    "execution_not_found": _execution_not_found,
    "execution_already_exists": _already_exists,
    "invalid_name": _invalid_name,
}
