"""What a definition is as a state machine of AWS Step Functions: values that commands take and give."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from engine.language.resources.express import DefinitionType
from engine.store.catalog import Format, Version

Configuration = Mapping[str, Any]  # as the service model has it

INITIAL = "INITIAL"  # names the revision that a state machine is made with, which has no id; as AWS


class Attributes(Struct, frozen=True, omit_defaults=True):
    """What a revision holds besides its text. Stored ones may lack some; those of a `Revision` are whole."""

    role: str = ""
    logging: Configuration | None = None
    tracing: Configuration | None = None
    encryption: Configuration | None = None


class Revision(Struct, frozen=True):
    """A version of a definition. `id` is "" for the one that the definition was made with."""

    definition: str
    version: int
    text: str  # as it was published
    format: Format
    attributes: Attributes
    created_ms: int
    type: DefinitionType
    id: str


class Target(Struct, frozen=True):
    """What a start goes to. `version` is None where the partition's current one is to be taken."""

    definition: str
    version: int | None
    role: str
    published: int = (
        0  # number of the published version that was named, or chosen by the alias; 0 = none
    )
    alias: str = ""
    type: DefinitionType = "STANDARD"


class StateMachine(Struct, frozen=True):
    """A definition, as lists show it."""

    name: str
    type: DefinitionType
    created_ms: int


class Publication(Struct, frozen=True):
    """A published version: a number that leads to a revision."""

    number: int
    version: int
    created_ms: int
    description: str = ""


class PublishedAlias(Struct, frozen=True):
    """An alias that leads to published versions: (number, weight) pairs, weights together 100."""

    name: str
    routing: tuple[tuple[int, int], ...]
    created_ms: int
    updated_ms: int
    description: str = ""


_attributes = msgspec.json.Decoder(Attributes)


def pack_attributes(attributes: Attributes) -> bytes:
    return msgspec.json.encode(attributes)


def read_attributes(packed: bytes) -> Attributes:
    return _attributes.decode(packed) if packed else Attributes()


def revision_of(stored: Version, attributes: Attributes) -> Revision:
    """A revision from a version that was read with its text."""
    return Revision(
        stored.name,
        stored.version,
        (stored.text or b"").decode(),
        stored.format,
        attributes,
        stored.created_ms,
        stored.type,
        "" if stored.version == stored.first else revision_id(stored),
    )


def revision_id(stored: Version) -> str:
    """The same for a version at all times, and for no other: numbers of versions are given once."""
    named = f"{stored.name}\n{stored.version}\n{stored.created_ms}\n{stored.hash}"
    digest = hashlib.sha256(named.encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))
