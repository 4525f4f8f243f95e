"""Many copies of one real execution, put into the store byte for byte as its commits have left it.

The engine parks one execution; everything in the store that names it (its own keys, and its entries in the sets of its
partition) becomes one block of commands. A copy is that block with another name and another partition in it, both as long
as the first one's, so that a million are written as fast as the server takes them.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import hiredis
from _lab import Store
from _lab.chain import CALLER

from engine.store.keys import Keys, ref_of

DIGITS = 7
MARK = (
    "7" * DIGITS
)  # stands where the number of a copy goes: in its name, and wherever its input repeats it
AT_ONCE = 500  # copies in one write
Command = tuple[Any, ...]


def numbered(number: int) -> str:
    return f"{number:0{DIGITS}}"


class Mould:
    """A block of commands made from the execution `<definition>:n<MARK>`, which must rest."""

    def __init__(self, at: Store, keys: Keys, definition: str) -> None:
        self._at, self._keys, self._definition = at, keys, definition
        self._ref = ref_of(CALLER.namespace, f"{definition}:n{MARK}")
        self._tag = f"{{{keys.partition_of(self._ref):02}}}".encode()
        commands = list(self._commands())
        self.commands = len(commands)
        self._block = b"".join(hiredis.pack_command(command) for command in commands)
        assert MARK.encode() in self._block

    def _commands(self) -> Iterator[Command]:
        client = self._at.client
        for key in client.scan_iter(match=f"*{self._tag.decode()}*", count=10_000):
            own = MARK.encode() in key
            match client.type(key):
                case b"hash":
                    fields = client.hgetall(key).items()  # type: ignore[union-attr]
                    kept = [part for field in fields if own or _names(*field) for part in field]
                    if kept:
                        yield "HSET", key, *kept
                case b"list" if own:
                    yield "RPUSH", key, *client.lrange(key, 0, -1)  # type: ignore[misc]
                case b"zset":
                    members = client.zrange(key, 0, -1, withscores=True)
                    for member, score in members:  # type: ignore[union-attr]
                        if own or _names(member):
                            yield "ZADD", key, repr(score), member
                case b"set":
                    kept = [m for m in client.smembers(key) if own or _names(m)]  # type: ignore[union-attr]
                    if kept:
                        yield "SADD", key, *kept
                case b"string" if key.endswith(b":open"):
                    yield "INCR", key
                case _:
                    pass

    def _copy(self, number: int) -> bytes:
        name = numbered(number)
        ref = ref_of(CALLER.namespace, f"{self._definition}:n{name}")
        tag = f"{{{self._keys.partition_of(ref):02}}}"
        return self._block.replace(self._tag, tag.encode()).replace(MARK.encode(), name.encode())

    def pour(self, first: int, last: int) -> None:
        """Write the copies number `first` to `last`, exclusive. Raises what the server refuses anything with."""
        path = self._at.url.removeprefix("unix://").partition("?")[0]
        self._at.client.config_set("appendfsync", "no")
        with socket.socket(socket.AF_UNIX) as sending:
            sending.connect(path)
            for start in range(first, last, AT_ONCE):
                numbers = range(start, min(start + AT_ONCE, last))
                sending.sendall(b"".join(map(self._copy, numbers)))
                _replies(sending, self.commands * len(numbers))
        self._at.client.config_set("appendfsync", "always")


def _names(*parts: bytes) -> bool:
    return any(MARK.encode() in part for part in parts)


def _replies(sending: socket.socket, count: int) -> None:
    reader = hiredis.Reader()
    while count:
        data = sending.recv(1 << 20)
        if not data:
            raise RuntimeError("the server has closed the connection")
        reader.feed(data)
        while (reply := reader.gets()) is not False:
            if isinstance(reply, Exception):
                raise reply
            count -= 1
