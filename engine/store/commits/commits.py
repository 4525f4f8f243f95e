"""Building a commit: what a transition changes, as the KEYS and ARGV of commit.lua. No I/O."""

from __future__ import annotations

from typing import Any

from engine.core.effects import (
    CancelTask,
    CancelTimer,
    Close,
    ReturnTask,
    ScheduleTask,
    ShiftTimer,
    SignalEnded,
    StartTimer,
    StopChild,
    StopMapRun,
    Tally,
    Transition,
)
from engine.core.execution import Execution
from engine.core.states.nested import STATES_QUEUE
from engine.language.machine import Keeping
from engine.store import codec, errands
from engine.store.bounds.payloads import INLINE_BYTES_MAX
from engine.store.bounds.referring import Packer
from engine.store.commits.map_ends import leaves_nothing, note_map_end
from engine.store.commits.parts import (
    Claim,
    Commit,
    Envelope,
    change_of,
    fields_of,
    is_needed,
    put_values,
    rest_of,
    sent,
    trimmed_by,
)
from engine.store.feed import Entry
from engine.store.finding.entries import entries_of, moved, row_of_execution
from engine.store.keys import ExecutionKeys, Keys, kept_ms, task_id
from engine.store.operating.pauses import is_held_up, note_pause

HOUR_MS = 3_600_000


