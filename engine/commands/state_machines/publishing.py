"""Published versions: numbers that lead to revisions, given once each."""

from __future__ import annotations

from engine.commands.state_machines.parts import ATTEMPTS_MAX, crowded
from engine.commands.state_machines.rules import check_room, is_number
from engine.commands.state_machines.starting import Starting
from engine.commands.state_machines.values import INITIAL, Publication
from engine.errors import DefinitionNotFound, RevisionConflict, VersionInUse
from engine.store.catalog.profiles import PublishedVersion, packed_publication
from engine.views import Caller


class Publishing(Starting):
    """Publish, list and delete published versions."""

    async def publish(
        self,
        caller: Caller,
        definition: str,
        *,
        revision: str = "",
        description: str = "",
        version: int | None = None,
    ) -> Publication:
        """Publish the newest revision, unless it is published: then says under which number it is.

        With `version` the revision that is that version of the definition, whatever has come after it. With `revision`
        only if that is the newest one; INITIAL names the one the definition was made with. Raises DefinitionNotFound,
        RevisionConflict (its `current` fact names the newest one), QuotaExceeded, TooManyChanges.
        """
        for _ in range(ATTEMPTS_MAX):
            newest, profile = await self._profile(caller, definition)
            wanted = newest.version if version is None else version
            if (
                wanted < newest.first
            ):  # the definition was deleted, and made anew, since it was read
                raise DefinitionNotFound(definition)
            if revision:
                current = (await self._read(caller, definition, newest.version)).id or INITIAL
                if revision != current:
                    raise RevisionConflict(definition, current=current)
            numbers = await self._profiles.numbers(caller.namespace, definition, [wanted])
            if numbers:
                return await self.publication(caller, definition, str(numbers[wanted]))
            check_room(profile.count)
            number, now = profile.last + 1, self._clock.now_ms()
            published = PublishedVersion(wanted, now, description)
            fields = {
                "last": b"%d" % number,
                "count": b"%d" % (profile.count + 1),
                f"v:{number}": packed_publication(published),
                f"r:{wanted}": b"%d" % number,
            }
            if await self._profiles.change(caller.namespace, definition, profile, fields):
                return Publication(number, wanted, now, description)
        raise crowded(definition)

    async def publication(self, caller: Caller, definition: str, number: str) -> Publication:
        """What is published under a number. Raises DefinitionNotFound, also for what is no number."""
        if is_number(number):
            [found] = await self._profiles.published(caller.namespace, definition, [int(number)])
            if found is not None:
                return Publication(int(number), found.version, found.created_ms, found.description)
        raise DefinitionNotFound(f"{definition}:{number}")

    async def publications(
        self, caller: Caller, definition: str, before: int | None, most: int
    ) -> tuple[list[Publication], int | None]:
        """Published versions with a number below `before`, newest first, and `before` of the next page.

        Of a definition that is not there, none.
        """
        newest = await self._catalog.current(caller.namespace, definition)
        if newest is None:
            return [], None
        profile = await self._profiles.read(caller.namespace, definition, newest.first)
        number = min(profile.last + 1, before or profile.last + 1)
        found: list[Publication] = []
        while number > 1 and len(found) <= most:
            numbers = range(number - 1, max(0, number - 1 - most - 1), -1)
            page = await self._profiles.published(caller.namespace, definition, numbers)
            found += [
                Publication(n, each.version, each.created_ms, each.description)
                for n, each in zip(numbers, page, strict=True)
                if each is not None
            ]
            number = numbers[-1]
        more = found[most - 1].number if len(found) > most else None
        return found[:most], more

    async def unpublish(self, caller: Caller, definition: str, number: int) -> None:
        """Forget a published version; its revision stays, for what runs on it. Nothing happens where there is none.

        Raises VersionInUse (its `aliases` fact names them) while aliases lead to it.
        """
        for _ in range(ATTEMPTS_MAX):
            newest = await self._catalog.current(caller.namespace, definition)
            if newest is None:
                return
            profile = await self._profiles.read(caller.namespace, definition, newest.first)
            [found] = await self._profiles.published(caller.namespace, definition, [number])
            if found is None:
                return
            aliases = await self._aliases.all(caller.namespace, definition)
            leading = [
                alias.name
                for alias in aliases
                if any(route.version == found.version for route in alias.routing)
            ]
            if leading:
                raise VersionInUse(f"{definition}:{number}", aliases=leading)
            fields = {"count": b"%d" % (profile.count - 1)}
            gone = [f"v:{number}", f"r:{found.version}"]
            if await self._profiles.change(
                caller.namespace, definition, profile, fields, gone=gone
            ):
                return
        raise crowded(definition)
