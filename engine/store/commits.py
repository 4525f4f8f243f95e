"""Building a commit: what a transition changes, as the KEYS and ARGV of commit.lua. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.core.effects import (
    CancelTask,
    CancelTimer,
    Close,
    ScheduleTask,
    StartTimer,
    StopChild,
    Tally,
    Transition,
)
from engine.core.execution import ROOT, Execution, Frame, FrameId
from engine.core.states.nested import STATES_QUEUE
from engine.store import codec, errands
from engine.store.feed import Entry, Kind
from engine.store.keys import ExecutionKeys, Keys, task_id

FIXED_KEYS = 12  # of commit.lua; the queues and indexes a commit touches follow


@dataclass(slots=True)
class Claim:
    """An execution in its holder's hands: what it knows, and what has come in."""

    keys: ExecutionKeys
    nonce: str
    execution: Execution
    resting: str
    control: list[bytes]
    entries: list[bytes]
    frames: dict[FrameId, Frame]
    fresh: bool = True  # no commit since the claim: the count of claims is still to be reset


@dataclass(slots=True)
class _Envelope:
    """Collects a commit's writes; see commit.lua for the names."""

    body: dict[str, Any]
    keys: list[str] = field(default_factory=list)

    def key(self, name: str) -> int:
        """The number of a dynamic key, as Lua counts."""
        if name not in self.keys:
            self.keys.append(name)
        return FIXED_KEYS + 1 + self.keys.index(name)

    def add(self, part: str, *values: Any) -> None:
        self.body.setdefault(part, []).extend(values)


@dataclass(frozen=True, slots=True)
class Commit:
    """Arguments of commit.lua, and the state whose index holds the execution once it has run."""

    keys: list[str]
    arguments: list[Any]
    resting: str


