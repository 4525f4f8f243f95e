"""What every command about state machines works with: how a definition stands, read before a rule decides on it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from msgspec import structs

from engine.clock import Clock
from engine.commands.state_machines.rules import settled
from engine.commands.state_machines.values import Revision, read_attributes, revision_of
from engine.errors import DefinitionNotFound, InvalidName, TooManyChanges
from engine.names import check_name
from engine.queries.standing import Standing
from engine.runtime.machines import Machines
from engine.settings import Settings
from engine.store.catalog import Catalog, Newest, Version
from engine.store.catalog.aliases import Aliases
from engine.store.catalog.profiles import Profile, Profiles
from engine.views import Caller

ROLES_MAX = 1000  # remembered; the least recently used goes first
ATTEMPTS_MAX = 50  # of a change that others keep coming before


class Parts:
    """Every change is decided on what was read, and written only if that still holds; else it is read and decided anew."""

    def __init__(
        self,
        catalog: Catalog,
        profiles: Profiles,
        aliases: Aliases,
        machines: Machines,
        clock: Clock,
        settings: Settings,
        standing: Standing,
    ) -> None:
        self._catalog = catalog
        self._profiles = profiles
        self._aliases = aliases
        self._machines = machines
        self._clock = clock
        self._settings = settings
        self._standing = standing
        self._roles: OrderedDict[tuple[str, str, int], str] = OrderedDict()

    async def _newest(self, caller: Caller, definition: str) -> Newest:
        """Raises DefinitionNotFound, for what cannot be a name too."""
        try:
            check_name(definition, "definition")
        except InvalidName:
            raise DefinitionNotFound(definition) from None
        found = await self._catalog.current(caller.namespace, definition)
        if found is None:
            raise DefinitionNotFound(definition)
        return found

    async def _read(self, caller: Caller, definition: str, version: int) -> Revision:
        """A revision with its text. Raises DefinitionNotFound."""
        return self._shown_as(await self._machines.source(caller.namespace, definition, version))

    def _shown_as(self, stored: Version) -> Revision:
        """With the defaults of what its author did not say."""
        attributes = settled(read_attributes(stored.attributes))
        role = attributes.role or f"arn:aws:iam::{self._settings.aws_account}:role/detent"
        return revision_of(stored, structs.replace(attributes, role=role))

    async def _profile(self, caller: Caller, definition: str) -> tuple[Newest, Profile]:
        """Raises DefinitionNotFound."""
        newest = await self._newest(caller, definition)
        return newest, await self._profiles.read(caller.namespace, definition, newest.first)

    async def _version_of(self, caller: Caller, definition: str, number: int) -> int:
        """The version that is published under a number. Raises DefinitionNotFound."""
        return (await self._versions_of(caller, definition, [number]))[0]

    async def _versions_of(
        self, caller: Caller, definition: str, numbers: Sequence[int]
    ) -> list[int]:
        """Raises DefinitionNotFound where under one of the numbers nothing is published."""
        found = await self._profiles.published(caller.namespace, definition, numbers)
        for number, published in zip(numbers, found, strict=True):
            if published is None:
                raise DefinitionNotFound(f"{definition}:{number}")
        return [published.version for published in found if published is not None]


def crowded(what: str) -> TooManyChanges:
    """What a change ends with that others have come before again and again."""
    return TooManyChanges(what)
