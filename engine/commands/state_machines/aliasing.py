"""Aliases that lead to published versions.

They are the definition's own aliases (engine/commands/aliases.py), which lead to versions: one that was made otherwise
is shown here if each of its versions is published, and one that was made here is used like any other.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.commands.aliases import check_alias
from engine.commands.state_machines.making import Making
from engine.commands.state_machines.parts import ATTEMPTS_MAX, crowded
from engine.commands.state_machines.rules import check_routing
from engine.commands.state_machines.values import PublishedAlias
from engine.errors import AliasAlreadyExists, AliasNotFound, QuotaExceeded
from engine.store.catalog.aliases import ALIASES_MAX, Alias, Route, packed_alias
from engine.store.catalog.profiles import Rerouted
from engine.views import Caller

Routing = Sequence[tuple[int, int]]  # (number, weight)


class Aliasing(Making):
    """Create, change, show, delete."""

    async def create_alias(
        self, caller: Caller, definition: str, alias: str, routing: Routing, description: str
    ) -> PublishedAlias:
        """Make an alias; repeated with the same routing and description it says what is there.

        Raises DefinitionNotFound for what is not published, InvalidRouting, InvalidName, AliasAlreadyExists, QuotaExceeded.
        """
        check_alias(alias)
        check_routing(routing)
        for _ in range(ATTEMPTS_MAX):
            _, profile = await self._profile(caller, definition)
            found, packed = await self._profiles.alias(caller.namespace, definition, alias)
            if found is not None:
                for shown in await self._shown(caller, definition, [found]):
                    if (shown.routing, shown.description) == (tuple(routing), description):
                        return shown
                raise AliasAlreadyExists(f"{definition}, {alias}")
            known = await self._aliases.all(caller.namespace, definition)
            if len(known) >= ALIASES_MAX:
                raise QuotaExceeded("aliases of one definition", limit=ALIASES_MAX)
            routes = await self._routes(caller, definition, routing)
            now = self._clock.now_ms()
            change = Rerouted(alias, packed, packed_alias(now, now, routes))
            said = {f"a:{alias}": description.encode()}
            if await self._profiles.change(
                caller.namespace, definition, profile, said, routes=[change]
            ):
                return PublishedAlias(alias, tuple(routing), now, now, description)
        raise crowded(f"{definition}, {alias}")

    async def update_alias(
        self,
        caller: Caller,
        definition: str,
        alias: str,
        routing: Routing | None,
        description: str | None,
    ) -> int:
        """Change an alias, and say when; None keeps what was. Starts that come after go by it.

        Raises AliasNotFound, DefinitionNotFound for what is not published, InvalidRouting.
        """
        if routing is not None:
            check_routing(routing)
        for _ in range(ATTEMPTS_MAX):
            _, profile = await self._profile(caller, definition)
            found, packed = await self._profiles.alias(caller.namespace, definition, alias)
            if found is None:
                raise AliasNotFound(f"{definition}, {alias}")
            routes: Sequence[Route] = found.routing
            if routing is not None:
                routes = await self._routes(caller, definition, routing)
            now = self._clock.now_ms()
            change = Rerouted(alias, packed, packed_alias(found.created_ms, now, routes))
            said = {} if description is None else {f"a:{alias}": description.encode()}
            if await self._profiles.change(
                caller.namespace, definition, profile, said, routes=[change]
            ):
                return now
        raise crowded(f"{definition}, {alias}")

    async def delete_alias(self, caller: Caller, definition: str, alias: str) -> None:
        """Forget an alias; what it has started goes on. Raises AliasNotFound, DefinitionNotFound."""
        for _ in range(ATTEMPTS_MAX):
            _, profile = await self._profile(caller, definition)
            found, packed = await self._profiles.alias(caller.namespace, definition, alias)
            if found is None:
                raise AliasNotFound(f"{definition}, {alias}")
            change = Rerouted(alias, packed, b"")
            if await self._profiles.change(
                caller.namespace, definition, profile, {}, gone=[f"a:{alias}"], routes=[change]
            ):
                return
        raise crowded(f"{definition}, {alias}")

    async def published_alias(self, caller: Caller, definition: str, alias: str) -> PublishedAlias:
        """Raises AliasNotFound, DefinitionNotFound."""
        await self._newest(caller, definition)
        found = await self._aliases.get(caller.namespace, definition, alias)
        shown = [] if found is None else await self._shown(caller, definition, [found])
        if not shown:
            raise AliasNotFound(f"{definition}, {alias}")
        return shown[0]

    async def published_aliases(
        self, caller: Caller, definition: str, number: str = ""
    ) -> list[PublishedAlias]:
        """Every alias, or those that lead to a number; the oldest first. Raises DefinitionNotFound."""
        await self._newest(caller, definition)
        found = await self._aliases.all(caller.namespace, definition)
        if number:
            version = (await self.publication(caller, definition, number)).version
            found = [a for a in found if any(route.version == version for route in a.routing)]
        shown = await self._shown(caller, definition, found)
        return sorted(shown, key=lambda each: (each.created_ms, each.name))

    async def _routes(self, caller: Caller, definition: str, routing: Routing) -> list[Route]:
        versions = await self._versions_of(caller, definition, [number for number, _ in routing])
        weights = (weight for _, weight in routing)
        return [Route(v, weight) for v, weight in zip(versions, weights, strict=True)]

    async def _shown(
        self, caller: Caller, definition: str, aliases: Sequence[Alias]
    ) -> list[PublishedAlias]:
        """Those of the aliases whose versions are all published."""
        versions = sorted({route.version for alias in aliases for route in alias.routing})
        numbers = await self._profiles.numbers(caller.namespace, definition, versions)
        names = [alias.name for alias in aliases]
        said = await self._profiles.descriptions(caller.namespace, definition, names)
        return [
            PublishedAlias(
                alias.name,
                tuple((numbers[route.version], route.weight) for route in alias.routing),
                alias.created_ms,
                alias.updated_ms,
                description,
            )
            for alias, description in zip(aliases, said, strict=True)
            if all(route.version in numbers for route in alias.routing)
        ]
