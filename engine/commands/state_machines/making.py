"""Making, changing and deleting state machines, and listing them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from msgspec import Struct

from engine.commands.state_machines.parts import ATTEMPTS_MAX, crowded
from engine.commands.state_machines.publishing import Publishing
from engine.commands.state_machines.rules import changed, check_room, is_same, settled, tagged
from engine.commands.state_machines.values import (
    Attributes,
    Publication,
    Revision,
    StateMachine,
    pack_attributes,
    read_attributes,
)
from engine.errors import (
    DefinitionAlreadyExists,
    InvalidDefinition,
    PayloadTooLarge,
)
from engine.examining import examined
from engine.language.machine import Machine
from engine.language.resources.express import DefinitionType
from engine.names import check_name
from engine.store.catalog import Format, NewestMoved, Version
from engine.store.catalog.profiles import packed_tags
from engine.views import Caller


class Made(Struct, frozen=True):
    """`published` where publishing was asked for. `is_new`: the definition has a new revision."""

    revision: Revision
    at_ms: int  # when the definition was made, or updated
    is_new: bool
    published: Publication | None = None


class _Draft(Struct, frozen=True):
    """What is to be a definition's next revision. `machine` is None where the text is one that is stored already."""

    text: bytes
    format: Format
    hash: str
    type: DefinitionType
    attributes: Attributes
    machine: Machine | None = None
    tags: bytes = b""


