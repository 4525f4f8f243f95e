"""Errors as the protocol tells them: a code, a message, and further members of the answer."""

from __future__ import annotations

from typing import Any

from engine import errors


class AwsError(Exception):
    """`code` is the service's name of the error; `members` are further members of the answer."""

    def __init__(self, code: str, message: str, *, status: int = 400, **members: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members


def validation(reason: str, message: str) -> AwsError:
    """A ValidationException with the reason that the service model lists."""
    return AwsError("ValidationException", message, reason=reason)


def translated(error: errors.EngineError) -> AwsError:
    """What an error of the engine is called where an operation gives it no better name."""
    code, status = _CODES.get(
        type(error),
        ("InternalServerError" if error.status >= 500 else "ValidationException", error.status),
    )
    return AwsError(code, str(error), status=status)


_CODES: dict[type[errors.EngineError], tuple[str, int]] = {
    errors.Unauthenticated: ("UnrecognizedClientException", 403),
    errors.StoreUnavailable: ("ServiceUnavailableException", 503),
    errors.TooManyChanges: ("ConflictException", 400),
    errors.QuotaExceeded: ("ThrottlingException", 400),
    errors.PayloadTooLarge: ("RequestEntityTooLarge", 413),
    errors.InvalidName: ("InvalidName", 400),
}
