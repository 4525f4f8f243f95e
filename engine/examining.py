"""Examining definitions beside the event loop, so that nobody waits for a long text but its own sender.

One thread does it, for all of the process: several would not be faster, and would take the interpreter from everybody
else several times as often.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from engine.language import Format, Machine, Problem, examine

INLINE_BYTES_MAX = 16 * 1024  # read at once: shorter than what handing it to the thread may cost

_reader = ThreadPoolExecutor(1, thread_name_prefix="definitions")


async def examined(text: bytes, form: Format | None) -> tuple[Machine | None, tuple[Problem, ...]]:
    """As `engine.language.examine`. Texts are taken in the order they came in; the short ones do not queue."""
    if len(text) <= INLINE_BYTES_MAX:
        return examine(text, form)
    return await asyncio.get_running_loop().run_in_executor(_reader, examine, text, form)