class Commits:
    """`lease_ms`: how long a claim holds without a commit; `retention_ms`: how long a closed execution is kept.

    `changes_kept`: how many changes of executions a partition keeps for followers; 0 is none. `inline_max`: bytes of a
    document that is written where it is used; a larger one is stored once and referred to.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        lease_ms: int,
        retention_ms: int,
        bell: str,
        changes_kept: int = 0,
        inline_max: int = INLINE_BYTES_MAX,
    ) -> None:
        self._keys = keys
        self._lease_ms = lease_ms
        self._retention_ms = retention_ms
        self._bell = bell
        self._changes_kept = changes_kept
        self._packer = codec.packer(inline_max)

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
        packer = self._packer.begin()
        envelope = Envelope({"now": str(now_ms), "bell": self._bell, "changes": self._keys.changes})
        resting = self._index(envelope, claim, transition, release=release)
        self._announce(envelope, claim, after, resting)
        trimmed, fields, body = 0, list[Any](), envelope.body
        body["set"] = fields
        is_kept = not leaves_nothing(claim, after)
        if is_kept:
            trimmed = trimmed_by(claim, after)
            fields += fields_of(envelope, claim, transition, packer)
            if transition.records:
                body["records"] = [packer.pack(record) for record in transition.records]
            if trimmed:
                body["trim"] = trimmed
            put_values(envelope, transition, packer)
        if taken:
            body["taken"] = taken
        if controls:
            body["controls"] = controls
        if release:
            body["release"] = True
        note_pause(envelope.body, envelope.key, keys, before, transition)
        self._effects(envelope, claim, transition, now_ms, packer)
        refers = claim.refers or bool(packer.payloads)
        dropped = claim.dropped + trimmed
        if is_kept:
            if refers:
                body["refs"] = True
                body |= sent({n: d for n, d in packer.payloads.items() if n not in claim.payloads})
            meta = codec.meta_of(after, resting, dropped=dropped, refers=refers)
            fields += ("m", codec.pack(meta))
        lease_ms = self._lease_ms if extend else 0
        return Commit(
            self._names(keys, envelope.keys),
            [keys.ref, claim.nonce, before.revision, lease_ms, codec.pack_envelope(body)],
            resting,
            dropped,
            refers,
            packer.payloads,
            body,
        )

    def touch(self, claim: Claim) -> Commit:
        """A commit that changes nothing but lets go, unless something has come in."""
        body = {"now": "0", "bell": "", "changes": "", "set": [], "release": True}
        if claim.fresh:
            body["set"] = ["claims", "0"]
        if is_held_up(claim.execution):
            body["paused"] = True
        arguments = [
            claim.keys.ref,
            claim.nonce,
            claim.execution.revision,
            0,
            codec.pack_envelope(body),
        ]
        names = self._names(claim.keys, [])
        return Commit(names, arguments, claim.resting, claim.dropped, claim.refers)

    def _names(self, keys: ExecutionKeys, dynamic: list[str]) -> list[str]:
        tag, namespace = keys.tag, keys.ref.partition(":")[0]
        return [
            keys.execution, keys.inbox, keys.control, keys.history, keys.values,
            tag + ":ready", tag + ":timers", tag + ":tasks", tag + ":leases", tag + ":queues",
            tag + ":closed", f"{tag}:{namespace}:open", keys.payloads, *dynamic,
        ]  # fmt: skip

    def _index(
        self, envelope: Envelope, claim: Claim, transition: Transition, *, release: bool
    ) -> str:
        """Write what changes in the indexes; returns the state that the execution rests in from now on."""
        before, after = claim.execution, transition.execution
        resting = rest_of(claim, after, release=release)
        namespace = claim.keys.ref.partition(":")[0]
        if (
            after.status == before.status
            and after.version == before.version
            and after.attributes is before.attributes
        ):
            # The way of nearly every commit: at most the state has changed.
            self._move_rest(envelope, claim, namespace, resting)
            return resting
        gone, come = moved(
            entries_of(self._keys, namespace, row_of_execution(before, claim.resting)),
            entries_of(self._keys, namespace, row_of_execution(after, resting)),
        )
        for key, (_, member) in gone.items():
            envelope.add("unindex", [envelope.key(key), member])
        for key, (score, member) in come.items():
            envelope.add("index", [envelope.key(key), score, member])
        return resting

    def _move_rest(self, envelope: Envelope, claim: Claim, namespace: str, resting: str) -> None:
        if resting == claim.resting:
            return
        run, partition = claim.execution, claim.keys.partition
        if claim.resting:
            key = self._keys.resting(partition, namespace, run.definition, claim.resting)
            envelope.add("unindex", [envelope.key(key), run.id])
        if resting:
            key = self._keys.resting(partition, namespace, run.definition, resting)
            envelope.add("index", [envelope.key(key), str(run.started_ms), run.id])

    def _announce(self, envelope: Envelope, claim: Claim, after: Execution, resting: str) -> None:
        """What followers of all executions are told of this commit, if anything."""
        kind = change_of(claim, after, resting)
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
        self,
        envelope: Envelope,
        claim: Claim,
        transition: Transition,
        now_ms: int,
        packer: Packer,
    ) -> None:
        keys = claim.keys
        namespace = keys.ref.partition(":")[0]
        for effect in transition.effects:
            match effect:
                case ScheduleTask():
                    self._schedule(envelope, keys, transition.execution, effect, now_ms, packer)
                case StopChild():
                    self._errand(envelope, keys, errands.stop(transition.execution, effect, now_ms))
                case StopMapRun():
                    row = errands.stop_map_run(transition.execution, effect, now_ms)
                    self._errand(envelope, keys, row)
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
                case ShiftTimer() | ReturnTask():
                    pass  # of a pause, which has been seen to
                case SignalEnded():
                    self._signal_ended(envelope, keys, effect)
                case Tally():
                    self._tally(envelope, keys, effect)
                case Close():
                    envelope.body["close"] = self._kept_ms(claim.keeping)
                    name = f"{namespace}:{STATES_QUEUE}"
                    queue = self._keys.queue(keys.partition, namespace, STATES_QUEUE)
                    envelope.body["tell"] = [envelope.key(queue), name]
                    if not is_needed(transition.execution):
                        envelope.body["spent"] = True
                    if claim.child is not None:
                        note_map_end(envelope, self._keys, claim, transition)

    def _kept_ms(self, keeping: Keeping) -> int:
        """How long the execution is kept once it is closed: as its definition says, else as the server is set."""
        hours = keeping.retention_hours
        return self._retention_ms if hours is None else int(hours * HOUR_MS)

    def _signal_ended(self, envelope: Envelope, keys: ExecutionKeys, effect: SignalEnded) -> None:
        fate = codec.Fate(
            effect.name, None, effect.status, effect.record, effect.at_ms, effect.state
        )
        if "fates" not in envelope.body:
            envelope.add("fates", envelope.key(keys.fates))
        envelope.add("fates", effect.id, codec.pack(fate))
        if effect.before_ms is not None:
            soonest = min(effect.before_ms, int(envelope.body.get("before", effect.before_ms)))
            envelope.body["before"] = str(soonest)

    def _tally(self, envelope: Envelope, keys: ExecutionKeys, effect: Tally) -> None:
        namespace, _, identifier = keys.ref.partition(":")
        counts, waiting = self._keys.operation(keys.partition, namespace, effect.operation)
        reason = [] if effect.reason is None else [effect.reason]
        numbers = envelope.key(counts), envelope.key(waiting)
        envelope.add(
            "tallies", [*numbers, effect.outcome, identifier, kept_ms(effect.operation), *reason]
        )

    def _errand(self, envelope: Envelope, keys: ExecutionKeys, row: codec.TaskRow) -> None:
        namespace = keys.ref.partition(":")[0]
        number = envelope.key(self._keys.queue(keys.partition, namespace, row.queue))
        identifier = task_id(keys.ref, row.frame, row.revision)
        envelope.add("tasks", [identifier, errands.pack(row), number, f"{namespace}:{row.queue}"])

    def _schedule(
        self,
        envelope: Envelope,
        keys: ExecutionKeys,
        execution: Execution,
        effect: ScheduleTask,
        now_ms: int,
        packer: Packer,
    ) -> None:
        namespace = keys.ref.partition(":")[0]
        identifier = task_id(keys.ref, effect.frame, effect.revision)
        row = codec.TaskRow(
            effect.queue, execution.id, execution.definition, effect.state, effect.frame,
            effect.revision, effect.attempt, effect.input, effect.idempotency_key, effect.uri,
            now_ms, effect.timeout_ms, effect.heartbeat_ms, effect.callback,
        )  # fmt: skip
        number = envelope.key(self._keys.queue(keys.partition, namespace, effect.queue))
        packed = effect.token.encode() + b"|" + packer.pack(row)
        envelope.add("tasks", [identifier, packed, number, f"{namespace}:{effect.queue}"])
        if effect.timeout_ms is not None:
            envelope.add("timers", str(effect.timeout_ms), identifier + "#timeout")
        if effect.heartbeat_ms is not None:
            envelope.add("timers", str(now_ms + effect.heartbeat_ms), identifier + "#heartbeat")
