"""Performing a task: call the handler, and turn what it returns or raises into an outcome."""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from detent.documents import to_json
from detent.errors import NotJson, TaskError
from detent.task import Task

ERROR_CHARS_MAX = 256  # of an error name; as Step Functions.
CAUSE_CHARS_MAX = 32_768  # of a cause; as Step Functions.
INVALID_OUTPUT = "Detent.InvalidOutput"


@dataclass(slots=True)
class Outcome:
    """What became of a task: `output` as JSON text, or (where that is None) an error name and a cause."""

    output: bytes | None = None
    error: str = ""
    cause: str = ""

    def body(self, **to: str) -> bytes:
        """As one JSON object, with the fields in `to`, as settle and exchange take it."""
        if self.output is None:
            return to_json({**to, "error": self.error, "cause": self.cause})
        if not to:
            return b'{"output":' + self.output + b"}"
        return to_json(to)[:-1] + b',"output":' + self.output + b"}"


@dataclass(frozen=True, slots=True)
class Handler:
    """A function that performs the tasks of a queue."""

    queue: str
    function: Callable[..., Any]
    is_async: bool
    wants_task: bool

    @classmethod
    def of(cls, queue: str, function: Callable[..., Any]) -> Handler:
        """Look at the function's signature. Raises TypeError where it takes neither (input) nor (input, task)."""
        call = getattr(function, "__call__", None)  # noqa: B004 - an object may have an async __call__
        is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)
        return cls(queue, function, is_async, _wants_task(function))

    async def perform(self, task: Task) -> Outcome:
        """Call an async handler. Cancellation from outside passes through; everything else is an outcome."""
        try:
            value = await (
                self.function(task.input, task) if self.wants_task else self.function(task.input)
            )
        except asyncio.CancelledError as error:
            current = asyncio.current_task()
            if task.cancelled or (current is not None and current.cancelling()):
                raise
            return failure(error)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # Also SystemExit: a library that exits must not take the other tasks with it.
            return failure(error)
        return success(value)

    def perform_blocking(self, task: Task) -> Outcome:
        """Call a sync handler, on its thread. Everything it does is an outcome."""
        try:
            value = (
                self.function(task.input, task) if self.wants_task else self.function(task.input)
            )
        except BaseException as error:
            return failure(error)
        return success(value)


def success(value: Any) -> Outcome:
    """The outcome of a handler that returned; a failure where JSON cannot hold the value."""
    try:
        return Outcome(output=to_json(value))
    except NotJson as error:
        return Outcome(
            error=INVALID_OUTPUT, cause=f"The handler's return value: {error}."[:CAUSE_CHARS_MAX]
        )


def failure(error: BaseException) -> Outcome:
    """The outcome of a handler that raised: a TaskError's own words, else the class, the message and where it was."""
    if isinstance(error, TaskError):
        name, cause = str(error.error), str(error.cause)
    else:
        name, cause = type(error).__name__, _cause(error)
    return Outcome(error=_text(name, ERROR_CHARS_MAX), cause=_text(cause, CAUSE_CHARS_MAX))


def _cause(error: BaseException) -> str:
    """The message, then as much of the traceback's end as there is room for. It begins in the handler, not here."""
    try:
        message = str(error)
    except Exception:  # a foreign __str__
        message = "(the error has no readable message)"
    where = error.__traceback__
    while where is not None and where.tb_frame.f_code.co_filename == __file__:
        where = where.tb_next
    lines = "".join(traceback.format_exception(type(error), error, where)).rstrip()
    room = CAUSE_CHARS_MAX - min(len(message), CAUSE_CHARS_MAX) - 2
    return f"{message}\n\n{lines[-room:]}" if room > 0 else message


def _text(text: str, chars_max: int) -> str:
    # Lone surrogates, which names of files may have, are not text.
    return text[:chars_max].encode("utf-8", "replace").decode()


def _wants_task(function: Callable[..., Any]) -> bool:
    """Whether there is a second parameter to be filled: one without a default, or one named `task`."""
    signature = inspect.signature(function)
    try:
        signature.bind(None)
    except TypeError:
        try:
            signature.bind(None, None)
        except TypeError:
            raise TypeError(f"{function!r} must take (input) or (input, task)") from None
        return True
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [
        parameter.name for parameter in signature.parameters.values() if parameter.kind in kinds
    ]
    return names[1:2] == ["task"]
