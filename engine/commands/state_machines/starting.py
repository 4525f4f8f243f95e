"""What a start goes to, and what an execution runs on."""

from __future__ import annotations

from engine.commands.state_machines.parts import ROLES_MAX, Parts
from engine.commands.state_machines.rules import is_number
from engine.commands.state_machines.values import Revision, Target
from engine.errors import AliasNotFound
from engine.views import Caller


class Starting(Parts):
    """Looking up, without changing anything."""

    async def target(
        self, caller: Caller, definition: str, qualifier: str, execution_name: str
    ) -> Target:
        """Where a start by an ARN goes; `qualifier` is what follows the name in it: "", a number, or an alias.

        An alias chooses by weight, by a hash of the execution's name, so that a repeated start comes to the same version.
        Raises DefinitionNotFound, also where under the number nothing is published, and AliasNotFound.
        """
        newest = await self._newest(caller, definition)
        kind = newest.type
        if not qualifier:
            role = await self._role(caller, definition, newest.version)
            return Target(definition, None, role, type=kind)
        if is_number(qualifier):
            number = int(qualifier)
            version = await self._version_of(caller, definition, number)
            role = await self._role(caller, definition, version)
            return Target(definition, version, role, number, type=kind)
        found = await self._aliases.get(caller.namespace, definition, qualifier)
        if found is None:
            raise AliasNotFound(f"{definition}, {qualifier}")
        version = found.version_of(execution_name)
        numbers = await self._profiles.numbers(caller.namespace, definition, [version])
        role = await self._role(caller, definition, version)
        return Target(definition, version, role, numbers.get(version, 0), qualifier, kind)

    async def revision(self, caller: Caller, definition: str, version: int) -> Revision:
        """A version as it was published, of a definition that was deleted too. Raises DefinitionNotFound."""
        return await self._read(caller, definition, version)

    async def _role(self, caller: Caller, definition: str, version: int) -> str:
        """The role of a version, which never changes; looked up once per process, for it lies with the text."""
        key = (caller.namespace, definition, version)
        role = self._roles.get(key)
        if role is None:
            role = (await self._read(caller, definition, version)).attributes.role
            self._roles[key] = role
            if len(self._roles) > ROLES_MAX:
                self._roles.popitem(last=False)
        else:
            self._roles.move_to_end(key)
        return role
