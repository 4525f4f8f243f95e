"""Commands about signals."""

from __future__ import annotations

import secrets
import uuid

from msgspec import structs

from engine import failpoints
from engine.clock import iso
from engine.commands.aliases import AliasCommands
from engine.commands.fitting import ANY_OTHER, VERSIONS_MAX, refusal
from engine.core.events import SignalReceived
from engine.documents import Document
from engine.errors import (
    DefinitionNotFound,
    ExecutionAlreadyExists,
    ExecutionNotFound,
    ExpressUnsupported,
    InvalidRequest,
    QuotaExceeded,
    StoreUnavailable,
)
from engine.names import check_execution, check_name, is_express
from engine.store.codec import Static
from engine.store.commits.answers import Creation
from engine.store.keys import ref_of
from engine.store.signals import VersionDiffers
from engine.views import (
    Caller,
    ExecutionSummary,
    SignalResult,
    StartResult,
)

NO_EXPRESS = "no state of an Express execution waits for a signal"


class SignalCommands(AliasCommands):
    """Send to one execution, and start one with a signal."""

    async def signal(
        self,
        caller: Caller,
        execution: str,
        name: str,
        payload: Document,
        signal_id: str | None,
        ttl_ms: int | None = None,
    ) -> SignalResult:
        """Accept a signal, once per id. It is kept until a state waits for it, for `ttl_ms` or however long that takes.

        The answer to a repeated one tells what has become of it. Raises ExecutionNotFound, ExecutionClosed,
        SignalInvalid, QuotaExceeded, PayloadTooLarge, StoreRefused, InvalidName.
        """
        if is_express(execution):
            raise ExpressUnsupported(NO_EXPRESS)
        check_execution(execution)
        signal = self._checked(name, payload, signal_id, ttl_ms)
        if not await self._deliver(ref_of(caller.namespace, execution), signal):
            return await self._repeated(caller, execution, signal)
        if failpoints.ARMED:
            failpoints.hit("before_ack_signal")
        return SignalResult(execution, name, signal.id, duplicate=False)

    async def start_with_signal(
        self,
        caller: Caller,
        definition: str,
        *,
        name: str | None,
        input: Document,  # noqa: A002 - ASL's word
        version: int | None,
        signal: SignalReceived,
        alias: str | None = None,
    ) -> StartResult:
        """Start an execution that has the signal in its inbox; where one of the name runs, only deliver the signal to it.

        One atomic deed, once per id of the signal: to repeat it changes nothing, whatever has become of the execution.
        A running one gets the signal whatever its input and version are. Raises DefinitionNotFound,
        ExecutionAlreadyExists (it is closed), SignalInvalid, QuotaExceeded, PayloadTooLarge, InvalidName.
        """
        check_name(definition, "definition")
        name = str(uuid.uuid4()) if name is None else check_name(name, "execution")
        self._admit(input)
        sent = self._checked(signal.name, signal.payload, signal.id or None, signal.ttl_ms)
        if self._express.knows(caller.namespace, definition):
            raise ExpressUnsupported(NO_EXPRESS)
        if alias is not None:
            version = await self.aliased_version(caller, definition, name, version, alias)
        if version is not None:
            await self._machines.get(caller.namespace, definition, version)
        identifier = f"{definition}:{name}"
        static = Static(identifier, definition, name, secrets.token_bytes(16), alias=alias or "")
        made = await self._create(caller, static, input, version, sent)
        if made.verdict == "repeat":
            summary = await self._queries.closed(caller, identifier, 0)
            told = await self._repeated(caller, identifier, sent)
        else:
            started = iso(made.started_ms)
            summary = ExecutionSummary(
                identifier, definition, name, made.version, "RUNNING", started
            )
            told = SignalResult(identifier, sent.name, sent.id, duplicate=False)
            self._offer(ref_of(caller.namespace, identifier))
        if made.verdict == "created":
            self._counters.add("detent_executions_started_total")
        return StartResult(structs.replace(summary, signal=told), made.verdict == "created")

    async def _create(
        self,
        caller: Caller,
        static: Static,
        given: Document,
        version: int | None,
        signal: SignalReceived,
    ) -> Creation:
        """The answer to the start, where it is one of: created, signaled, repeat."""
        namespace, definition = caller.namespace, static.definition
        checked = version or self._fitting.guess(namespace, definition)
        for _ in range(VERSIONS_MAX):
            misfits = await self._fitting.misfits(
                namespace, definition, checked, signal.name, signal.payload
            ) if checked is not None else ()  # fmt: skip
            ask = ANY_OTHER if misfits or checked is None else checked
            made = await self._executions.create(
                ref_of(namespace, static.id),
                static,
                given,
                version=version,
                signal=self._signals.sent(signal, ask),
            )
            if made.verdict != "version":
                break
            if misfits and made.version == checked:
                raise refusal(made.version, signal.name, misfits)
            checked = made.version
        await self._check_creation(caller, static, made)
        return made

    async def _check_creation(self, caller: Caller, static: Static, made: Creation) -> None:
        match made.verdict:
            case "unknown":
                known = await self._catalog.current(caller.namespace, static.definition)
                if known is not None and known[1] == "EXPRESS":
                    raise ExpressUnsupported(NO_EXPRESS)
                raise DefinitionNotFound(static.definition)
            case "conflict":
                raise ExecutionAlreadyExists(execution=static.id, execution_status=made.status)
            case "quota":
                raise QuotaExceeded("too many running executions")
            case "full":
                raise QuotaExceeded("signals are kept for this execution already")
            case "version":
                raise StoreUnavailable("the execution changes its version again and again")
            case _:
                pass

    async def _deliver(self, ref: str, signal: SignalReceived) -> bool:
        """Accept a signal for one execution; False where its id was accepted before."""
        namespace, definition, _ = ref.split(":", 2)
        version = self._fitting.guess(namespace, definition)
        for _ in range(VERSIONS_MAX):
            misfits = await self._fitting.misfits(
                namespace, definition, version, signal.name, signal.payload
            ) if version is not None else ()  # fmt: skip
            ask = ANY_OTHER if misfits or version is None else version
            try:
                accepted = await self._signals.deliver(
                    ref, signal.name, signal.id, signal.payload, ttl_ms=signal.ttl_ms, version=ask
                )
            except VersionDiffers as differs:
                if misfits and differs.version == version:
                    raise refusal(version, signal.name, misfits) from None
                version = differs.version
                continue
            if accepted:
                self._offer(ref)
            return accepted
        raise StoreUnavailable("the execution changes its version again and again")

    async def _repeated(
        self, caller: Caller, execution: str, signal: SignalReceived
    ) -> SignalResult:
        """The answer to a signal whose id was accepted before, under whatever name."""
        result = SignalResult(execution, signal.name, signal.id, duplicate=True)
        try:
            fate = await self._queries.signal(caller, execution, signal.id, 0)
        except ExecutionNotFound:
            return result  # nothing is remembered of it
        return structs.replace(result, status=fate.status, state=fate.state, record=fate.record)

    def _checked(
        self, name: str, payload: Document, signal_id: str | None, ttl_ms: int | None
    ) -> SignalReceived:
        check_name(name, "signal")
        self._admit(payload)
        identifier = uuid.uuid4().hex if signal_id is None else signal_id
        if not 1 <= len(identifier) <= 128 or not identifier.isprintable():
            raise InvalidRequest("a signal's id is 1 to 128 printable characters")
        if ttl_ms is not None and ttl_ms < 1:
            raise InvalidRequest("a signal is kept for a millisecond at least")
        return SignalReceived(name, identifier, payload, ttl_ms)
