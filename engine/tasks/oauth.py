"""Bearer tokens of connections by OAuth client credentials, kept until shortly before they lapse."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import aiohttp
from aiohttp import hdrs
from yarl import URL

from engine.settings import Settings
from engine.tasks.addresses import Policy
from engine.tasks.calls import Calls, described, refused
from engine.tasks.connections import Connection, TokenRequest
from engine.tasks.encoding import form, query

SPARE_SECONDS = 30.0  # a token is not used for its last half minute: a call takes time too
LIFETIME_SECONDS = 300.0  # of a token that does not say
ANSWER_BYTES_MAX = 64 * 1024


class TokenRefused(Exception):
    """No token was to be had. The text says why, and holds no secret."""


class Tokens:
    """Asks for tokens, once for all calls of a connection that wait for one."""

    def __init__(self, settings: Settings) -> None:
        # The endpoint is the operator's own choice, so it may be a private address whatever DETENT_HTTP_PRIVATE says.
        self._calls = Calls(
            Policy("allow"), answer_bytes_max=ANSWER_BYTES_MAX, calls_max=settings.http_calls_max
        )
        self._kept: dict[str, tuple[str, float]] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, connection: Connection) -> str:
        """A token that is good for another half minute at least. Raises TokenRefused."""
        assert connection.token is not None
        async with self._asking[connection.name]:
            token, until = self._kept.get(connection.name, ("", 0.0))
            if until > asyncio.get_running_loop().time():
                return token
            token, seconds = await self._ask(connection, connection.token)
            until = asyncio.get_running_loop().time() + seconds - SPARE_SECONDS
            self._kept[connection.name] = token, until
            return token

    def forget(self, connection: Connection, token: str) -> None:
        """Do not use the token again: it was refused."""
        if self._kept.get(connection.name, ("", 0.0))[0] == token:
            del self._kept[connection.name]

    async def close(self) -> None:
        await self._calls.close()

    async def _ask(self, connection: Connection, request: TokenRequest) -> tuple[str, float]:
        endpoint = URL(request.endpoint).extend_query(query(request.given.query))
        headers = {
            hdrs.CONTENT_TYPE: "application/x-www-form-urlencoded",
            hdrs.ACCEPT: "application/json",
            **request.given.headers,
        }
        try:
            answer = await self._calls.exchange(
                "POST", endpoint, headers=headers, data=form(request.given.body)
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise TokenRefused(connection.hidden(described(error))) from None
        if not answer.is_good:
            raise TokenRefused(connection.hidden(refused(answer).cause))
        document = answer.json()
        given = document.value if document is not None else None
        given = given if isinstance(given, dict) else {}
        token = given.get("access_token")
        if not isinstance(token, str) or not token.isprintable() or not token:
            raise TokenRefused("the answer holds no access_token")
        return token, _lifetime(given.get("expires_in"))


def _lifetime(given: object) -> float:
    """Seconds; some servers write them as text."""
    try:
        return float(given) if isinstance(given, int | float | str) else LIFETIME_SECONDS
    except ValueError:
        return LIFETIME_SECONDS
