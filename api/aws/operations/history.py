"""The history of an execution, event for event."""

from __future__ import annotations

from api.aws.call import Handler

HANDLERS: dict[str, Handler] = {}
