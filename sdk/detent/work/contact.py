"""Whether the server can be reached and lets this worker in: said once for all its queues, when that changes."""

from __future__ import annotations

import asyncio
import logging

from detent.errors import DetentError, Unauthenticated, Unavailable

log = logging.getLogger("detent.worker")

AWAY = "unavailable"  # all the ways in which a server is away are one outage
REFUSALS_MAX = (
    3  # of outcomes, in a row: what is done is kept through a token that is wrong for a moment only
)


class Contact:
    """What the requests of one worker met with. `refused` is done when the server will not have its token."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._troubles: dict[str, str] = {}  # by who met with it
        self._refusals = 0
        self.refused: asyncio.Future[Unauthenticated] = asyncio.get_running_loop().create_future()

    def is_lost(self, who: str | None = None) -> bool:
        """Whether the last request of `who` (of anybody, without a name) was in vain."""
        return bool(self._troubles) if who is None else who in self._troubles

    def kept(self, who: str) -> None:
        """A request of `who` was answered."""
        self._refusals = 0
        trouble = self._troubles.pop(who, None)
        if trouble is None or trouble in self._troubles.values():
            return
        if trouble == AWAY:
            log.info("the server at %s answers again", self._url)
        else:
            log.info("%s: goes on", who)

    def lost(self, who: str, error: Exception) -> None:
        """A request of `who` was in vain and will be repeated."""
        trouble = AWAY if isinstance(error, Unavailable) else getattr(error, "code", repr(error))
        is_known = trouble in self._troubles.values()
        self._troubles[who] = trouble
        if is_known:
            return
        if trouble == AWAY:
            log.warning(
                "the server at %s does not answer, trying again: %s", self._url, _line(error)
            )
        elif isinstance(error, DetentError):
            log.warning("%s: refused, trying again: %s", who, _line(error))
        else:
            log.error("%s: failed, trying again", who, exc_info=error)

    def refuse(self, error: Unauthenticated, *, at_once: bool) -> None:
        """The token was refused; `at_once` where nothing is lost by believing it the first time."""
        self._refusals += 1
        if (at_once or self._refusals >= REFUSALS_MAX) and not self.refused.done():
            log.error(
                "the worker stops, the server at %s refuses its token: %s", self._url, _line(error)
            )
            self.refused.set_result(error)


def _line(error: Exception) -> str:
    """On one line: the answer of something that is no Detent server may be a page."""
    return " ".join(str(error).split())
