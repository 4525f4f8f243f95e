"""A command on its way to Redis, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

Argument = bytes | str | int
Taker = Callable[["Call", Any], None]


class Call:
    """One command on its way, and what is needed to send it elsewhere should the node redirect it."""

    __slots__ = (
        "args",
        "asking",
        "deadline",
        "future",
        "key",
        "peeks",
        "script",
        "taker",
        "written",
    )

    def __init__(
        self,
        args: Sequence[Argument],
        future: asyncio.Future[Any],
        key: str | None = None,
        script: str | None = None,
    ) -> None:
        self.args = args
        self.future = future
        self.key = key  # decides the node; None: any
        self.script = script  # name, where args are EVALSHA's
        self.asking = False
        self.peeks = False  # its reply need not have reached replicas
        self.written = False
        self.taker: Taker | None = None  # of its reply, where that does not end the call at once
        self.deadline: float | None = (
            None  # loop time after which a redirect or LOADING is no longer followed
        )


def fail(call: Call, error: Exception) -> None:
    if not call.future.done():
        call.future.set_exception(error)
        call.future.exception()  # whoever awaits still gets it; nobody awaiting is no error of the loop's
