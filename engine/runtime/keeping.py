"""Keeping a claim while something takes longer than it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from engine.clock import Clock
from engine.errors import EngineError, StaleCommit
from engine.store.commits import Claim
from engine.store.executions import Executions

Result = TypeVar("Result")


async def while_kept(
    executions: Executions,
    claim: Claim,
    clock: Clock,
    seconds: float,
    deed: Coroutine[Any, Any, Result],
) -> Result:
    """What `deed` returns or raises; the claim is prolonged every `seconds` meanwhile.

    Raises StaleCommit, and cancels the deed, when the claim is another's: what it would find could not be committed.
    """
    doing = asyncio.ensure_future(deed)
    keeping = asyncio.ensure_future(_keep(executions, claim, clock, seconds))
    try:
        await asyncio.wait((doing, keeping), return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise StaleCommit
        return doing.result()
    finally:
        doing.cancel()
        keeping.cancel()
        await asyncio.gather(doing, keeping, return_exceptions=True)


async def _keep(executions: Executions, claim: Claim, clock: Clock, seconds: float) -> None:
    """Returns when the claim is lost."""
    is_ours = True
    while is_ours:
        await clock.sleep(seconds)
        try:
            is_ours = await executions.prolong(claim)
        except EngineError:
            pass  # whether it is still ours, the next answer tells
