"""Executions in Redis: create, claim, load, commit, release. Each method is one script or one read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

import msgpack
import msgspec

from engine.core.effects import (
    CancelTask,
    CancelTimer,
    Close,
    Needs,
    ScheduleTask,
    StartTimer,
    Transition,
)
from engine.core.execution import ROOT, Execution, Frame, FrameId
from engine.documents import Document
from engine.errors import StaleCommit
from engine.store import codec
from engine.store.connection import Redis
from engine.store.keys import ExecutionKeys, Keys, task_id

CLAIMS_MAX = 5  # claims without a commit before an execution is quarantined
FIXED_KEYS = 12  # of commit.lua; the queues and indexes a commit touches follow

# Redis' cmsgpack knows no bin type, so bytes must cross as the older raw type, which msgspec does not write.
_packer = msgpack.Packer(use_bin_type=False)


class ClockAhead(Exception):
    """The holder's clock was ahead of Redis time; nothing was written. `now_ms` is Redis time."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        super().__init__(f"ahead of {now_ms}")


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


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit's reply brings."""

    now_ms: int
    released: bool
    control: list[bytes]
    entries: list[bytes]
    frames: dict[FrameId, Frame]


@dataclass(frozen=True, slots=True)
class Creation:
    """The answer to a create. `version` and `started_ms` are set for created and existing."""

    verdict: Literal["created", "exists", "conflict", "unknown", "quota"]
    version: int = 0
    started_ms: int = 0
    status: str = "RUNNING"


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


