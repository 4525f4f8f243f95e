"""What many starts are made of."""

from __future__ import annotations

from msgspec import Struct

from engine.documents import Document


class Start(Struct, frozen=True):
    """One of many starts of a definition: what a single start names, but no signal."""

    input: Document
    name: str | None = None
    version: int | None = None
    alias: str | None = None
