"""What is noted of a migration, so that the execution can be moved back to where it was.

It is kept as one value of the execution until the next migration, or its end. A strand can be put back where nothing
has happened in it since: it rests in the state it was moved to, in the visit it was moved in, with the data it was given.
"""

from __future__ import annotations

import hashlib

from msgspec import UNSET, Raw, Struct, UnsetType, json, structs

from engine.core.execution import Enter, Frame, FrameId
from engine.core.moving.verdict import Frames, Moves
from engine.documents import Document
from engine.language.machine import Machine

UNDO = "undo"  # the value


class Moved(Struct, frozen=True, omit_defaults=True):
    """A strand that was moved from `old` to `new`; `entry` is the visit's, `input` its data where that was changed.

    Of one that was sent to enter `new`, `previous` is the record that this entry follows; `made` is the digest of the
    data that it was given.
    """

    old: str
    new: str
    entry: int
    renewed: bool = False
    previous: int = 0
    made: str = ""
    input: Raw | UnsetType = UNSET


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
    """The moves back, the data to put back, and the frame whose changed data has been used since ("" for none).

    `old` is the machine of the version to go back to. Strands that have gone on since go by the mapping the other way
    round, where that is one to one. A state that kept its name takes part in it: what rests there need not come from
    the state that was mapped to it.
    """
    strands: dict[FrameId, str] = {}
    data: dict[FrameId, Document] = {}
    for name, moved in undo.strands.items():
        frame = frames.get(name)
        if frame is not None and is_untouched(frame, moved):
            strands[name] = moved.old
            if moved.input is not UNSET:
                data[name] = Document.from_text(bytes(moved.input))
        elif moved.input is not UNSET:
            return Moves(), {}, name
    back: dict[str, str] = {}
    for before, after in undo.mapping.items():
        kept = after in old.states and after not in undo.mapping
        back[after] = "" if kept or after in back else before
    mapping = {after: before for after, before in back.items() if before}
    return Moves(mapping, frozenset(), strands), data, ""


def is_untouched(frame: Frame, moved: Moved) -> bool:
    """Whether a strand still rests where the migration has put it."""
    if frame.state != moved.new:
        return False
    if moved.renewed:
        follows = frame.previous if isinstance(frame.hold, Enter) else frame.before
        is_same = follows == moved.previous
    else:
        is_same = frame.entry == moved.entry
    return is_same and moved.made in {"", digest(frame.input)}


def digest(data: Document) -> str:
    return hashlib.blake2b(data.text, digest_size=16).hexdigest()


def with_strand(undo: Undo, frame: FrameId, moved: Moved) -> Undo:
    return structs.replace(undo, strands={**undo.strands, frame: moved})
