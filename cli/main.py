"""The entry point: the table of commands and the group that imports one when it is called."""

from __future__ import annotations

import errno
import importlib
from typing import Any

import click

COMMANDS: dict[str, tuple[str, str, str]] = {
    "serve": (
        "cli.serving",
        "serve",
        "Run API and engine, with an embedded Redis unless REDIS_URL is set.",
    ),
    "api": ("cli.serving", "api", "Run the HTTP face alone."),
    "engine": ("cli.serving", "engine", "Run the engine alone."),
    "validate": ("cli.authoring.definitions", "validate", "Check definitions without a server."),
    "diff": (
        "cli.authoring.diff",
        "diff",
        "Compare two versions of a definition; say who could not move.",
    ),
    "publish": ("cli.authoring.definitions", "publish", "Publish definitions to a server."),
    "definitions": (
        "cli.authoring.catalogue",
        "definitions",
        "List definitions and their versions, show a text.",
    ),
    "migrate": (
        "cli.authoring.migrations",
        "migrate",
        "Move running executions to another version, or show the plan.",
    ),
    "operations": (
        "cli.authoring.migrations",
        "operations",
        "Show and steer what goes on on many executions.",
    ),
    "alias": (
        "cli.authoring.alias",
        "alias",
        "Name versions of a definition, for starts to go by.",
    ),
    "start": ("cli.executions", "start", "Start an execution of a definition."),
    "describe": ("cli.executions", "describe", "Show where an execution rests and what it holds."),
    "history": ("cli.history", "history", "Show what has happened to an execution."),
    "list": ("cli.finding", "list_executions", "List executions, newest first."),
    "count": ("cli.finding", "count_executions", "Count executions."),
    "signal": ("cli.executions", "signal", "Send a signal to an execution, or to many."),
    "signals": (
        "cli.executions",
        "signals",
        "List an execution's signals and what became of them.",
    ),
    "export": ("cli.copying", "export", "Write executions as lines of JSON."),
    "import": ("cli.copying", "import_", "Take in executions that an export wrote."),
    "stop": ("cli.executions", "stop", "Stop an execution, gracefully if wanted."),
    "terminate": ("cli.operating", "terminate", "End an execution as ABORTED at once."),
    "pause": ("cli.operating", "pause", "Have nothing of an execution begun until it is resumed."),
    "resume": ("cli.operating", "resume", "Resume a paused execution."),
    "release": ("cli.operating", "release", "Let a quarantined execution go on."),
    "retry": ("cli.operating", "retry", "Begin the next attempt of a state now."),
    "skip": ("cli.operating", "skip", "Leave a state with an output of your own."),
    "goto": ("cli.operating", "goto", "Send an execution to another state."),
    "set": ("cli.operating", "set_", "Set the data or variables of an execution."),
    "complete": ("cli.operating", "complete", "Complete a task in its worker's place."),
    "fail": ("cli.operating", "fail", "Fail a task in its worker's place."),
    "redrive": ("cli.operating", "redrive", "Go on with a closed execution from where it failed."),
    "demo": ("cli.demo.command", "demo", "Watch an order survive a kill -9 (15 seconds)."),
}

EPILOG = """\b
Exit codes: 0 done; 1 refused or failed; 2 wrong usage; 3 executions
            would be left behind; 4 server unreachable.
Settings:   DETENT_URL and DETENT_TOKEN stand for --url and --token."""


class LazyGroup(click.Group):
    """A group that knows its commands' names and summaries, and imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table: serving, authoring, operating."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module; None for a name that is not in the table."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. What the system refuses, and arguments that are no text, are said without a traceback."""
        try:
            return super().invoke(ctx)
        except UnicodeEncodeError:
            raise click.UsageError("an argument holds bytes that are not UTF-8") from None
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # click's: whoever read has read enough
            raise click.ClickException(str(error)) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the summaries from the table; importing every module to ask it would cost a second."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, _, summary) in COMMANDS.items()])


def _show_version(ctx: click.Context, _: click.Parameter, value: Any) -> None:
    if value:
        from importlib.metadata import version

        click.echo(f"detent {version('detent-server')}")
        ctx.exit()


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Detent: durable state machines in Redis.

    `detent COMMAND --help` tells more of one command. Every command that answers takes --json.
    """
