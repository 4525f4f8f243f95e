"""Examining definitions beside the event loop, so that nobody waits for a long text but its own sender.

One thread does it, for all of the process: several would not be faster, and would take the interpreter from everybody
else several times as often.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from engine.language import Format, Machine, Problem
from engine.language.resources.express import DefinitionType, examine_as

INLINE_BYTES_MAX = 16 * 1024  # read at once: shorter than what handing it to the thread may cost

_reader = ThreadPoolExecutor(1, thread_name_prefix="definitions")


async def examined(
    text: bytes, form: Format | None, kind: DefinitionType = "STANDARD"
) -> tuple[Machine | None, tuple[Problem, ...]]:
    """As `engine.language.resources.express.examine_as`. Texts are taken in the order they came in; the short ones do not queue."""
    if len(text) <= INLINE_BYTES_MAX:
        return examine_as(kind, text, form)
    return await asyncio.get_running_loop().run_in_executor(_reader, examine_as, kind, text, form)
