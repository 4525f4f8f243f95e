"""TestState: one state, without an execution."""

from __future__ import annotations

from api.aws.call import Handler

HANDLERS: dict[str, Handler] = {}
