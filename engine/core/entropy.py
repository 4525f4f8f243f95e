"""Seeded chance: everything random in a run derives by HMAC-SHA256 from its secret seed.

The same (seed, purpose, revision, ordinal) gives the same bytes after a crash, and nobody without the seed can guess
them.
"""

from __future__ import annotations

import base64
import hmac


def derive(seed: bytes, purpose: str, *parts: object) -> bytes:
    """32 bytes that belong to this purpose and these parts alone."""
    message = "\x1f".join((purpose, *map(str, parts)))
    return hmac.digest(seed, message.encode(), "sha256")


def secret(seed: bytes, purpose: str, *parts: object) -> str:
    """24 characters, safe in URLs: 144 bits."""
    return base64.urlsafe_b64encode(derive(seed, purpose, *parts)[:18]).decode()


class SeededEntropy:
    """Chance for the expressions of one transition; each call takes the next ordinal."""

    __slots__ = ("_ordinal", "_revision", "_seed")

    def __init__(self, seed: bytes, revision: int) -> None:
        self._seed = seed
        self._revision = revision
        self._ordinal = 0

    def _next(self) -> bytes:
        self._ordinal += 1
        return derive(self._seed, "chance", self._revision, self._ordinal)

    def token(self) -> str:
        """The secret part of a task token."""
        self._ordinal += 1
        return secret(self._seed, "token", self._revision, self._ordinal)

    def uuid(self) -> str:
        """A version 4 UUID, lower-case."""
        number = int.from_bytes(self._next()[:16], "big")
        number = number & ~(0xF << 76) | (4 << 76)  # version 4
        number = number & ~(0x3 << 62) | (2 << 62)  # RFC 9562 variant
        text = f"{number:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def uniform(self) -> float:
        """A float in [0, 1), of 53 bits."""
        return (int.from_bytes(self._next()[:8], "big") >> 11) / 2**53

    def below(self, bound: int) -> int:
        """An integer in [0, bound); its bias is below 2^-128 for any bound up to 2^128."""
        return int.from_bytes(self._next(), "big") % bound
