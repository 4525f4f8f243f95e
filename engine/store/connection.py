"""The way to Redis: standalone, Sentinel or Cluster, one link per node, scripts by digest.

Redirects and "not now" answers are followed here, on the node's own link, so that a script which Redis did *not* run
is the only one that is ever sent again: MOVED, ASK, TRYAGAIN, LOADING and NOSCRIPT all promise that nothing was written.
Client retries are off: an unknown outcome is the caller's to resolve.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import RedisError, ResponseError

from engine.errors import EngineError, StoreRefused, StoreUnavailable
from engine.store import scripts
from engine.store.server.link import Argument, Call, Link
from engine.store.server.primary import Primary
from engine.store.server.sentinel import is_sentinel, read_url

REDIRECT_SECONDS_MAX = 30.0  # a slot being moved answers TRYAGAIN for as long as the move takes
RETRY_SECONDS = 0.05


class Redis:
    """All nodes of one Redis, as one thing to call.

    `call` and `script` return futures; they fail with StoreUnavailable (nothing was done), OutcomeUnknown (perhaps
    done), or StoreRefused (Redis refused: the text says why). With `replicas`, what they tell has reached that many
    replicas of its node, as far as Redis' WAIT goes.
    """

    def __init__(self, url: str, *, replicas: int = 0, reply_seconds_max: float = 5.0) -> None:
        self.url = url
        self.replicas = replicas
        self._options = _options(url)
        self._primary = Primary(url, self._options) if is_sentinel(url) else None
        self._reply_seconds_max = reply_seconds_max
        self._links: dict[tuple[str, int], Link] = {}
        self._slots: list[Link] | None = None  # by slot; None: not a cluster
        self._home = self._link_to(None)
        self._refreshing: asyncio.Task[None] | None = None
        self.cluster = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        """Connect and learn the topology. Raises StoreUnavailable when no node answers."""
        if self._primary is not None:
            self._primary.watch()
        info = await self.call(None, "INFO", "cluster")
        self.cluster = b"cluster_enabled:1" in info
        if self.cluster:
            await self._refresh()

    async def close(self) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()
        if self._primary is not None:
            await self._primary.close()
        for link in self._known():
            await link.close()

    @property
    def connections(self) -> int:
        """Connections made so far, all nodes together; a change tells that a node may have restarted."""
        return sum(link.connections for link in self._known())

    def new_connection(self) -> AbstractConnection:
        """An unconnected connection to the configured node, or to the primary, for a subscriber of its own."""
        if self._primary is not None:
            return self._primary.connection()
        options = dict(self._options)
        kind: type[AbstractConnection] = options.pop("connection_class", Connection)
        return kind(**options)

    async def ask_at(self, address: tuple[str, int], *commands: Sequence[Argument]) -> list[Any]:
        """The answers of one server, a replica too; one that is an error stands among them.

        Raises StoreUnavailable where it does not answer.
        """
        options = {k: v for k, v in self._options.items() if k != "path"}
        secured = options.pop("connection_class", Connection) is SSLConnection
        connection = (SSLConnection if secured else Connection)(
            **options | {"host": address[0], "port": address[1]}
        )
        answers: list[Any] = []
        try:
            async with asyncio.timeout(self._reply_seconds_max):
                await connection.connect()  # type: ignore[no-untyped-call]
                for command in commands:
                    await connection.send_command(*command)
                    try:
                        answers.append(await connection.read_response(disable_decoding=True))
                    except ResponseError as error:
                        answers.append(error)
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable(str(error)) from error
        finally:
            await connection.disconnect(nowait=True)
        return answers

    def call(self, key: str | None, *args: Argument) -> asyncio.Future[Any]:
        """Run a command on the node of `key` (None: any node)."""
        future: asyncio.Future[Any] = self._future()
        self._route(key).send(Call(args, future, key))
        return future

    def script(
        self, name: str, keys: Sequence[str], args: Sequence[Argument]
    ) -> asyncio.Future[Any]:
        """Run a script of `engine/store/scripts` on the node of its first key."""
        future: asyncio.Future[Any] = self._future()
        sha = scripts.load(name).sha
        call = Call(("EVALSHA", sha, len(keys), *keys, *args), future, keys[0], name)
        self._route(keys[0]).send(call)
        return future

    async def each_node(self, *args: Argument) -> list[Any]:
        """Run a command on every node that serves slots."""
        links = set(self._slots) if self._slots else {self._home}
        futures = []
        for link in links:
            future: asyncio.Future[Any] = self._future()
            link.send(Call(args, future))
            futures.append(future)
        return list(await asyncio.gather(*futures))

    def _future(self) -> asyncio.Future[Any]:
        # Asking for the running loop costs a system call each time.
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop.create_future()

    def _route(self, key: str | None) -> Link:
        if self._slots is None:
            return self._home
        if key is None:
            return self._any()
        return self._slots[key_slot(key.encode())]

    def _link_to(self, address: tuple[str, int] | None) -> Link:
        options = dict(self._options)
        kind: type[AbstractConnection] = options.pop("connection_class", Connection)
        if address is not None:
            known = self._links.get(address)
            if known is not None:
                return known
            options.update(host=address[0], port=address[1])
            options.pop("path", None)
            if kind is not SSLConnection:
                kind = Connection
        to_primary = self._primary.connection if self._primary is not None else None
        link = Link(
            to_primary or (lambda: kind(**options)),
            self._on_error,
            self._on_down,
            reply_seconds_max=self._reply_seconds_max,
            replicas=self.replicas,
            greeting=[("SCRIPT", "LOAD", scripts.load(name).text) for name in scripts.names()],
        )
        if address is not None:
            self._links[address] = link
        return link

    async def _refresh(self) -> None:
        """Read which node serves which slots."""
        future: asyncio.Future[Any] = self._future()
        self._any().send(Call(("CLUSTER", "SLOTS"), future))
        answer = await future
        slots = [self._home] * 16384
        for first, last, master, *_ in answer:
            host = master[0].decode() or self._options.get("host", "127.0.0.1")
            slots[first : last + 1] = [self._link_to((host, master[1]))] * (last - first + 1)
        self._slots = slots
        serving = {*slots}
        for idle in self._known():
            if idle.error is not None and idle not in serving:
                for call in idle.take_back():
                    self._again(self._home, call)

    def _known(self) -> list[Link]:
        """Every link there is, the configured node's first."""
        return [self._home, *self._links.values()]

    def _any(self) -> Link:
        """A link that is not known to be down; the configured node's if it is not."""
        return next((link for link in self._known() if link.error is None), self._home)

    def _on_down(self) -> None:
        """A node cannot be reached: perhaps its slots are another's by now."""
        if self.cluster:
            self._refresh_soon()

    def _refresh_soon(self) -> None:
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.get_running_loop().create_task(self._refresh_quietly())

    async def _refresh_quietly(self) -> None:
        """A refresh that fails is made again after the next redirect."""
        try:
            await self._refresh()
        except EngineError:
            await asyncio.sleep(RETRY_SECONDS)

    def _on_error(self, link: Link, call: Call, error: RedisError) -> None:
        """Send a call on that Redis did not run, or fail it."""
        loop = asyncio.get_running_loop()
        text = str(error)
        word = _word(error, text)
        if call.deadline is None:
            call.deadline = loop.time() + REDIRECT_SECONDS_MAX
        if loop.time() > call.deadline:
            call.future.set_exception(StoreUnavailable(f"Redis keeps answering: {text}"))
        elif word == "NOSCRIPT" and call.script is not None:
            call.args = ("EVAL", scripts.load(call.script).text, *call.args[2:])
            link.send(call)
        elif word in ("MOVED", "ASK"):
            address = _address(text)
            target = self._link_to(address)
            call.asking = word == "ASK"
            if word == "MOVED":
                self._refresh_soon()
            target.send(call)
        elif word == "READONLY" and self._primary is not None:
            # A primary no more. Nothing was written, so the call may go to the one that took over.
            link.drop("Redis is a replica by now")
            loop.call_later(RETRY_SECONDS, self._again, link, call)
        elif word in ("TRYAGAIN", "LOADING", "CLUSTERDOWN", "MASTERDOWN", "BUSY"):
            self._refresh_soon() if self.cluster else None
            call.asking = False
            loop.call_later(RETRY_SECONDS, self._again, link, call)
        else:
            kind = StoreUnavailable if word in _NOT_NOW else StoreRefused
            call.future.set_exception(kind(text))

    def _again(self, link: Link, call: Call) -> None:
        if call.future.done():
            return
        (self._route(call.key) if call.key is not None and self.cluster else link).send(call)


