"""`detent demo`: runs the story in a folder of its own and says whether all of it was true."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from pathlib import Path

import click

from cli.failures import Failed, Failure


@click.command()
@click.option("--keep", is_flag=True, help="Leave the server running at the end, until Ctrl-C.")
def demo(keep: bool) -> None:
    """Watch an order survive a kill -9, and another one be undone.

    Starts a server with an embedded Redis on a free port and workers for a small shop, all in a temporary folder. Exits
    0 only if everything happened as told. Takes about 15 seconds.
    """
    # An end by SIGTERM has to pass through the household too, or its processes would outlive it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="detent-demo-"))
    told = True
    try:
        told = _tell(folder, keep=keep)
    finally:
        if told:
            shutil.rmtree(folder, ignore_errors=True)
    if not told:
        click.echo(f"\nEverything was left in {folder}.", err=True)
        raise Failed


def _tell(folder: Path, *, keep: bool) -> bool:
    """Whether everything happened as told; if not, the reason has been said."""
    from cli.demo.processes import WentWrong, household
    from cli.demo.story import Story

    with household(folder) as home:
        try:
            return Story(home, folder).tell(keep=keep)
        except (WentWrong, Failure) as error:
            reason = error.message if isinstance(error, Failure) else str(error)
            label = click.style("The demo went wrong", fg="red", bold=True)
            click.echo(f"\n{label}: {reason}", err=True)
            click.echo(f"The end of the server's log:\n{home.log_tail()}", err=True)
            return False
