"""Names: what definitions, executions, queues and signals may be called."""

from __future__ import annotations

import re
from unicodedata import category

from engine.errors import InvalidName

NAME_CHARACTERS_MAX = 80  # as AWS Step Functions

# AWS's rule for names: no white space, no control characters, none of these. It keeps keys unambiguous too.
_REFUSED = re.compile(r"[\s\x00-\x1f\x7f-\x9f<>{}\[\]?*\"#%\\^|~`$&,;:/\ud800-\udfff]")
_QUEUE_REFUSED = re.compile(r"[\s\x00-\x1f\x7f-\x9f{}#|/\ud800-\udfff]")


def check_name(name: str, what: str) -> str:
    """The name, if it is one. Raises InvalidName saying what it was meant to be called."""
    if not 1 <= len(name) <= NAME_CHARACTERS_MAX or _REFUSED.search(name) or _misleads(name):
        raise InvalidName(f"{what}: {name[:100]!r}")
    return name


def _misleads(name: str) -> bool:
    """Whether a name holds characters that nobody sees, or is one that paths of URLs resolve."""
    return name in (".", "..") or any(category(character) == "Cf" for character in name)


def check_processor(definition: str) -> str:
    """What an execution is one of: a definition, or "<definition>~<label>", a distributed Map of one. Raises InvalidName."""
    for part in definition.split("~"):
        check_name(part, "definition")
    return definition


def check_execution(identifier: str) -> str:
    """An execution id, "<definition>:<name>" or "<definition>~<label>:<name>". Raises InvalidName."""
    definition, colon, name = identifier.partition(":")
    if not colon:
        raise InvalidName(f"execution: {identifier[:200]!r} is not <definition>:<name>")
    check_processor(definition)
    check_name(name, "execution")
    return identifier


def is_express(identifier: str) -> bool:
    """Whether an execution id is an Express execution's, "<definition>:<name>:<uuid>". No name holds a colon."""
    return identifier.count(":") == 2


def check_queue(queue: str) -> str:
    """A queue's name as workers give it. Names that open with "@" are the engine's own. Raises InvalidName."""
    if (
        not 1 <= len(queue) <= NAME_CHARACTERS_MAX
        or _QUEUE_REFUSED.search(queue)
        or queue[0] == "@"
    ):
        raise InvalidName(f"queue: {queue[:100]!r}")
    return queue
