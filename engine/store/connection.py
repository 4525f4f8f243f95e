"""The way to Redis: standalone, Sentinel or Cluster, one link per node, scripts by digest.

Redirects and "not now" answers are followed here, on the node's own link, so that a script which Redis did *not* run
is the only one that is ever sent again: MOVED, ASK, TRYAGAIN, LOADING and NOSCRIPT all promise that nothing was written.
Client retries are off: an unknown outcome is the caller's to resolve.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from typing import Any

from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection
from redis.crc import key_slot
from redis.exceptions import RedisError, ResponseError

from engine.errors import EngineError, StoreRefused, StoreUnavailable
from engine.store import scripts
from engine.store.server.acknowledged import BRIEF_SECONDS, Acknowledged, Question
from engine.store.server.addresses import options_of
from engine.store.server.guard import Guard
from engine.store.server.link import Argument, Call, Link
from engine.store.server.primary import Primary
from engine.store.server.sentinel import is_sentinel
from engine.store.server.topology import SLOTS, Address, redirected, served

log = logging.getLogger("detent.store")

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
        self._options = options_of(url)
        self._primary = Primary(url, self._options) if is_sentinel(url) else None
        self._reply_seconds_max = reply_seconds_max
        self._links: dict[Address, Link] = {}
        self._slots: list[Link] | None = None  # by slot; None: not a cluster
        self._home = self._link_to(None)
        self._refreshing: asyncio.Task[None] | None = None
        self._left = 0  # connections made to nodes that are no longer known
        self.cluster = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self.acknowledged = Acknowledged()
        self.guard: Guard | None = None

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

    def guard_by(self, guard: Guard) -> None:
        """Have every connection that is made from now on examined."""
        self.guard = guard

    def drop(self, reason: str) -> None:
        """Give every connection up, so that each node is examined before it is used again."""
        for link in self._known():
            link.drop(reason)

    @property
    def connections(self) -> int:
        """Connections made so far, all nodes together; a change tells that a node may have restarted."""
        return self._left + sum(link.connections for link in self._known())

    def new_connection(self) -> AbstractConnection:
        """An unconnected connection, for a subscriber of its own: to a node that serves slots, or to the only one."""
        serving = {*self._slots} if self._slots else set()
        up = [
            address for address, link in self._links.items() if link in serving and not link.error
        ]
        return self._connection(random.choice(up) if up else None)  # noqa: S311 - shares them out

    def serves(self, connection: AbstractConnection) -> bool:
        """Whether the connection's node is still one to listen at: the configured one, or one that serves slots."""
        address = (getattr(connection, "host", ""), getattr(connection, "port", 0))
        link = self._links.get(address)
        return not self._slots or (link is not None and link in self._slots)

    def _connection(self, address: Address | None) -> AbstractConnection:
        """An unconnected connection to a node, with the configured one's name, password and TLS settings."""
        if address is None and self._primary is not None:
            return self._primary.connection()
        options = dict(self._options)
        kind: type[AbstractConnection] = options.pop("connection_class", Connection)
        if address is not None:
            options.update(host=address[0], port=address[1])
            options.pop("path", None)
            if kind is not SSLConnection:
                kind = Connection
        return kind(**options)

    async def ask_at(self, address: Address, *commands: Sequence[Argument]) -> list[Any]:
        """The answers of one server, a replica too; one that is an error stands among them.

        Raises StoreUnavailable where it does not answer.
        """
        connection = self._connection(address)
        try:
            async with asyncio.timeout(self._reply_seconds_max):
                await connection.connect()  # type: ignore[no-untyped-call]
                packed = connection.pack_commands(commands)
                await connection.send_packed_command(packed, check_health=False)
                return [await _answer(connection) for _ in commands]
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable(str(error)) from error
        finally:
            await connection.disconnect(nowait=True)

    def call(self, key: str | None, *args: Argument) -> asyncio.Future[Any]:
        """Run a command on the node of `key` (None: any node)."""
        future: asyncio.Future[Any] = self._future()
        self._route(key).send(Call(args, future, key))
        return future

    def peek(self, key: str | None, *args: Argument) -> asyncio.Future[Any]:
        """Read what no caller is told: it need not have reached replicas, and is answered while there are none."""
        future: asyncio.Future[Any] = self._future()
        call = Call(args, future, key)
        call.peeks = True
        self._route(key).send(call)
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

    def _link_to(self, address: Address | None) -> Link:
        if address is not None and (known := self._links.get(address)) is not None:
            return known
        link = Link(
            lambda: self._connection(address),
            self._on_error,
            self._on_down,
            reply_seconds_max=self._reply_seconds_max,
            greeting=[("SCRIPT", "LOAD", scripts.load(name).text) for name in scripts.names()],
            examine=self._examine,
            replicas=self.replicas,
        )
        if address is not None:
            self._links[address] = link
        return link

    async def _examine(self, connection: AbstractConnection) -> None:
        if self.guard is None:
            return

        async def ask(asked: Sequence[Question]) -> list[Any]:
            packed = connection.pack_commands(asked)
            await connection.send_packed_command(packed, check_health=False)
            return [await _answer(connection) for _ in asked]

        await self.guard.examine(ask)

    async def examine(self) -> None:
        """Examine the nodes over the connections that are open. Raises StoreRefused, StoreUnavailable."""
        if self.guard is None:
            return

        async def ask(asked: Sequence[Question]) -> list[Any]:
            calls = [self.peek(q[1] if q[0] != "INFO" else None, *q) for q in asked]
            answers = await asyncio.gather(*calls, return_exceptions=True)
            for answer in answers:
                if isinstance(answer, BaseException) and not isinstance(answer, StoreRefused):
                    raise answer
            return [ResponseError(str(a)) if isinstance(a, StoreRefused) else a for a in answers]

        await self.guard.examine(ask, seconds=BRIEF_SECONDS)

    async def _refresh(self) -> None:
        """Read which node serves which slots, and give up connections to nodes that serve none any more."""
        future: asyncio.Future[Any] = self._future()
        asked = self._any()
        asked.send(Call(("CLUSTER", "SLOTS"), future))
        slots = [self._home] * SLOTS
        for first, last, address in served(await future, self._host_of(asked)):
            slots[first : last + 1] = [self._link_to(address)] * (last - first + 1)
        self._slots = slots
        serving = {*slots}
        if self._home.error is not None and self._home not in serving:
            self._take_back(self._home)
        for link in self._forget_all_but(serving):
            self._take_back(link)
            await link.close()

    def _forget_all_but(self, serving: set[Link]) -> list[Link]:
        """Know the links no more that are of no use; returns them, for the caller to close."""
        # A node without slots may be the goal of a migration: it is kept while it is used, and found again by ASK.
        useless = {
            address: link
            for address, link in self._links.items()
            if link not in serving and (link.error is not None or link.idle)
        }
        for address, link in useless.items():
            del self._links[address]
            self._left += link.connections
        return [*useless.values()]

    def _take_back(self, link: Link) -> None:
        """Send elsewhere what was not written to a node that is down and serves no slots any more."""
        for call in link.take_back():
            self._again(self._any(), call)

    def _host_of(self, link: Link) -> str:
        home = str(self._options.get("host", "127.0.0.1"))
        return next((address[0] for address, known in self._links.items() if known is link), home)

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
        """One after the other and not at once again, however many calls are redirected; one that fails follows the next."""
        try:
            await self._refresh()
        except EngineError as error:
            log.info("the nodes of the cluster are not told: %s", error)
        await asyncio.sleep(RETRY_SECONDS)

    def _on_error(self, link: Link, call: Call, error: RedisError) -> None:
        """Send a call on that Redis did not run, or fail it."""
        loop = asyncio.get_running_loop()
        text = str(error)
        word = _word(error, text)
        first = call.deadline is None
        if call.deadline is None:
            call.deadline = loop.time() + REDIRECT_SECONDS_MAX
        if loop.time() > call.deadline:
            why = _REASONS.get(word, "it is not ready")
            call.future.set_exception(StoreUnavailable(f"Redis was not to be had in time: {why}."))
        elif word == "NOSCRIPT" and call.script is not None:
            call.args = ("EVAL", scripts.load(call.script).text, *call.args[2:])
            link.send(call)
        elif word in ("MOVED", "ASK"):
            slot, address = redirected(text, self._host_of(link))
            call.asking = word == "ASK"
            target = self._link_to(address)
            if word == "MOVED":
                self._learn(slot, target)
            if first or call.asking:
                target.send(call)
            else:  # nodes that do not agree yet would play it back and forth as fast as they can
                loop.call_later(RETRY_SECONDS, self._again, target, call)
        elif word == "READONLY" and self._primary is not None:
            # A primary no more. Nothing was written, so the call may go to the one that took over.
            link.drop("Redis is a replica by now")
            loop.call_later(RETRY_SECONDS, self._again, link, call)
        elif word in _WAITING:
            if (
                self.cluster and word != "TRYAGAIN"
            ):  # of a slot that is being moved the owner is known
                self._refresh_soon()
            call.asking = False
            loop.call_later(RETRY_SECONDS, self._again, link, call)
        else:
            kind = StoreUnavailable if word in _NOT_NOW else StoreRefused
            call.future.set_exception(kind(text))

    def _learn(self, slot: int, target: Link) -> None:
        if self._slots is not None:
            self._slots[slot] = target
        self._refresh_soon()

    def _again(self, link: Link, call: Call) -> None:
        if call.future.done():
            return
        (self._route(call.key) if call.key is not None and self.cluster else link).send(call)


async def _answer(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response(disable_decoding=True)
    except ResponseError as error:
        return error


_REASONS = {
    "MOVED": "its nodes do not agree which of them has the data",
    "ASK": "its nodes do not agree which of them has the data",
    "TRYAGAIN": "the data is being moved to another node",
    "LOADING": "it is reading its data from disk",
    "CLUSTERDOWN": "the node that has the data is down, and no other has taken over",
    "MASTERDOWN": "the node that has the data is down, and no other has taken over",
    "READONLY": "the primary has become a replica, and no other is known",
    "BUSY": "it is busy with a script",
}  # in the words of whoever reads the answer
_WAITING = {"TRYAGAIN", "LOADING", "CLUSTERDOWN", "MASTERDOWN", "BUSY"}
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
