"""Options that several commands share, and reading JSON from the command line."""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from cli.http import Server
from cli.output import json_option

# Read here rather than by engine.arns, whose import would cost more than most commands take.
_ARN = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:(execution|express):(?P<rest>.+)", re.DOTALL)
DEFAULT_URL = "http://127.0.0.1:8083"

P = ParamSpec("P")
R = TypeVar("R")


def on_execution_id(command: Callable[P, R]) -> Callable[P, R]:
    """Add the argument ID: an execution by its id or its ARN."""
    return click.argument("execution", metavar="ID", callback=execution_id)(command)


def on_server(command: Callable[Concatenate[Server, P], R]) -> Callable[..., R]:
    """Add --url, --token and --json; the command is called with the `Server` first."""

    @click.option(
        "--url",
        envvar="DETENT_URL",
        default=DEFAULT_URL,
        help="The server; DETENT_URL, else http://127.0.0.1:8083.",
    )
    @click.option("--token", envvar="DETENT_TOKEN", help="The server's bearer token; DETENT_TOKEN.")
    @json_option
    @functools.wraps(command)
    def call(url: str, token: str | None, *args: P.args, **kwargs: P.kwargs) -> R:
        return command(Server(url, token), *args, **kwargs)

    return call


def execution_id(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """An argument's callback: an execution's id, also where the ARN is given that AWS's tools call the execution by."""
    found = _ARN.fullmatch(value)
    return value if found is None else found["rest"].replace("/", "~")


def json_text(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """An option's callback: JSON given as text, as `@file`, or as `-` for stdin.

    Returns the text itself, so that no number changes on its way. Malformed JSON and unreadable files are wrong usage.
    """
    if value is None:
        return None
    try:
        text = _read(value)
        json.loads(text)
    except OSError as error:
        raise click.BadParameter(f"{value}: {error.strerror}", ctx, param) from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise click.BadParameter(f"not JSON: {error.msg} at {where}", ctx, param) from None
    except UnicodeDecodeError:
        raise click.BadParameter(f"{value}: not UTF-8 text", ctx, param) from None
    return text


def _read(value: str) -> str:
    if value == "-":
        return sys.stdin.read()
    return Path(value[1:]).read_text(encoding="utf-8") if value.startswith("@") else value


def members(**texts: str | None) -> bytes:
    """A JSON object whose values are JSON texts already; None leaves a member out."""
    given = (f"{json.dumps(name)}:{text}" for name, text in texts.items() if text is not None)
    return ("{" + ",".join(given) + "}").encode()


def quoted(text: str | None) -> str | None:
    """A string as JSON text, for `members`; None stays None."""
    return None if text is None else json.dumps(text)
