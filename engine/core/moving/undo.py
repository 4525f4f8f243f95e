"""What is noted of a migration, so that the execution can be moved back to where it was.

It is kept as one value of the execution until the next migration, or as long as a closed one keeps values. A strand can be put back where nothing
has happened in it since: it rests in the state it was moved to, in the visit it was moved in, with the data it was given.
"""

from __future__ import annotations

import hashlib

from msgspec import UNSET, Raw, Struct, UnsetType, json

from engine.core.execution import Enter, Frame, FrameId
from engine.core.moving.data import data_of
from engine.core.moving.verdict import Frames, Moves, is_sent_on, stands_in
from engine.documents import Document
from engine.language.machine import Machine

UNDO = "undo"  # the value


class Moved(Struct, frozen=True, omit_defaults=True):
    """A strand that was moved from `old` to `new`; `input` is its data where that was changed, `made` a digest of what it became.

    `entry` and `previous` are the frame's: by the former the visit is known again, by the latter one that began anew.
    """

    old: str
    new: str
    entry: int
    previous: int
    renewed: bool = False
    input: Raw | UnsetType = UNSET
    made: str = ""


class Undo(Struct, frozen=True, omit_defaults=True):
    """The way back to `version`, from what the migration `operation` did."""

    operation: str
    version: int
    mapping: dict[str, str] = {}
    strands: dict[FrameId, Moved] = {}


def keep_undo(undo: Undo) -> Document:
    return Document.from_text(json.encode(undo))


def read_undo(kept: Document) -> Undo:
    return json.decode(kept.text, type=Undo)


def way_back(
    undo: Undo, frames: Frames, old: Machine
) -> tuple[Moves, dict[FrameId, Document], str]:
    """The moves back to `old`, the data to put back, and the frame whose changed data has been used since ("" for none).

    Strands that have gone on since go by the mapping the other way round, where that is one to one: a state that
    others were mapped to and that was there already goes back to itself.
    """
    strands: dict[FrameId, str] = {}
    anew = set()
    data: dict[FrameId, Document] = {}
    for name, moved in undo.strands.items():
        frame = frames.get(name)
        if frame is not None and is_untouched(frame, moved):
            strands[name] = moved.old
            if moved.renewed:  # what it holds now it has taken up since
                anew.add(name)
            if moved.input is not UNSET:
                data[name] = Document.from_text(bytes(moved.input))
        elif moved.input is not UNSET:
            return Moves(), {}, name
    back: dict[str, str] = {}
    for before, new in undo.mapping.items():
        stayed = new in old.states and new not in undo.mapping
        back[new] = "" if new in back or stayed else before
    mapping = {new: before for new, before in back.items() if before}
    return Moves(mapping, frozenset(), strands, frozenset(anew)), data, ""


def is_untouched(frame: Frame, moved: Moved) -> bool:
    """Whether a strand still rests where the migration has put it."""
    if stands_in(frame) != moved.new or moved.made not in {"", digest(data_of(frame))}:
        return False
    if not moved.renewed:
        return frame.entry == moved.entry
    begins = isinstance(frame.hold, Enter) or is_sent_on(frame)
    return (frame.previous if begins else frame.before) == moved.previous


def digest(data: Document) -> str:
    return hashlib.blake2b(data.text, digest_size=16).hexdigest()
