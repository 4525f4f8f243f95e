"""Executions in Redis: create, claim, load, commit, release. Each method is one script or one read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from engine.core.effects import Needs
from engine.core.execution import ROOT, Frame, FrameId, Started
from engine.documents import Document
from engine.errors import StaleCommit, StoreUnavailable
from engine.store import codec
from engine.store.bounds.payloads import INLINE_BYTES_MAX, payloads_of
from engine.store.commits import Claim, Commit, Commits, sent
from engine.store.commits.answers import (
    ClockAhead,
    Committed,
    Creation,
    ExecutionMissing,
    Loaded,
    Suspect,
)
from engine.store.connection import Redis
from engine.store.feed import Entry
from engine.store.keys import ExecutionKeys, Keys, listed_as, task_id
from engine.telemetry import Counters, emit

CLAIMS_MAX = 5  # claims without a commit before an execution is quarantined
SUSPECT_FROM = 2  # claims without a commit from which on it may be what kills its holders


class Executions:
    """`retention_ms`: how long a closed execution is kept; `lease_ms`: how long a claim holds without a commit.

    `changes_kept`: how many changes of executions are kept for followers, in all partitions together; 0 is none.
    `inline_max`: bytes of a document that is written where it is used (see `Commits`).
    """

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        *,
        lease_ms: int,
        retention_ms: int,
        open_max: int,
        bell: bool,
        changes_kept: int = 0,
        inline_max: int = INLINE_BYTES_MAX,
        counters: Counters | None = None,
    ) -> None:
        self._counters = counters or Counters()
        self._redis = redis
        self._acknowledged = redis.acknowledged
        self._keys = keys
        self._lease_ms = lease_ms
        self._open_max = -(-open_max // keys.partitions)
        self._bell = keys.ringer if bell else ""
        self._changes_kept = -(-changes_kept // keys.partitions)
        self._inline_max = inline_max
        self.commits = Commits(
            keys,
            lease_ms=lease_ms,
            retention_ms=retention_ms,
            bell=self._bell,
            changes_kept=self._changes_kept,
            inline_max=inline_max,
        )

    async def create(
        self,
        ref: str,
        static: codec.Static,
        given: Document,
        *,
        version: int | None,
        watch_ms: int = 0,
        key: str = "",
        tell: bytes = b"",
        signal: Mapping[str, Any] | None = None,
        claims: int = 0,
    ) -> Creation:
        """Start an execution unless its name is taken. Same name and input while it runs: `exists`.

        A nested start has a `key`, and exists also if it was that start which made the execution, whatever became of
        it since; `tell` is the errand that its end puts out. It is refused once the start has been taken back.
        A child of a Map Run is refused where the run has been taken more often than `claims` times by now.
        A `signal` (`Signals.sent`) goes with the start, or alone where an execution of the name runs, whatever its input.
        """
        digest = hashlib.sha256(_canonical(given)).hexdigest()[:32]
        frame = Frame(id=ROOT, state="", hold=codec.ENTER, input=given)
        packer = codec.packer(self._inline_max)
        body = {
            "id": static.id,
            "definition": static.definition,
            "version": "" if version is None else str(version),
            "digest": digest,
            "fields": [
                "s",
                codec.pack(static),
                "input",
                packer.value(given),
                f"f:{ROOT}",
                packer.pack(frame),
            ],
            **sent(packer.payloads),
            "open_max": self._open_max,
            "watch_ms": watch_ms,
            "bell": self._bell,
        }
        if key:
            body |= {"key": key, "tell": tell}
        if static.child is not None:
            body |= {"child": str(static.child.index), "claims": claims}
        if signal is not None:
            body["signal"] = signal
        if self._changes_kept:
            started = codec.pack(Entry("started", static.id, "RUNNING", "", 0))
            body |= {"event": [1, 2, self._changes_kept, started], "feed": self._keys.feed}
        reply = await self._redis.script(
            "create_execution",
            self._created_keys(ref, static),
            [ref, codec.pack_envelope(body)],
        )
        created = _creation(reply)
        if created.verdict == "created":
            self._acknowledged.committed(self._keys.of(ref).execution, 0)
        return created

    def _created_keys(self, ref: str, static: codec.Static) -> list[str]:
        keys, namespace = self._keys.of(ref), ref.partition(":")[0]
        definition, child = static.definition, static.child
        ends = keys.fates
        if child is not None:
            ends = self._keys.map_ends(keys.partition, f"{namespace}:{definition}:{child.run}")
        return [
            keys.execution,
            keys.tag + ":ready",
            self._keys.definitions(keys.partition, namespace),
            self._keys.index(keys.partition, namespace, definition, "RUNNING"),
            self._keys.open(keys.partition, namespace),
            self._keys.index(keys.partition, namespace, listed_as(definition)[-1], "RUNNING"),
            keys.refused,
            self._keys.versions(keys.partition, namespace, definition),
            keys.inbox,
            keys.seen,
            keys.fates,
            keys.payloads,
            *self._keys.changes_of(keys.partition, namespace),
            ends,
        ]

    async def due(self, partition: int, now_ms: int, most: int) -> list[str]:
        """Refs of a partition that may be claimed, longest ready first."""
        reply = await self._redis.call(
            self._keys.ready(partition),
            "ZRANGE", self._keys.ready(partition), "-inf", now_ms, "BYSCORE", "LIMIT", 0, most,
        )  # fmt: skip
        return [ref.decode() for ref in reply]

    async def claim(self, ref: str, nonce: str, *, is_alone: bool = True) -> Claim | None:
        """Take an execution, or None when another holds it, it is over, or it is quarantined.
        One whose stored state cannot be read is quarantined here, with the reason; so is one that was claimed
        `CLAIMS_MAX` times in a row without a commit. Raises ExecutionMissing, once, for one that was ready and is not there,
        and Suspect where `is_alone` is not said: that the caller holds no other suspect.
        """
        keys = self._keys.of(ref)
        reply = await self._redis.script(
            "claim",
            [keys.execution, keys.inbox, keys.control, keys.tag + ":ready"],
            [ref, nonce, self._lease_ms, CLAIMS_MAX, "0", "1" if is_alone else "0", SUSPECT_FROM],
        )
        if reply[0] == b"MISSING":
            raise ExecutionMissing
        if reply[0] == b"SUSPECT":
            raise Suspect
        if reply[0] == b"POISON":
            await self._set_aside(keys, nonce, f"claimed {CLAIMS_MAX} times without a commit")
        if reply[0] != b"OK":
            return None
        try:
            payloads = await payloads_of(self._redis, keys.payloads, reply[10])
            return _claim(keys, nonce, reply, payloads)
        except StoreUnavailable:
            raise
        except Exception as error:  # whatever stands there, it must not hold up the others
            reason = f"its stored state cannot be read: {type(error).__name__}: {error}"
        await self._set_aside(keys, nonce, reason)
        return None

    async def prolong(self, claim: Claim) -> bool:
        """Hold a claim for another lease from now; False when it is another's, or nobody's, by now."""
        keys = claim.keys
        reply = await self._redis.script(
            "claim",
            [keys.execution, keys.inbox, keys.control, keys.tag + ":ready"],
            [keys.ref, claim.nonce, self._lease_ms, CLAIMS_MAX, "1", "1", SUSPECT_FROM],
        )
        return bool(reply[0] == b"KEPT")

    async def load(self, claim: Claim, needs: Needs) -> Loaded:
        """Read what `needs` names. None where there is nothing."""
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
        payloads = await payloads_of(redis, keys.payloads, [*fields, *texts], claim.payloads)
        claim.payloads.update(payloads)
        frames = {
            name: codec.unpack_frame(data, payloads) if data else None
            for name, data in zip(needs.frames, fields, strict=False)
        }
        values = {
            name: codec.unpack_value(text, payloads) if text is not None else None
            for name, text in zip(needs.values, texts, strict=True)
        }
        given = None
        if needs.input and fields[-1] is not None:
            given = codec.unpack_value(fields[-1], payloads)
        return Loaded(frames, values, given, await self._leases(claim, needs.leases))

    async def _leases(
        self, claim: Claim, wanted: tuple[tuple[FrameId, int], ...]
    ) -> dict[tuple[FrameId, int], Started | None]:
        if not wanted:
            return {}
        key, ref = claim.keys.tag + ":leases", claim.keys.ref
        names = [task_id(ref, frame, revision) for frame, revision in wanted]
        leases = await self._redis.call(key, "HMGET", key, *names)
        return dict(zip(wanted, map(codec.unpack_lease, leases), strict=True))

    async def commit(self, claim: Claim, commit: Commit) -> Committed:
        """Run commit.lua. Raises StaleCommit when the fence refused, ClockAhead when time did; neither wrote."""
        reply = await self._redis.script("commit", commit.keys, commit.arguments)
        if reply[0] == b"LACKS":
            # What was stored has been freed since, by the outcome of the task that was the last to refer to it.
            reply = await self._redis.script("commit", commit.keys, commit.whole())
        if reply[0] == b"STALE":
            raise StaleCommit(revision=reply[1].decode(), nonce=reply[2].decode())
        if reply[0] == b"AHEAD":
            raise ClockAhead(int(reply[1]))
        self._acknowledged.committed(claim.keys.execution, claim.execution.revision + 1)
        claim.fresh = False
        claim.resting, claim.dropped, claim.refers = commit.resting, commit.dropped, commit.refers
        if commit.payloads:
            claim.payloads.update(commit.payloads)
        frames = await self._frames(claim, reply[5]) if reply[5] else {}
        return Committed(int(reply[1]), reply[2] == 1, reply[3], reply[4], frames)

    async def _frames(self, claim: Claim, packed: list[bytes]) -> dict[FrameId, Frame]:
        payloads = await payloads_of(self._redis, claim.keys.payloads, packed, claim.payloads)
        claim.payloads.update(payloads)
        return {f.id: f for f in (codec.unpack_frame(data, payloads) for data in packed)}

    async def release(self, claim: Claim, *, reset: bool) -> None:
        """Let go without a commit; the execution is ready at once. `reset` forgets the count of claims."""
        keys = claim.keys
        await self._redis.script(
            "release",
            [keys.execution, keys.tag + ":ready"],
            [keys.ref, claim.nonce, "1" if reset else "0"],
        )

    async def quarantine(
        self, claim: Claim, reason: str, error: BaseException | None = None
    ) -> bool:
        """Set an execution aside that cannot go on; describe and the log show the reason.

        False when the claim is another's by now: nothing was written, and the other may well go on.
        """
        return await self._set_aside(claim.keys, claim.nonce, reason, error)

    async def _set_aside(
        self, keys: ExecutionKeys, nonce: str, reason: str, error: BaseException | None = None
    ) -> bool:
        namespace = keys.ref.partition(":")[0]
        reply = await self._redis.script(
            "quarantine",
            [
                keys.execution,
                keys.tag + ":ready",
                self._keys.quarantined(keys.partition, namespace),
            ],
            [keys.ref, nonce, reason[:1000]],
        )
        if reply == 1:
            self._counters.add("detent_executions_quarantined_total")
            emit("execution.quarantined", execution=keys.ref, cause=reason, error=error)
        return bool(reply == 1)


def _creation(reply: list[Any]) -> Creation:
    """What create_execution.lua answered."""
    match reply[0]:
        case b"OK":
            return Creation("created", int(reply[2]), int(reply[1]))
        case b"EXISTS":
            return Creation("exists", int(reply[2]), int(reply[1]))
        case b"CONFLICT":
            return Creation("conflict", status=reply[1].decode())
        case b"SIGNALED":
            return Creation("signaled", int(reply[2]), int(reply[1]))
        case b"REPEAT":
            return Creation("repeat", int(reply[2]), int(reply[1]), reply[3].decode())
        case b"VERSION":
            return Creation("version", int(reply[1]))
        case word:
            verdicts: dict[bytes, Any] = {
                b"UNKNOWN": "unknown",
                b"QUOTA": "quota",
                b"FULL": "full",
            }
            return Creation(verdicts.get(word, "refused"))


def _claim(
    keys: ExecutionKeys, nonce: str, reply: list[Any], payloads: dict[bytes, Document]
) -> Claim:
    """A claim of what claim.lua answered. Raises whatever unreadable bytes make of it."""
    _, now_ms, revision, version, started_ms, static, packed, ready, control, entries, found = reply
    meta = codec.unpack_meta(packed)
    frames = {f.id: f for f in (codec.unpack_frame(data, payloads) for data in found)}
    born = codec.unpack_static(static)
    execution = codec.execution_of(
        born,
        meta,
        frames,
        version=int(version),
        revision=int(revision),
        started_ms=int(started_ms),
        ready=ready.decode(),
    )
    claim = Claim(
        keys,
        nonce,
        execution,
        meta.resting,
        control,
        entries,
        frames,
        now_ms=int(now_ms),
        child=born.child,
        dropped=meta.dropped,
        refers=meta.refers or bool(payloads),
    )
    if payloads:
        claim.payloads.update(payloads)
    return claim


def _canonical(document: Document) -> bytes:
    """The value's text without the caller's white space, so that equal inputs have equal digests."""
    return msgspec.json.encode(document.value, order="sorted")
