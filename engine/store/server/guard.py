"""The guard: is what answers still the store that this process began with, and has it what it acknowledged?

Asked on every new connection, before anything else is sent on it, and now and then on those that are open. Another store
(an empty one, of a server started in the wrong folder; one that was flushed) is not used: the connection is refused, as
if nobody answered, until the right one is back. A store that lacks the last moments is used, and the loss is told. One that
lacks more than a minute of what this process saw acknowledged was not left by a crash: somebody has put an old copy in
its place, and that is refused too, until the process is started again and takes it as it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.exceptions import ResponseError

from engine.errors import StoreRefused
from engine.store.server.acknowledged import Acknowledged, Missing, Question, missing, questions

OLDER_SECONDS_MAX = 60.0  # of acknowledged writes that a crash or a failover may have taken

Ask = Callable[[Sequence[Question]], Awaitable[list[Any]]]
"""Asks one node; answers in the same order, a refusal as a ResponseError in its place."""

Script = Callable[[str, Sequence[str], Sequence[str]], Awaitable[Any]]


class Guard:
    """`layout` is the key that holds the store's identity. `on_missing` is told of each loss that was noticed."""

    def __init__(
        self,
        layout: str,
        identity: str,
        acknowledged: Acknowledged,
        on_missing: Callable[[Missing, str], None],
    ) -> None:
        self._layout = layout
        self._identity = identity
        self._acknowledged = acknowledged
        self._on_missing = on_missing
        self.refusal: str | None = None  # why this store is not used, while it is not
        self.incarnation = 0

    async def examine(self, ask: Ask, *, seconds: float = float("inf")) -> None:
        """Examine one node by what was acknowledged in the last `seconds`. Raises StoreRefused where it must not be used."""
        writes = self._acknowledged.writes(seconds)
        asked = [questions(write) for write in writes]
        answers = await ask(
            [
                ("HMGET", self._layout, "identity", "incarnation"),
                ("INFO", "server"),
                *(question for each in asked for question in each),
            ]
        )
        self.identify(answers[0])
        rest = iter(answers[2:])
        lacks = missing(writes, [[next(rest) for _ in each] for each in asked])
        if lacks is None:
            return
        if lacks.seconds > OLDER_SECONDS_MAX:
            self._refuse(
                f"Redis holds an old copy of the store: it lacks what was acknowledged {lacks.seconds:.0f} s before the "
                "last write. Start the right one, or start this process again to go on with the copy."
            )
        self._acknowledged.forget()
        self._on_missing(lacks, _run_id(answers[1]))

    def identify(self, answer: Any) -> None:
        """Judge the answer to HMGET layout identity incarnation. Raises StoreRefused for another store."""
        if isinstance(answer, ResponseError):
            return  # a node of a cluster that has not this key
        identity, incarnation = answer
        if identity is None:
            self._refuse(
                "Redis holds no store any more: it was emptied, or was started on another folder. Start it on the right "
                "one, or start this process again to begin with an empty store."
            )
        if identity.decode() != self._identity:
            self._refuse(
                "Redis holds another store than the one this process began with. Start Redis on the right folder, or "
                "start this process again to go on with the other store."
            )
        self.refusal = None
        self.incarnation = int(incarnation or 0)

    async def note(self, script: Script, run: str) -> int:
        """Note that the run of a server has lost something; the store's incarnation from then on."""
        answer = await script("note_loss", [self._layout], [run])
        self.incarnation = int(answer)
        return self.incarnation

    def _refuse(self, reason: str) -> None:
        self.refusal = reason
        raise StoreRefused(reason)


def _run_id(info: Any) -> str:
    text = info.decode("utf-8", "replace") if isinstance(info, bytes) else ""
    lines = (line for line in text.splitlines() if line.startswith("run_id:"))
    return next(lines, "run_id:unknown").removeprefix("run_id:")
