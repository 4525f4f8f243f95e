"""Task tokens: one text that names a task and proves the right to settle it.

The text is base64url of "<execution id>/<frame>@<revision>", a dot, and a secret. Execution ids hold no "/", but may
hold "@"; frames hold "/", but no "@".
"""

from __future__ import annotations

import base64
import binascii
import re

from msgspec import Struct

from engine.core.execution import FrameId

_FRAME = re.compile(r"[0-9]+(?:/[0-9]+)*")
_REVISION = re.compile(r"[0-9]{1,15}")  # fits an integer of the store


class TaskToken(Struct, frozen=True):
    """What a task token says."""

    execution: str
    frame: FrameId
    revision: int
    secret: str


def task_token(execution_id: str, frame: FrameId, revision: int, secret: str) -> str:
    """The token of one attempt of a task, as workers and `$$.Task.Token` see it. Safe in URLs."""
    place = f"{execution_id}/{frame}@{revision}".encode()
    return base64.urlsafe_b64encode(place).rstrip(b"=").decode() + "." + secret


def parse_task_token(text: str) -> TaskToken:
    """Take a token apart. Raises ValueError for a text that no `task_token` made; proves nothing about the secret.

    Base64 has several spellings of the same bytes and numbers have leading zeros: only our own spelling is a token.
    """
    place, dot, secret = text.rpartition(".")
    if not dot or not secret:
        raise ValueError("not a task token")
    try:
        padded = place.encode("ascii") + b"=" * (-len(place) % 4)
        decoded = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise ValueError("not a task token") from None
    head, _, revision = decoded.rpartition("@")
    execution, _, frame = head.partition("/")
    if not execution or not _FRAME.fullmatch(frame) or not _REVISION.fullmatch(revision):
        raise ValueError("not a task token")
    token = TaskToken(execution, frame, int(revision), secret)
    if task_token(execution, frame, token.revision, secret) != text:
        raise ValueError("not a task token")
    return token
