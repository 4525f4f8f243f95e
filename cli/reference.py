"""The command line's reference page, made from the commands themselves.

`python -m cli.reference` prints what docs/reference/command-line.md has to hold; a test compares them.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from cli.main import COMMANDS, main

_HEAD = """# Command line

<!-- Made by `python -m cli.reference`; a test fails where it is out of date. -->

`detent COMMAND --help` shows the same in the terminal.

| Exit code | Means |
|---|---|
| 0 | done |
| 1 | refused by the server, or done and the answer is no: an invalid definition, an execution that failed |
| 2 | wrong usage; nothing was asked of the server |
| 3 | executions would be, or were, left behind on an older version |
| 4 | the server could not be reached, or was away for more than a minute while an execution was followed |
| 130 | ended by Ctrl-C |

`--url` and `--token` may be given as `DETENT_URL` and `DETENT_TOKEN`. With `--json` a command prints one JSON document to
stdout, the server's own wherever there is one; a refusal is printed as the server's problem document. JSON values are
given as text, as `@FILE`, or as `-` for stdin. Colours are left out where stdout is not a terminal."""


def page() -> str:
    """The page as Markdown."""
    context = click.Context(main, info_name="detent")
    return "\n\n".join([_HEAD, *(_section(name, context) for name in COMMANDS)]) + "\n"


def _section(name: str, parent: click.Context) -> str:
    command = main.get_command(parent, name)
    assert command is not None
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    prose = inspect.cleandoc(command.help or "")
    return "\n\n".join([f"## {name}", f"    {usage}", prose, *_options(command)])


def _options(command: click.Command) -> Iterator[str]:
    rows = [
        f"| `{', '.join(option.opts)}{_value(option)}` | {option.help} |"
        for option in command.params
        if isinstance(option, click.Option) and option.help
    ]
    if rows:
        yield "\n".join(["| Option | |", "|---|---|", *rows])


def _value(option: click.Option) -> str:
    if option.is_flag:
        return ""
    if isinstance(option.type, click.Choice):
        return " " + r"\|".join(map(str, option.type.choices))
    return " " + (option.metavar or option.type.name.upper()).replace("|", r"\|").split(" RANGE")[0]


if __name__ == "__main__":
    click.echo(page(), nl=False)
