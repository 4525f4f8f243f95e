"""Redis Sentinel: which server is the primary, asked at every connect and whenever the sentinels may have changed it.

    redis+sentinel://[user:password@]host[:26379][,host...]/service[/db][?sentinel_password=...]

(`rediss+sentinel` for TLS, `sentinel` as a short form of the first.) User and password are the Redis servers'; those of
the sentinels are `sentinel_username` and `sentinel_password`. All other parameters are redis-py's, for the servers.

All sentinels are asked at once and the newest configuration counts: one that was cut off together with a primary that
was replaced meanwhile still names the old one, under a lower epoch. Protocol: https://redis.io/docs/latest/develop/reference/sentinel-clients/
"""

from __future__ import annotations

import asyncio
import itertools
import math
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode

from redis.asyncio.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from engine.errors import StoreRefused

SCHEMES = {
    "redis+sentinel": "redis",
    "sentinel": "redis",
    "rediss+sentinel": "rediss",
}
PORT = 26379
ASK_SECONDS_MAX = 1.0  # for all sentinels together
LAST_SECONDS_MAX = 0.1  # for the others, once a majority has answered
LOOK_SECONDS = 10.0  # between looks where no sentinel tells of a change
_OWN = ("sentinel_username", "sentinel_password")

Address = tuple[str, int]


class Service(NamedTuple):
    """What a Sentinel URL says: whom to ask, about what, and the URL of the servers, whose host is of no meaning."""

    sentinels: tuple[Address, ...]
    name: str
    server_url: str
    credentials: dict[str, str]  # of the sentinels: username, password


class Seen(NamedTuple):
    """One sentinel's answer."""

    epoch: int
    address: Address


_Asked = asyncio.Task[Seen]


def is_sentinel(url: str) -> bool:
    return url.partition("://")[0] in SCHEMES


def read_url(url: str) -> Service:
    """Raises StoreRefused for a URL without a service name, or whose hosts cannot be read."""
    scheme, _, rest = url.partition("://")
    rest, _, query = rest.partition("?")
    user, _, rest = rest.rpartition("@")
    hosts, _, path = rest.partition("/")
    name, _, db = path.partition("/")
    if not name or not hosts:
        raise StoreRefused(
            "a Sentinel URL names sentinels and a service: redis+sentinel://host:26379,host:26379/service"
        )
    given = dict(parse_qsl(query))
    own = {key.removeprefix("sentinel_"): given.pop(key) for key in _OWN if key in given}
    server = f"{SCHEMES[scheme]}://{user}{'@' if user else ''}primary/{quote(db)}"
    try:
        sentinels = tuple(_address(host) for host in hosts.split(","))
    except ValueError:
        raise StoreRefused("a sentinel's port is a number") from None
    tail = f"?{urlencode(given)}" if given else ""
    return Service(sentinels, unquote(name), server + tail, own)


def _address(text: str) -> Address:
    """`host`, `host:port` or `[address]:port`."""
    host, colon, port = text.rpartition(":")
    if not colon or port.endswith("]"):
        return text.strip("[]"), PORT
    return host.strip("[]"), int(port)


def newest(answers: list[Seen]) -> Address:
    """The address of the highest configuration epoch; among equals the one that most name."""
    epoch = max(seen.epoch for seen in answers)
    votes = Counter(seen.address for seen in answers if seen.epoch == epoch)
    return votes.most_common(1)[0][0]


class Sentinels:
    """The sentinels of one service. `options` are those of a redis-py connection: TLS and time-outs."""

    def __init__(self, service: Service, options: dict[str, Any]) -> None:
        self._service = service
        left_out = ("host", "port", "db", "username", "password", "connection_class")
        self._kind: type[Connection] = options.get("connection_class", Connection)
        self._options = {k: v for k, v in options.items() if k not in left_out}
        self._options.update(service.credentials, socket_connect_timeout=ASK_SECONDS_MAX)

    async def primary(self) -> Address:
        """Where the primary is, by the newest configuration that can be heard of within a second.

        Raises redis-py's ConnectionError when no sentinel answers, or none knows the service.
        """
        asking = {asyncio.create_task(self._ask(each)) for each in self._service.sentinels}
        try:
            done, rest = await self._some(asking, len(asking) // 2 + 1)
            if rest:
                # One that is cut off must not hold up every connect for a second.
                done |= (await asyncio.wait(rest, timeout=LAST_SECONDS_MAX))[0]
        finally:
            for each in asking:
                each.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        heard = [each.result() for each in done if each.exception() is None]
        if not heard:
            causes = dict.fromkeys(str(each.exception()) for each in done)
            raise RedisConnectionError(
                f"no sentinel names the primary of {self._service.name}: "
                f"{'; '.join(causes) or 'none answers'}"
            )
        return newest(heard)

    @staticmethod
    async def _some(asking: set[_Asked], least: int) -> tuple[set[_Asked], set[_Asked]]:
        """Wait until so many have answered, or all that will within the second; who has, and who has not."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ASK_SECONDS_MAX
        done: set[_Asked] = set()
        rest = set(asking)
        while rest and (left := deadline - loop.time()) > 0:
            ended, rest = await asyncio.wait(
                rest, timeout=left, return_when=asyncio.FIRST_COMPLETED
            )
            done |= ended
            if sum(each.exception() is None for each in done) >= least:
                break
        return done, rest

    async def _ask(self, sentinel: Address) -> Seen:
        connection = self._connection(sentinel)
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            await connection.send_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service.name)
            address = await connection.read_response(disable_decoding=True)
            if not address:
                raise RedisConnectionError(f"{sentinel[0]}:{sentinel[1]} does not know it")
            # The address may be newer than the rest, which a failover's leader changes last; the epoch is not.
            await connection.send_command("SENTINEL", "MASTER", self._service.name)
            flat = await connection.read_response(disable_decoding=True)
            fields = dict(zip(flat[::2], flat[1::2], strict=False))
            return Seen(int(fields[b"config-epoch"]), (address[0].decode(), int(address[1])))
        finally:
            await connection.disconnect(nowait=True)

    async def watch(self, look: Callable[[Address], None]) -> None:
        """For ever: tell `look` where the primary is, when a sentinel says that it moved and every ten seconds."""
        for sentinel in itertools.cycle(self._service.sentinels):
            connection = self._connection(sentinel)
            try:
                async with asyncio.timeout(ASK_SECONDS_MAX):
                    await connection.connect()  # type: ignore[no-untyped-call]
                    await connection.send_command("SUBSCRIBE", "+switch-master")
                await self._listen(connection, look)
            except (RedisError, OSError, TimeoutError):
                await asyncio.sleep(ASK_SECONDS_MAX)
            finally:
                await connection.disconnect(nowait=True)

    async def _listen(self, connection: Connection, look: Callable[[Address], None]) -> None:
        """Until the sentinel is lost, or was silent for so long that it may be cut off and another be better."""
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    message = await connection.read_response(
                        disable_decoding=True, timeout=math.inf
                    )
            except TimeoutError:
                look(await self.primary())
                return
            if message[0] != b"message":
                look(await self.primary())
                continue
            # "<service> <old host> <old port> <new host> <new port>"; the other sentinels hear of it a moment later.
            name, _, _, host, port = message[2].decode().split(" ")
            if name == self._service.name:
                look((host, int(port)))

    def _connection(self, address: Address) -> Connection:
        return self._kind(host=address[0], port=address[1], **self._options)
