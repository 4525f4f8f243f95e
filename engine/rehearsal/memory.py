"""What a rehearsal keeps passes through bytes, as it would on its way to a store and back."""

from __future__ import annotations

from msgspec import structs

from engine.core.effects import Transition
from engine.documents import Document
from engine.express.memory import Agenda, Memory, TaskKey, TimerKey
from engine.store import codec

__all__ = ["Agenda", "Memory", "TaskKey", "TimerKey", "through_bytes"]


def through_bytes(transition: Transition) -> Transition:
    """The transition with everything that is kept of it packed and unpacked, so that nothing hides in memory."""
    meta = codec.unpack_meta(codec.pack(codec.meta_of(transition.execution, "")))
    for record in transition.records:
        codec.pack(record)
    return structs.replace(
        transition,
        execution=structs.replace(
            transition.execution, closing=meta.closing, signals=meta.signals, moving=meta.moving
        ),
        frames={
            name: None if frame is None else codec.unpack_frame(codec.pack(frame))
            for name, frame in transition.frames.items()
        },
        values={
            key: None if value is None else Document.from_text(value.text)
            for key, value in transition.values.items()
        },
    )
