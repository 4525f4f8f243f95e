"""Tags of definitions: kept and given back, and of no effect here."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from engine.commands.state_machines.parts import ATTEMPTS_MAX, Parts, crowded
from engine.commands.state_machines.rules import tagged
from engine.store.catalog.profiles import packed_tags
from engine.views import Caller


class Tagging(Parts):
    """Tag, untag, list."""

    async def tags(self, caller: Caller, definition: str) -> Mapping[str, str]:
        """In the order they were given. Raises DefinitionNotFound."""
        _, profile = await self._profile(caller, definition)
        return profile.tags

    async def tag(self, caller: Caller, definition: str, given: Mapping[str, str]) -> None:
        """Set tags, others stay. Raises DefinitionNotFound, QuotaExceeded for too many."""
        await self._retag(caller, definition, given, ())

    async def untag(self, caller: Caller, definition: str, keys: Collection[str]) -> None:
        """Remove tags; those that are not there are fine. Raises DefinitionNotFound."""
        await self._retag(caller, definition, {}, keys)

    async def _retag(
        self, caller: Caller, definition: str, given: Mapping[str, str], gone: Collection[str]
    ) -> None:
        for _ in range(ATTEMPTS_MAX):
            _, profile = await self._profile(caller, definition)
            after = tagged(profile.tags, given)
            kept = {key: value for key, value in after.items() if key not in gone}
            if kept == profile.tags:
                return
            fields = {"tags": packed_tags(kept)}
            if await self._profiles.change(caller.namespace, definition, profile, fields):
                return
        raise crowded(definition)
