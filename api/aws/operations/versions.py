"""Published versions of a state machine."""

from __future__ import annotations

from api.aws.call import Handler

HANDLERS: dict[str, Handler] = {}