class Executions:
    """`retention_ms`: how long a closed execution is kept; `lease_ms`: how long a claim holds without a commit."""

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        *,
        lease_ms: int,
        retention_ms: int,
        open_max: int,
        bell: bool,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._lease_ms = lease_ms
        self._retention_ms = retention_ms
        self._open_max = -(-open_max // keys.partitions)
        self._bell = keys.bell if bell else ""

    async def create(
        self,
        ref: str,
        static: codec.Static,
        given: Document,
        *,
        version: int | None,
        watch_ms: int = 0,
    ) -> Creation:
        """Start an execution unless its name is taken. Same name and input while it runs: `exists`."""
        keys = self._keys.of(ref)
        namespace = ref.partition(":")[0]
        digest = hashlib.sha256(_canonical(given)).hexdigest()[:32]
        frame = Frame(id=ROOT, state="", hold=codec.ENTER, input=given)
        body = {
            "id": static.id,
            "definition": static.definition,
            "version": "" if version is None else str(version),
            "digest": digest,
            "fields": [
                "s",
                codec.pack(static),
                "input",
                given.text,
                f"f:{ROOT}",
                codec.pack(frame),
            ],
            "open_max": self._open_max,
            "watch_ms": watch_ms,
            "bell": self._bell,
        }
        reply = await self._redis.script(
            "create_execution",
            [
                keys.execution,
                keys.tag + ":ready",
                self._keys.definitions(keys.partition, namespace),
                self._keys.index(keys.partition, namespace, static.definition, "RUNNING"),
                self._keys.open(keys.partition, namespace),
            ],
            [ref, _packer.pack(body)],
        )
        word = reply[0]
        if word == b"OK":
            return Creation("created", int(reply[2]), int(reply[1]))
        if word == b"EXISTS":
            return Creation("exists", int(reply[2]), int(reply[1]))
        if word == b"CONFLICT":
            return Creation("conflict", status=reply[1].decode())
        return Creation("unknown" if word == b"UNKNOWN" else "quota")

    async def due(self, partition: int, now_ms: int, most: int) -> list[str]:
        """Refs of a partition that may be claimed, longest ready first."""
        reply = await self._redis.call(
            self._keys.ready(partition),
            "ZRANGE", self._keys.ready(partition), "-inf", now_ms, "BYSCORE", "LIMIT", 0, most,
        )  # fmt: skip
        return [ref.decode() for ref in reply]

    async def claim(self, ref: str, nonce: str) -> Claim | None:
        """Take an execution, or None when another holds it, it is over, or it is quarantined."""
        keys = self._keys.of(ref)
        reply = await self._redis.script(
            "claim",
            [keys.execution, keys.inbox, keys.control, keys.tag + ":ready"],
            [ref, nonce, self._lease_ms, CLAIMS_MAX],
        )
        if reply[0] != b"OK":
            return None
        meta = codec.unpack_meta(reply[6])
        frames = {f.id: f for f in map(codec.unpack_frame, reply[10])}
        execution = codec.execution_of(
            codec.unpack_static(reply[5]),
            meta,
            frames,
            version=int(reply[3]),
            revision=int(reply[2]),
            started_ms=int(reply[4]),
            ready=reply[7].decode(),
        )
        return Claim(keys, nonce, execution, meta.resting, reply[8], reply[9], frames)

    async def load(
        self, claim: Claim, needs: Needs
    ) -> tuple[dict[FrameId, Frame | None], dict[str, Document | None], Document | None]:
        """Read what `needs` names: frames, values, and the execution's input. None where there is nothing."""
        keys, redis = claim.keys, self._redis
        waiting = []
        names = [f"f:{f}" for f in needs.frames] + (["input"] if needs.input else [])
        if names:
            waiting.append(redis.call(keys.execution, "HMGET", keys.execution, *names))
        if needs.values:
            waiting.append(redis.call(keys.execution, "HMGET", keys.values, *needs.values))
        replies = [await reply for reply in waiting]
        fields = replies[0] if names else []
        texts = replies[-1] if needs.values else []
        frames = {
            name: codec.unpack_frame(data) if data else None
            for name, data in zip(needs.frames, fields, strict=False)
        }
        values = {
            name: Document.from_text(text) if text is not None else None
            for name, text in zip(needs.values, texts, strict=True)
        }
        given = Document.from_text(fields[-1]) if needs.input and fields[-1] is not None else None
        return frames, values, given

    def commit_arguments(
        self,
        claim: Claim,
        transition: Transition,
        *,
        taken: int,
        controls: int,
        release: bool,
        extend: bool,
        now_ms: int,
    ) -> tuple[list[str], list[Any], str]:
        """KEYS and ARGV of commit.lua for a transition, and the state whose index holds the execution after it."""
        keys, before, after = claim.keys, claim.execution, transition.execution
        envelope = _Envelope(
            {"now": str(now_ms), "bell": self._bell, "changes": self._keys.changes}
        )
        resting = self._index(envelope, claim, transition, release=release)
        fields: list[Any] = ["m", codec.pack(codec.meta_of(after, resting))]
        if after.ready != before.ready:
            fields += ("ready", " ".join(after.ready))
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
        return (
            self._names(keys, envelope.keys),
            [keys.ref, claim.nonce, before.revision, lease_ms, _packer.pack(body)],
            resting,
        )

    def touch_arguments(self, claim: Claim) -> tuple[list[str], list[Any], str]:
        """KEYS and ARGV of a commit that changes nothing but lets go, unless something has come in."""
        body = {"now": "0", "bell": "", "changes": "", "set": [], "release": True}
        if claim.fresh:
            body["set"] = ["claims", "0"]
        arguments = [
            claim.keys.ref,
            claim.nonce,
            claim.execution.revision,
            0,
            _packer.pack(body),
        ]
        return self._names(claim.keys, []), arguments, claim.resting

    async def commit(self, claim: Claim, arguments: tuple[list[str], list[Any], str]) -> Committed:
        """Run commit.lua. Raises StaleCommit when the fence refused, ClockAhead when time did; neither wrote."""
        names, values, resting = arguments
        reply = await self._redis.script("commit", names, values)
        if reply[0] == b"STALE":
            raise StaleCommit(revision=reply[1].decode(), nonce=reply[2].decode())
        if reply[0] == b"AHEAD":
            raise ClockAhead(int(reply[1]))
        claim.fresh = False
        claim.resting = resting
        frames = {f.id: f for f in map(codec.unpack_frame, reply[5])}
        return Committed(int(reply[1]), reply[2] == 1, reply[3], reply[4], frames)

    async def release(self, claim: Claim, *, reset: bool) -> None:
        """Let go without a commit; the execution is ready at once. `reset` forgets the count of claims."""
        keys = claim.keys
        await self._redis.script(
            "release",
            [keys.execution, keys.tag + ":ready"],
            [keys.ref, claim.nonce, "1" if reset else "0"],
        )

    async def quarantine(self, claim: Claim, reason: str) -> None:
        """Set an execution aside that cannot go on; describe shows the reason."""
        keys = claim.keys
        await self._redis.script(
            "quarantine",
            [keys.execution, keys.tag + ":ready"],
            [keys.ref, claim.nonce, reason[:1000]],
        )

    async def fence(self, ref: str) -> tuple[int, str]:
        """(revision, nonce) as stored: settles whether a commit of unknown outcome happened."""
        execution = self._keys.of(ref).execution
        revision, nonce = await self._redis.call(execution, "HMGET", execution, "rev", "own")
        return int(revision or -1), (nonce or b"").decode()

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
        if not closes and not release:
            return claim.resting
        root = after.frames.get(ROOT)
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
            running, ended = (
                envelope.key(self._keys.index(keys.partition, namespace, after.definition, status))
                for status in ("RUNNING", after.status)
            )
            envelope.add("unindex", [running, after.id])
            envelope.add("index", [ended, str(after.started_ms), after.id])
        return resting

    def _effects(
        self, envelope: _Envelope, claim: Claim, transition: Transition, now_ms: int
    ) -> None:
        keys = claim.keys
        namespace = keys.ref.partition(":")[0]
        for effect in transition.effects:
            match effect:
                case ScheduleTask():
                    self._schedule(envelope, keys, transition.execution, effect, now_ms)
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
                case Close():
                    envelope.body["close"] = self._retention_ms
                    if not any(b.head < b.tail for b in transition.execution.signals.values()):
                        envelope.body["spent"] = True

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


def _canonical(document: Document) -> bytes:
    """The value's text without the caller's white space, so that equal inputs have equal digests."""
    return msgspec.json.encode(document.value, order="sorted")
