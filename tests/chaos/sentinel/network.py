"""Network namespaces of our own: a hub, and three nodes that can be cut off from one another and still be watched.

Each node has two ways to the hub: `data`, over which Redis, sentinels and engines speak, and which is cut, and `watch`,
over which the run reaches what is beside a primary that was cut off. Needs root and iproute2.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

NODES = 3
WAYS = {"data": "10.77.0", "watch": "10.78.0"}


class NotPermitted(Exception):
    """This process may not make network namespaces."""


def hub_of(prefix: str) -> str:
    return f"{prefix}-hub"


def node_of(prefix: str, number: int) -> str:
    return f"{prefix}-{number}"


def host(way: str, number: int) -> str:
    return f"{WAYS[way]}.{10 + number}"


def within(namespace: str) -> list[str]:
    """What opens a command that is to run there."""
    return ["ip", "netns", "exec", namespace]


@contextlib.contextmanager
def network() -> Iterator[str]:
    """Make the namespaces; yields what their names begin with. Raises NotPermitted; nothing is left then."""
    prefix = f"detent-{os.getpid()}"
    names = [hub_of(prefix), *(node_of(prefix, number) for number in range(NODES))]
    try:
        try:
            _make(prefix, names)
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", b"") or str(error).encode()
            raise NotPermitted(said.decode().strip()) from error
        yield prefix
    finally:
        for name in names:
            with contextlib.suppress(OSError):
                subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def cut(prefix: str, number: int) -> None:
    """Take a node's data way away: nothing comes in or goes out, and nobody is told."""
    _ip("-n", hub_of(prefix), "link", "set", f"data{number}", "down")


def heal(prefix: str, number: int) -> None:
    _ip("-n", hub_of(prefix), "link", "set", f"data{number}", "up")


def _make(prefix: str, names: list[str]) -> None:
    for name in names:
        _ip("netns", "add", name)
        _ip("-n", name, "link", "set", "lo", "up")
    hub = hub_of(prefix)
    for way, net in WAYS.items():
        bridge = f"{way}-br"
        _ip("-n", hub, "link", "add", bridge, "type", "bridge")
        _ip("-n", hub, "address", "add", f"{net}.1/24", "dev", bridge)
        _ip("-n", hub, "link", "set", bridge, "up")
        for number in range(NODES):
            node, end = node_of(prefix, number), f"{way}{number}"
            _ip("-n", hub, "link", "add", end, "type", "veth", "peer", "name", way, "netns", node)
            _ip("-n", hub, "link", "set", end, "master", bridge, "up")
            _ip("-n", node, "address", "add", f"{host(way, number)}/24", "dev", way)
            _ip("-n", node, "link", "set", way, "up")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
