"""Watching an execution for as long as it takes: through restarts of the server, and until Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from cli.failures import Failure, Refused, Unreachable
from cli.http import Server

OUTAGE_SECONDS = 60.0  # a restart with a large embedded Redis takes less
RETRY_SECONDS = 0.5
EXIT_INTERRUPTED = 130  # as shells have it for SIGINT
_AWAY = frozenset({502, 503, 504})


class Patient:
    """GETs that outlast a restart of the server: one that answered once may be away for OUTAGE_SECONDS.

    `answered` says that it has. A server that never did is not waited for: its address is probably wrong.
    """

    def __init__(self, server: Server, *, answered: bool = False) -> None:
        self._server = server
        self._answered = answered

    def get(self, path: str, **query: Any) -> Any:
        """As `Server.get`; raises its Unreachable (or the server's own word that it cannot serve) when time is up."""
        away_since: float | None = None
        while True:
            try:
                answer = self._server.get(path, **query)
            except Failure as failure:
                if not self._answered or not _is_outage(failure):
                    raise
                if away_since is None:
                    away_since = time.monotonic()
                    click.echo("the server does not answer; waiting for it ...", err=True)
                elif time.monotonic() - away_since > OUTAGE_SECONDS:
                    raise
                time.sleep(RETRY_SECONDS)
            else:
                if away_since is not None:
                    click.echo("the server answers again", err=True)
                self._answered = True
                return answer


@contextmanager
def watching(execution: str) -> Iterator[None]:
    """Ctrl-C ends the watching, with exit code 130, and says that the execution is not ended by it."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(
            f"\n{execution} runs on; `detent history {execution} --follow` shows it again", err=True
        )
        raise SystemExit(EXIT_INTERRUPTED) from None


def _is_outage(failure: Failure) -> bool:
    if isinstance(failure, Refused):
        return failure.status in _AWAY
    return isinstance(failure, Unreachable)