class Making(Publishing):
    """Create, update, delete, list, describe."""

    async def create(
        self,
        caller: Caller,
        name: str,
        text: bytes,
        kind: DefinitionType,
        attributes: Attributes,
        *,
        tags: Mapping[str, str],
        publish: bool,
        description: str = "",
    ) -> Made:
        """Make a definition from a JSON text.

        Repeated with the same text, type and attributes (but for role and tags) it says what is there. Raises InvalidName,
        InvalidDefinition, InvalidConfiguration, DefinitionAlreadyExists, StoreRefused, QuotaExceeded for too many tags.
        """
        check_name(name, "definition")
        self._standing.admit()
        attributes = settled(attributes)
        tags_packed = packed_tags(tagged({}, tags)) if tags else b""
        machine = await self._compiled(text, kind)
        draft = _Draft(text, "json", machine.content_hash, kind, attributes, machine, tags_packed)
        stored, is_new = await self._make(caller, name, draft)
        published = None
        if publish:
            published = await self.publish(
                caller, name, description=description, version=stored.version
            )
        [made_ms] = await self._catalog.born_ms(caller.namespace, [name])
        return Made(self._shown_as(stored), made_ms, is_new, published)

    async def _make(self, caller: Caller, name: str, draft: _Draft) -> tuple[Version, bool]:
        """The definition's version, and whether this made it. Raises DefinitionAlreadyExists."""
        for _ in range(ATTEMPTS_MAX):
            newest = await self._catalog.current(caller.namespace, name)
            if newest is None:
                try:
                    return await self._add(caller, name, draft, 0), True
                except NewestMoved:
                    continue
            stored = await self._machines.source(caller.namespace, name, newest.version)
            before = (stored.text, newest.type, settled(read_attributes(stored.attributes)))
            if not is_same(before, (draft.text, draft.type, draft.attributes)):
                raise DefinitionAlreadyExists(name)
            # Who made it may have died before every partition knew.
            await self._catalog.spread(caller.namespace, stored)
            return stored, False
        raise crowded(name)

    async def update(
        self,
        caller: Caller,
        definition: str,
        text: bytes | None,
        given: Attributes,
        *,
        publish: bool,
        description: str = "",
    ) -> Made:
        """Give a definition another text, or other attributes; a new revision, unless all is as it was.

        Raises DefinitionNotFound, InvalidDefinition, InvalidConfiguration, TooManyChanges, StoreRefused, and QuotaExceeded
        where what this makes could not be published.
        """
        self._standing.admit()
        stored, is_new = await self._change(caller, definition, text, given, publish=publish)
        published = None
        if publish:
            published = await self.publish(
                caller, definition, description=description, version=stored.version
            )
        at_ms = stored.created_ms if is_new else self._clock.now_ms()
        return Made(self._shown_as(stored), at_ms, is_new, published)

    async def _change(
        self,
        caller: Caller,
        definition: str,
        text: bytes | None,
        given: Attributes,
        *,
        publish: bool,
    ) -> tuple[Version, bool]:
        """The definition's newest version, and whether this made it; none is made that could not be published if it is to be."""
        machine: Machine | None = None
        read_as = ""
        for _ in range(ATTEMPTS_MAX):
            newest = await self._newest(caller, definition)
            stored = await self._machines.source(caller.namespace, definition, newest.version)
            before = settled(read_attributes(stored.attributes))
            after = changed(before, given)
            if after == before and text in (None, stored.text):
                await self._catalog.spread(caller.namespace, stored)
                return stored, False
            if text is None or text == stored.text:
                draft = _Draft(stored.text or b"", stored.format, stored.hash, newest.type, after)
            else:
                # Others' coming first changes nothing about the text; its type can only change by a deletion.
                if machine is None or read_as != newest.type:
                    machine = await self._compiled(text, newest.type)
                    read_as = newest.type
                draft = _Draft(text, "json", machine.content_hash, newest.type, after, machine)
            if publish:
                check_room(
                    (await self._profiles.read(caller.namespace, definition, newest.first)).count
                )
            try:
                return await self._add(caller, definition, draft, newest.version), True
            except NewestMoved:
                continue
        raise crowded(definition)

    async def delete(self, caller: Caller, definition: str) -> bool:
        """Delete a definition; False where there is none. What runs goes on; nothing starts any more, in no partition."""
        return await self._catalog.remove(caller.namespace, check_name(definition, "definition"))

    async def state_machines(
        self, caller: Caller, after: str, most: int
    ) -> tuple[list[StateMachine], str]:
        """Definitions by name, from the name `after` on, and the name that the next page begins with ("" = none)."""
        entries = await self._catalog.names(caller.namespace)
        found = [(name, kind) for name, _, _, kind in entries if name >= after]
        names = [name for name, _ in found[:most]]
        times = await self._catalog.born_ms(caller.namespace, names)
        machines = [
            StateMachine(name, kind, ms) for (name, kind), ms in zip(found, times, strict=False)
        ]
        return machines, found[most][0] if len(found) > most else ""

    async def described(
        self, caller: Caller, definition: str, qualifier: str
    ) -> tuple[Revision, int, Publication | None]:
        """A definition's newest revision, or the one published under a number; when it was made, or published.

        Raises DefinitionNotFound.
        """
        newest = await self._newest(caller, definition)
        if not qualifier:
            [made_ms] = await self._catalog.born_ms(caller.namespace, [definition])
            return await self._read(caller, definition, newest.version), made_ms, None
        published = await self.publication(caller, definition, qualifier)
        revision = await self._read(caller, definition, published.version)
        return revision, published.created_ms, published

    async def machine(self, caller: Caller, revision: Revision) -> Machine:
        """A revision, compiled."""
        return await self._machines.get(caller.namespace, revision.definition, revision.version)

    async def _compiled(self, text: bytes, kind: DefinitionType) -> Machine:
        """Raises InvalidDefinition with every problem, PayloadTooLarge."""
        if len(text) > self._settings.definition_bytes_max:
            raise PayloadTooLarge(f"{len(text)} bytes of definition")
        machine, problems = await examined(text, "json", kind)
        if machine is None:
            raise InvalidDefinition(problems)
        return machine

    async def _add(self, caller: Caller, name: str, draft: _Draft, newest: int) -> Version:
        """Store a revision, unless `newest` is not the newest version any more: raises NewestMoved."""
        stored, _ = await self._catalog.publish(
            caller.namespace,
            name,
            draft.hash,
            draft.text,
            draft.format,
            draft.type,
            attributes=pack_attributes(draft.attributes),
            newest=newest,
            tags=draft.tags,
        )
        if draft.machine is not None:
            self._machines.keep(caller.namespace, name, stored.version, draft.machine)
        return replace(stored, text=draft.text)
