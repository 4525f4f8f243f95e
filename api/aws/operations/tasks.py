"""Tasks: what workers and holders of a token ask for."""

from __future__ import annotations

from api.aws.call import Handler

HANDLERS: dict[str, Handler] = {}
