"""What nodes of a Redis Cluster say of one another: who serves which slots, and where a call has to go instead.

A node tells addresses as cluster-preferred-endpoint-type has it. It may leave the host out: then it is the host at which the
node that says so was asked. A host name that it does not know is "?".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

SLOTS = 16384
Address = tuple[str, int]


def served(answer: Any, asked: str) -> Iterator[tuple[int, int, Address]]:
    """First and last slot, and the master's address, of each range in the answer to CLUSTER SLOTS of the host `asked`."""
    for first, last, master, *_ in answer:
        host = (master[0] or b"").decode()
        if host == "?":
            host = _told_beside(master[3] if len(master) > 3 else ())
        yield first, last, (host or asked, int(master[1]))


def redirected(text: str, asked: str) -> tuple[int, Address]:
    """The slot and the address of "MOVED 3999 127.0.0.1:6381", told by the host `asked`; the first word may be missing."""
    *_, slot, address = text.split(" ")
    host, _, port = address.rpartition(":")
    return int(slot), (asked if host in ("", "?") else host, int(port))


def _told_beside(more: Sequence[bytes]) -> str:
    """The IP address among the names and values that follow a node's identity; "" where there is none."""
    pairs = dict(zip(more[::2], more[1::2], strict=True))
    return pairs.get(b"ip", b"").decode()
