"""The client's methods about aliases: names for versions of a definition, which starts can go by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detent.requests import get, post
from detent.shapes import Alias
from detent.transport import Request, Transport, segment


class AliasCalls:
    """Part of `Client`."""

    _transport: Transport

    async def set_alias(
        self, definition: str, alias: str, version: int | Mapping[int, int]
    ) -> Alias:
        """Point an alias at a version, whether it is new or there already.

        A mapping of two versions to percentages shares starts out: {3: 90, 4: 10}. Raises NotFound where a version is
        not there.
        """
        body: dict[str, Any] = {"version": version}
        if isinstance(version, Mapping):
            body = {"routing": [{"version": v, "weight": w} for v, w in version.items()]}
        request = post(_path(definition, alias), body)
        put = Request("PUT", request.path, request.body, repeatable=True)
        made: Alias = await self._transport.call(put)
        return made

    async def aliases(self, definition: str) -> list[Alias]:
        """The aliases of a definition, by name."""
        answer = await self._transport.call(get(f"/v1/definitions/{segment(definition)}/aliases"))
        found: list[Alias] = answer["aliases"]
        return found

    async def remove_alias(self, definition: str, alias: str) -> Alias:
        """Remove an alias; what it has started goes on. Raises NotFound where there is none."""
        # Not repeated after a broken connection: the second request would find nothing to remove.
        removed: Alias = await self._transport.call(Request("DELETE", _path(definition, alias)))
        return removed


def _path(definition: str, alias: str) -> str:
    return f"/v1/definitions/{segment(definition)}/aliases/{segment(alias)}"
