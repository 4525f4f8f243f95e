"""Executions: start, describe, list, stop, redrive."""

from __future__ import annotations

from api.aws.call import Handler

HANDLERS: dict[str, Handler] = {}
