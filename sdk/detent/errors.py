"""Every situation a caller of Detent can be told about, and the error a handler raises to fail its task.

A `DetentError` carries the server's problem document (RFC 9457). `code` is stable and public; the class is chosen by
the code where it has a class of its own and by the HTTP status otherwise.
"""

from __future__ import annotations

import json
from typing import Any

DETAIL_CHARS_MAX = 500  # of a body that is not a problem document, as a proxy's error page.


class DetentError(Exception):
    """The server refused a request, or gave no answer (`status` 0)."""

    def __init__(
        self,
        code: str,
        status: int,
        title: str,
        detail: str | None = None,
        problem: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{title} {detail} ({code})" if detail else f"{title} ({code})")
        self.code = code
        self.status = status
        self.title = title
        self.detail = detail
        self.problem: dict[str, Any] = problem if problem is not None else {}
        self.retry_after: float | None = None  # seconds, where the server named them


class Invalid(DetentError):
    """The request or the document in it is not acceptable; repeating it cannot help."""


class InvalidDefinition(Invalid):
    """The definition has problems; nothing was published. `problems` lists all of them."""

    @property
    def problems(self) -> list[dict[str, Any]]:
        """Each with code, pointer, line, column, message, hint and severity."""
        found: list[dict[str, Any]] = self.problem.get("problems", [])
        return found


class TooLarge(Invalid):
    """The payload is larger than the server's limit."""


class Unauthenticated(DetentError):
    """A bearer token is required, and the one given (if any) is not it."""


class Forbidden(DetentError):
    """The token is known and does not allow this."""


class NotFound(DetentError):
    """There is no such definition, execution or task."""


class Conflict(DetentError):
    """The thing addressed is not in a condition that allows this; nothing was changed."""


class ExecutionAlreadyExists(Conflict):
    """An execution of that name exists with another input, or has already ended."""


class ExecutionClosed(Conflict):
    """The execution has already ended."""


class TaskClosed(Conflict):
    """The task has already ended otherwise; `problem["outcome"]` says how, where the server knows."""


class LeaseLost(Conflict):
    """The lease lapsed and the task is no longer this worker's."""


class QuotaExceeded(DetentError):
    """A quota is used up; nothing was changed. `retry_after` has seconds where the server gave them."""


class Unavailable(DetentError):
    """The server cannot serve now (502, 503, 504). Whether the request took effect may be unknown."""

    unsent = False  # True only where the request cannot have reached a server.


class Unreachable(Unavailable):
    """No answer: the connection failed, broke or timed out. `unsent` says that it never came about."""


class NotJson(ValueError):
    """A value holds something JSON cannot. Nothing was sent."""


class TaskError(Exception):
    """Raised by a handler: fail the task with this error name and cause, for `Retry` and `Catch` to match.

    `error` is at most 256 characters and `cause` at most 32,768; what is longer is cut.
    """

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}" if cause else error)
        self.error = error
        self.cause = cause


_BY_CODE: dict[str, type[DetentError]] = {
    "invalid_definition": InvalidDefinition,
    "execution_already_exists": ExecutionAlreadyExists,
    "execution_closed": ExecutionClosed,
    "task_closed": TaskClosed,
    "lease_lost": LeaseLost,
}

_BY_STATUS: dict[int, type[DetentError]] = {
    400: Invalid,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    415: Invalid,
    422: Invalid,
    429: QuotaExceeded,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def error_of(status: int, body: bytes, retry_after: str | None = None) -> DetentError:
    """The error that an answer of this status and body stands for."""
    problem = _problem(body)
    code = problem.get("code") or f"http_{status}"
    title = problem.get("title") or f"The server answered {status}."
    detail = problem.get("detail")
    if not problem and body:
        detail = body[:DETAIL_CHARS_MAX].decode("utf-8", "replace")
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status, DetentError)
    error = kind(code, status, title, detail, problem)
    error.retry_after = _seconds(retry_after)
    return error


def unreachable(cause: BaseException, *, unsent: bool) -> Unreachable:
    """The error for a request that got no answer."""
    detail = str(cause) or type(cause).__name__
    error = Unreachable("unreachable", 0, "The server gave no answer.", detail)
    error.unsent = unsent
    return error


def _problem(body: bytes) -> dict[str, Any]:
    try:
        problem = json.loads(body)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _seconds(text: str | None) -> float | None:
    # The header's other form, a date, is no use without the server's clock.
    return float(text) if text and text.isdecimal() else None
