"""What Redis has acknowledged to this process lately, and the questions that tell whether it is still there.

Redis may come back with less than it had acknowledged: after a crash or a power cut with `appendfsync everysec`, after a
failover, from an old copy. Nothing is written to find that out: each acknowledged write is remembered here (the newest few
hundred, and one of each second for some minutes), and asked for when a connection was made anew, and now and then.

Pure but for what is noted: whoever has a connection asks the questions, and hands the answers back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from redis.exceptions import ResponseError

RECENT = 256
AGED = 600  # seconds, one write of each
BRIEF_SECONDS = 60  # a signal's id or a task's end proves something for so long: later it may have been forgotten

Question = tuple[str, ...]


class Write(NamedTuple):
    """`at`: seconds of `Acknowledged.now`. `revision` and above is what the execution `key` must have now.

    `inside` and `outside`: a sorted set and a member that it has, a hash and a field that it has not any more.
    """

    at: float
    key: str
    revision: int
    inside: tuple[str, str] | None = None
    outside: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """Of `checked` acknowledged writes, `count` are gone; the oldest of these was made `seconds` before the newest of all."""

    count: int
    checked: int
    seconds: float


class Acknowledged:
    """`forgets_seconds`: how long the name of a closed execution is kept at least; what is older proves nothing."""

    def __init__(self, *, forgets_seconds: float = float("inf")) -> None:
        self.now = 0.0  # set by whoever has a clock, once a second: reading one for each write would cost too much
        self.forgets_seconds = forgets_seconds
        self._recent: deque[Write] = deque(maxlen=RECENT)
        self._aged: deque[Write] = deque(maxlen=AGED)

    def committed(self, execution: str, revision: int) -> None:
        """The execution of that key has this revision at least. Revision 0: it was started."""
        self._recent.append(Write(self.now, execution, revision))

    def accepted(self, execution: str, seen: str, identifier: str) -> None:
        """The execution has a signal of that id."""
        self._recent.append(Write(self.now, execution, 0, inside=(seen, identifier)))

    def settled(self, execution: str, tasks: str, task: str) -> None:
        """The task has ended; its row is gone."""
        self._recent.append(Write(self.now, execution, 0, outside=(tasks, task)))

    def tick(self, now: float) -> None:
        """A second has passed; keep one write of it."""
        self.now = now
        if self._recent and (not self._aged or self._aged[-1].at < self._recent[-1].at):
            self._aged.append(self._recent[-1])

    def forget(self) -> None:
        """Begin anew, once it was told what is missing."""
        self._recent.clear()
        self._aged.clear()

    def writes(self, seconds: float = float("inf")) -> list[Write]:
        """What can be asked for of the last `seconds`, oldest first: of each execution the newest revision only."""
        found: dict[Any, Write] = {}
        for write in (*self._aged, *self._recent):
            age = self.now - write.at
            if age >= min(self.forgets_seconds, seconds) or "~" in write.key:
                continue  # children of Map Runs may leave nothing when they end
            if (write.inside or write.outside) and age > BRIEF_SECONDS:
                continue
            found[write.key, write.inside, write.outside] = write
        return list(found.values())


def questions(write: Write) -> list[Question]:
    """The commands, all of the execution's slot, whose answers `is_missing` judges."""
    asked: list[Question] = [("HMGET", write.key, "status", "rev", "pruned")]
    if write.inside is not None:
        asked.append(("ZSCORE", *write.inside))
    if write.outside is not None:
        asked.append(("HEXISTS", *write.outside))
    return asked


def is_missing(write: Write, answers: Sequence[Any]) -> bool | None:
    """Whether what was acknowledged is gone; None where this node cannot tell (the slot is another's)."""
    if any(isinstance(answer, ResponseError) for answer in answers):
        return None
    status, revision, pruned = answers[0]
    if status is None:
        return True
    if pruned is not None:
        return False
    if int(revision or 0) < write.revision:
        return True
    if write.inside is not None:
        return answers[1] is None
    return write.outside is not None and bool(answers[1])


def missing(writes: Sequence[Write], answers: Sequence[Sequence[Any]]) -> Missing | None:
    """What is gone; None where nothing is."""
    verdicts = [
        (write, is_missing(write, each)) for write, each in zip(writes, answers, strict=True)
    ]
    gone = [write for write, verdict in verdicts if verdict]
    if not gone:
        return None
    checked = sum(verdict is not None for _, verdict in verdicts)
    seconds = max(write.at for write in writes) - min(write.at for write in gone)
    return Missing(len(gone), checked, seconds)