_NOT_NOW = {"OOM", "MISCONF", "NOREPLICAS", "READONLY", "MASTERDOWN"}


def _word(error: RedisError, text: str) -> str:
    """The error's code. redis-py strips some codes into classes of its own."""
    named = {
        "NoScriptError": "NOSCRIPT",
        "MovedError": "MOVED",
        "AskError": "ASK",
        "TryAgainError": "TRYAGAIN",
        "BusyLoadingError": "LOADING",
        "ClusterDownError": "CLUSTERDOWN",
        "MasterDownError": "MASTERDOWN",
        "ReadOnlyError": "READONLY",
        "OutOfMemoryError": "OOM",
    }
    return named.get(type(error).__name__) or text.split(" ", 1)[0].lstrip("-")


def _address(text: str) -> tuple[str, int]:
    """Host and port of "MOVED 3999 127.0.0.1:6381"; redis-py drops the first word."""
    host, _, port = text.rsplit(" ", maxsplit=1)[-1].rpartition(":")
    return host, int(port)


def _options(url: str) -> dict[str, Any]:
    """Arguments of a redis-py connection for a redis://, rediss:// or unix:// URL, or to the servers that sentinels name.

    Raises StoreRefused for others.
    """
    if is_sentinel(url):
        url = read_url(url).server_url
    scheme = url.partition(":")[0]
    if scheme not in ("redis", "rediss", "unix"):
        raise StoreRefused(
            f"the Redis URL has scheme {scheme!r}; use redis://, rediss://, unix:// or redis+sentinel://"
        )
    try:
        options: dict[str, Any] = dict(parse_url(url))
    except (ValueError, RedisError) as error:
        raise StoreRefused(f"the Redis URL is malformed: {error}") from None
    # Timeouts are the link's, per reply due; redis-py's own would count idle time, and its retries would re-send.
    options.update(
        socket_timeout=None,
        socket_connect_timeout=5.0,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        health_check_interval=0,
    )
    return options