class Commits:
    """`lease_ms`: how long a claim holds without a commit; `retention_ms`: how long a closed execution is kept.

    `changes_kept`: how many changes of executions a partition keeps for followers; 0 is none.
    """

    def __init__(
        self, keys: Keys, *, lease_ms: int, retention_ms: int, bell: str, changes_kept: int = 0
    ) -> None:
        self._keys = keys
        self._lease_ms = lease_ms
        self._retention_ms = retention_ms
        self._bell = bell
        self._changes_kept = changes_kept

    def of(
        self,
        claim: Claim,
        transition: Transition,
        *,
        taken: int,
        controls: int,
        release: bool,
        extend: bool,
        now_ms: int,
    ) -> Commit:
        """The commit of a transition: `taken` and `controls` are the inbox entries it consumes."""
        keys, before, after = claim.keys, claim.execution, transition.execution
        envelope = _Envelope(
            {"now": str(now_ms), "bell": self._bell, "changes": self._keys.changes}
        )
        resting = self._index(envelope, claim, transition, release=release)
        self._announce(envelope, claim, after, resting)
        fields: list[Any] = ["m", codec.pack(codec.meta_of(after, resting))]
        if after.ready != before.ready:
            fields += ("ready", " ".join(after.ready))
        if after.version != before.version:
            fields += ("ver", str(after.version))
        if claim.fresh:
            fields += ("claims", "0")
        if after.signals is not before.signals:
            kept = sum(buffer.tail - buffer.head for buffer in after.signals.values())
            fields += ("buffered", str(kept))
        for name, frame in transition.frames.items():
            if frame is None:
                envelope.add("del", "f:" + name)
            else:
                fields += ("f:" + name, codec.pack(frame))
        if after.status != "RUNNING":
            fields += ("status", after.status)
            if after.output is not None:
                fields += ("output", after.output.text)
        body = envelope.body
        body["set"] = fields
        if transition.records:
            body["records"] = [codec.pack(record) for record in transition.records]
        for name, value in transition.values.items():
            if value is None:
                envelope.add("drop", name)
            else:
                envelope.add("keep", name, value.text)
        if taken:
            body["taken"] = taken
        if controls:
            body["controls"] = controls
        if release:
            body["release"] = True
        self._effects(envelope, claim, transition, now_ms)
        lease_ms = self._lease_ms if extend else 0
        return Commit(
            self._names(keys, envelope.keys),
            [keys.ref, claim.nonce, before.revision, lease_ms, codec.pack_envelope(body)],
            resting,
        )

    def touch(self, claim: Claim) -> Commit:
        """A commit that changes nothing but lets go, unless something has come in."""
        body = {"now": "0", "bell": "", "changes": "", "set": [], "release": True}
        if claim.fresh:
            body["set"] = ["claims", "0"]
        arguments = [
            claim.keys.ref,
            claim.nonce,
            claim.execution.revision,
            0,
            codec.pack_envelope(body),
        ]
        return Commit(self._names(claim.keys, []), arguments, claim.resting)

    def _names(self, keys: ExecutionKeys, dynamic: list[str]) -> list[str]:
        tag, namespace = keys.tag, keys.ref.partition(":")[0]
        return [
            keys.execution, keys.inbox, keys.control, keys.history, keys.values,
            tag + ":ready", tag + ":timers", tag + ":tasks", tag + ":leases", tag + ":queues",
            tag + ":closed", f"{tag}:{namespace}:open", *dynamic,
        ]  # fmt: skip

    def _index(
        self, envelope: _Envelope, claim: Claim, transition: Transition, *, release: bool
    ) -> str:
        """Move the execution between indexes where it closes or comes to rest; returns where it rests."""
        after, keys = transition.execution, claim.keys
        closes = after.status != "RUNNING"
        root = after.frames.get(ROOT)
        if not closes and (not release or root is None):
            return (
                claim.resting
            )  # on its way, or the event did not concern the root, which was not even loaded
        resting = "" if closes or root is None else root.state
        namespace = keys.ref.partition(":")[0]
        if resting != claim.resting:
            for state, part in ((claim.resting, "unindex"), (resting, "index")):
                if state:
                    number = envelope.key(
                        self._keys.resting(keys.partition, namespace, after.definition, state)
                    )
                    score = [str(after.started_ms)] if part == "index" else []
                    envelope.add(part, [number, *score, after.id])
        if closes:
            for definition in (after.definition, ""):
                running, ended = (
                    envelope.key(self._keys.index(keys.partition, namespace, definition, status))
                    for status in ("RUNNING", after.status)
                )
                envelope.add("unindex", [running, after.id])
                envelope.add("index", [ended, str(after.started_ms), after.id])
        return resting

    def _announce(self, envelope: _Envelope, claim: Claim, after: Execution, resting: str) -> None:
        """What followers of all executions are told of this commit, if anything."""
        kind = _change(claim, after, resting)
        if not self._changes_kept or kind is None:
            return
        keys = claim.keys
        stream, bell = self._keys.changes_of(keys.partition, keys.ref.partition(":")[0])
        entry = Entry(kind, after.id, after.status, resting, after.revision)
        envelope.body["event"] = [
            envelope.key(stream),
            envelope.key(bell),
            self._changes_kept,
            codec.pack(entry),
            str(after.version),
        ]
        envelope.body["feed"] = self._keys.feed

    def _effects(
        self, envelope: _Envelope, claim: Claim, transition: Transition, now_ms: int
    ) -> None:
        keys = claim.keys
        namespace = keys.ref.partition(":")[0]
        for effect in transition.effects:
            match effect:
                case ScheduleTask():
                    self._schedule(envelope, keys, transition.execution, effect, now_ms)
                case StopChild():
                    self._errand(envelope, keys, errands.stop(transition.execution, effect, now_ms))
                case CancelTask():
                    number = envelope.key(self._keys.queue(keys.partition, namespace, effect.queue))
                    identifier = task_id(keys.ref, effect.frame, effect.revision)
                    envelope.add("untasks", [identifier, number, f"{namespace}:{effect.queue}"])
                case StartTimer():
                    member = task_id(keys.ref, effect.frame, effect.revision)
                    envelope.add("timers", str(effect.due_ms), f"{member}#{effect.kind}")
                case CancelTimer():
                    member = task_id(keys.ref, effect.frame, effect.revision)
                    envelope.add("untimers", f"{member}#{effect.kind}")
                case Tally():
                    self._tally(envelope, keys, effect)
                case Close():
                    envelope.body["close"] = self._retention_ms
                    name = f"{namespace}:{STATES_QUEUE}"
                    queue = self._keys.queue(keys.partition, namespace, STATES_QUEUE)
                    envelope.body["tell"] = [envelope.key(queue), name]
                    if not any(b.head < b.tail for b in transition.execution.signals.values()):
                        envelope.body["spent"] = True

    def _tally(self, envelope: _Envelope, keys: ExecutionKeys, effect: Tally) -> None:
        namespace, _, identifier = keys.ref.partition(":")
        counts, waiting = self._keys.operation(keys.partition, namespace, effect.operation)
        reason = [] if effect.reason is None else [effect.reason]
        numbers = envelope.key(counts), envelope.key(waiting)
        envelope.add("tallies", [*numbers, effect.outcome, identifier, *reason])

    def _errand(self, envelope: _Envelope, keys: ExecutionKeys, row: codec.TaskRow) -> None:
        namespace = keys.ref.partition(":")[0]
        number = envelope.key(self._keys.queue(keys.partition, namespace, row.queue))
        identifier = task_id(keys.ref, row.frame, row.revision)
        envelope.add("tasks", [identifier, errands.pack(row), number, f"{namespace}:{row.queue}"])

    def _schedule(
        self,
        envelope: _Envelope,
        keys: ExecutionKeys,
        execution: Execution,
        effect: ScheduleTask,
        now_ms: int,
    ) -> None:
        namespace = keys.ref.partition(":")[0]
        identifier = task_id(keys.ref, effect.frame, effect.revision)
        row = codec.TaskRow(
            effect.queue, execution.id, execution.definition, effect.state, effect.frame,
            effect.revision, effect.attempt, effect.input, effect.idempotency_key, effect.uri,
            now_ms, effect.timeout_ms, effect.heartbeat_ms, effect.callback,
        )  # fmt: skip
        number = envelope.key(self._keys.queue(keys.partition, namespace, effect.queue))
        packed = effect.token.encode() + b"|" + codec.pack(row)
        envelope.add("tasks", [identifier, packed, number, f"{namespace}:{effect.queue}"])
        if effect.timeout_ms is not None:
            envelope.add("timers", str(effect.timeout_ms), identifier + "#timeout")
        if effect.heartbeat_ms is not None:
            envelope.add("timers", str(now_ms + effect.heartbeat_ms), identifier + "#heartbeat")


def _change(claim: Claim, after: Execution, resting: str) -> Kind | None:
    """What becomes of an execution, for those who follow many; None for a step on its way."""
    if after.status != "RUNNING":
        return "closed"
    if after.version != claim.execution.version:
        return "moved"
    return "parked" if resting != claim.resting else None
