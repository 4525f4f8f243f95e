"""Compiled machines by definition version: read and compiled once per process, then shared."""

from __future__ import annotations

from collections import OrderedDict

from engine.errors import DefinitionNotFound, InvalidDefinition
from engine.examining import examined
from engine.language.machine import Machine
from engine.store.catalog import Catalog, Version

MACHINES_MAX = 1000  # kept compiled; the least recently used goes first


class Machines:
    """A version's text never changes, so a compiled machine is good for ever.

    "DEF~LABEL" names the children of a distributed Map of DEF: a part of DEF's machine, under the same version.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._compiled: OrderedDict[tuple[str, str, int], Machine] = OrderedDict()

    def known(self, namespace: str, definition: str, version: int) -> Machine | None:
        """The machine, if it is compiled already."""
        key = (namespace, definition.partition("~")[0], version)
        machine = self._compiled.get(key)
        if machine is None:
            return None
        self._compiled.move_to_end(key)
        return machine.processor(definition)

    async def get(self, namespace: str, definition: str, version: int) -> Machine:
        """The machine of a version. Raises DefinitionNotFound."""
        machine = self.known(namespace, definition, version)
        if machine is None:
            stored = await self.source(namespace, definition, version)
            machine, problems = await examined(stored.text or b"", stored.format)
            if machine is None:
                raise InvalidDefinition(problems)
            self.keep(namespace, definition.partition("~")[0], version, machine)
            part = machine.processor(definition)
            if part is None:
                raise DefinitionNotFound(f"{definition}, version {version}")
            return part
        return machine

    async def source(self, namespace: str, definition: str, version: int) -> Version:
        """A version with its text. Raises DefinitionNotFound."""
        stored = await self._catalog.read(namespace, definition.partition("~")[0], version)
        if stored is None or stored.text is None:
            raise DefinitionNotFound(f"{definition}, version {version}")
        return stored

    def forget(self) -> None:
        """Read every text anew: the store has lost something, and a version's number may have been given again."""
        self._compiled.clear()

    def keep(self, namespace: str, definition: str, version: int, machine: Machine) -> None:
        """Remember a machine that has just been compiled."""
        self._compiled[namespace, definition, version] = machine
        if len(self._compiled) > MACHINES_MAX:
            self._compiled.popitem(last=False)
