"""Which addresses an HTTP task may reach.

A definition's author chooses the URL, but the engine's network position is the operator's. Credentials of the machine
lie open at metadata services, so these are never reached; loopback and private networks by the operator's choice.
Checked where the socket is made, on the very address it then connects to: what a name resolved to earlier, or how an
address is spelt, does not matter.
"""

from __future__ import annotations

import socket
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Literal

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

# Metadata services outside the link-local range, each of one provider: Alibaba, Oracle, Azure, AWS, Google.
_METADATA = tuple(
    ip_address(text)
    for text in ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254")
)
_NETWORKS_NEVER = tuple(
    ip_network(text)
    for text in ("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/128", "fe80::/10", "ff00::/8")
)
_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")
_PRIVATE_BESIDES = tuple(
    ip_network(text) for text in ("100.64.0.0/10", "fec0::/10", "64:ff9b:1::/48")
)


class AddressRefused(OSError):
    """The policy refuses this address; no packet was sent to it."""


class Policy:
    """Refuses addresses. `private` decides on loopback, private and carrier-internal ones."""

    def __init__(self, private: Literal["allow", "deny"]) -> None:
        self._private = private

    def check(self, host: str) -> None:
        """Raises AddressRefused when `host`, a numeric address, may not be reached."""
        for address in _meant(host):
            if address in _METADATA or _within(address, _NETWORKS_NEVER):
                raise AddressRefused(f"{address} is a metadata, link-local or unroutable address")
            if self._private == "deny" and _is_private(address):
                raise AddressRefused(
                    f"{address} is not a public address, and DETENT_HTTP_PRIVATE is deny"
                )

    def open_socket(self, info: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
        """The socket for one resolved address, if the policy lets it be made; what aiohttp calls to connect."""
        family, kind, protocol, _, address = info
        self.check(str(address[0]))
        opened = socket.socket(family, kind, protocol)
        opened.setblocking(False)
        return opened


class CheckedResolver(AbstractResolver):
    """The system's resolver. A name with one refused address is refused as a whole, so that no luck is involved."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._system = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._system.resolve(host, port, family)
        for item in found:
            self._policy.check(item["host"])
        return found

    async def close(self) -> None:
        await self._system.close()


def _meant(host: str) -> list[IPv4Address | IPv6Address]:
    """The address, and the IPv4 addresses that it may stand for on its way."""
    address = ip_address(host.partition("%")[0])
    meant: list[IPv4Address | IPv6Address] = [address]
    if isinstance(address, IPv6Address):
        meant += [inner for inner in (address.ipv4_mapped, address.sixtofour) if inner is not None]
        meant += address.teredo or ()
        if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
            meant.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return meant


def _within(
    address: IPv4Address | IPv6Address, networks: tuple[IPv4Network | IPv6Network, ...]
) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _is_private(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return False  # judged by the address inside.
    return not address.is_global or _within(address, _PRIVATE_BESIDES)
