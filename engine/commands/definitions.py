"""Commands about definitions."""

from __future__ import annotations

from engine.clock import iso
from engine.commands.parts import Parts
from engine.errors import (
    DefinitionNotFound,
    InvalidDefinition,
    PayloadTooLarge,
)
from engine.examining import examined
from engine.language.resources.express import DefinitionType
from engine.names import check_name
from engine.store.catalog import Format
from engine.views import (
    Caller,
    DefinitionSummary,
    Published,
)


class DefinitionCommands(Parts):
    """Publish and delete."""

    async def publish(
        self,
        caller: Caller,
        name: str,
        text: bytes,
        form: Format | None,
        kind: DefinitionType | None = None,
    ) -> Published:
        """Add a version, unless the content equals the newest one's.

        `kind` is the definition's type: without one, the type it has, or STANDARD. Raises InvalidDefinition with every
        problem, DefinitionTypeConflict and StoreRefused; then nothing was published.
        """
        check_name(name, "definition")
        self._admit()
        if len(text) > self._settings.definition_bytes_max:
            raise PayloadTooLarge(f"{len(text)} bytes of definition")
        if kind is None:
            known = await self._catalog.current(caller.namespace, name)
            kind = "STANDARD" if known is None else known[1]
        machine, problems = await examined(text, form, kind)
        if machine is None:
            raise InvalidDefinition(problems)
        stored_as: Format = form or ("json" if text.lstrip()[:1] == b"{" else "yaml")
        version, changed = await self._catalog.publish(
            caller.namespace, name, machine.content_hash, text, stored_as, kind
        )
        self._machines.keep(caller.namespace, name, version.version, machine)
        return Published(
            name, version.version, version.hash, iso(version.created_ms), changed, problems, kind
        )

    async def delete_definition(self, caller: Caller, name: str) -> DefinitionSummary:
        """Delete a definition with its aliases, and show what it was. What runs goes on; nothing starts any more.

        A definition of the name that is published later begins anew, with the next version number. Raises
        DefinitionNotFound, InvalidName.
        """
        check_name(name, "definition")
        known = await self._catalog.read(caller.namespace, name, None)
        if not await self._catalog.remove(caller.namespace, name) or known is None:
            raise DefinitionNotFound(name)
        return DefinitionSummary(name, known.version, iso(known.created_ms), known.type)
