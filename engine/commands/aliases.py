"""Commands about aliases of definitions."""

from __future__ import annotations

from collections.abc import Sequence

from engine.commands.parts import Parts
from engine.errors import AliasNotFound, InvalidName, InvalidRequest
from engine.names import check_name
from engine.queries.showing import alias as shown
from engine.store.catalog.aliases import Alias, Route
from engine.views import AliasPut, AliasView, Caller

ROUTES_MAX = 2  # versions of one alias; as AWS Step Functions
WEIGHTS = 100  # what the weights of an alias add up to


class AliasCommands(Parts):
    """Set and remove."""

    async def set_alias(
        self, caller: Caller, definition: str, alias: str, routing: Sequence[tuple[int, int]]
    ) -> AliasPut:
        """Point an alias at (version, weight) pairs; starts that come after go by it, at once and in all partitions.

        Raises DefinitionNotFound where a version is not there, InvalidRequest for weights that are not 100 together,
        QuotaExceeded, InvalidName.
        """
        check_name(definition, "definition")
        check_alias(alias)
        routes = [Route(version, weight) for version, weight in routing]
        if not 1 <= len(routes) <= ROUTES_MAX:
            raise InvalidRequest(f"an alias leads to 1 or {ROUTES_MAX} versions")
        if len({route.version for route in routes}) < len(routes):
            raise InvalidRequest("an alias names each of its versions once")
        if any(route.weight < 0 for route in routes) or sum(r.weight for r in routes) != WEIGHTS:
            raise InvalidRequest(f"the weights of an alias are at least 0 and together {WEIGHTS}")
        made, is_new = await self._aliases.put(caller.namespace, definition, alias, routes)
        return AliasPut(shown(definition, made), is_new)

    async def remove_alias(self, caller: Caller, definition: str, alias: str) -> AliasView:
        """Forget an alias, and show what it was. What it has started goes on. Raises AliasNotFound."""
        found = await self.alias_of(caller, definition, alias)
        if not await self._aliases.remove(caller.namespace, definition, alias):
            raise AliasNotFound(f"{definition}, {alias}")
        return shown(definition, found)

    async def alias_of(self, caller: Caller, definition: str, alias: str) -> Alias:
        """An alias as it is now. Raises AliasNotFound, InvalidName."""
        check_name(definition, "definition")
        check_alias(alias)
        found = await self._aliases.get(caller.namespace, definition, alias)
        if found is None:
            raise AliasNotFound(f"{definition}, {alias}")
        return found

    async def aliased_version(
        self, caller: Caller, definition: str, name: str, version: int | None, alias: str
    ) -> int:
        """The version that an alias chooses for an execution of this name."""
        if version is not None:
            raise InvalidRequest("a start names a version or an alias, not both")
        return (await self.alias_of(caller, definition, alias)).version_of(name)


def check_alias(alias: str) -> str:
    """The alias, if it is one: a name, but not of digits only, which would look like a version. Raises InvalidName."""
    check_name(alias, "alias")
    if alias.isdigit():
        raise InvalidName(f"alias: {alias!r} looks like a version")
    return alias
