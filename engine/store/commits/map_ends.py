"""What the closing commit of a Map Run's child writes for the run: see scripts/include/map_end.lua. No I/O."""

from __future__ import annotations

from typing import Any

from engine.core.effects import Transition
from engine.core.execution import Execution
from engine.store.commits.parts import Claim, Envelope
from engine.store.keys import Keys
from engine.store.maps.ends import entry_of

UNREAD_MS_MIN = (
    7 * 86_400_000
)  # a child outlives what is to be done with it, also where nothing is to be kept long
OWN_KEYS = (
    1,
    2,
    3,
    4,
    5,
    13,
)  # among the fixed ones of commit.lua, those that are the execution's own


def leaves_nothing(claim: Claim, after: Execution) -> bool:
    """Whether this closes a child of which nothing is kept but the note of its end: then nothing else of it is written."""
    return claim.child is not None and claim.child.is_brief and after.status == "SUCCEEDED"


def note_map_end(envelope: Envelope, keys: Keys, claim: Claim, transition: Transition) -> None:
    """Note the child's end; one that is brief and has succeeded leaves nothing else."""
    after, child, mine = transition.execution, claim.child, claim.keys
    assert child is not None
    has_succeeded = after.status == "SUCCEEDED"
    run = f"{mine.ref.split(':', 1)[0]}:{after.definition}:{child.run}"
    ended: dict[str, Any] = {
        "key": envelope.key(keys.map_ends(mine.partition, run)),
        "index": str(child.index),
        "entry": entry_of(child, after),
        "run": run,
    }
    if child.tells_input or not has_succeeded:
        ended["input"] = True
    if leaves_nothing(claim, after):
        ended["gone"] = [
            *OWN_KEYS,
            *(envelope.key(name) for name in (mine.outcomes, mine.seen, mine.fates)),
        ]
        # It would be in the indexes of what has ended until the same script takes it away.
        envelope.body.pop("index", None)
    else:
        envelope.body["close"] = max(envelope.body["close"], UNREAD_MS_MIN)
    envelope.body["ended"] = ended
