"""Situations that only a caller over HTTP can be told about. The engine's own are in `engine.errors`."""

from __future__ import annotations

from engine.errors import EngineError


class NotFound(EngineError):
    """There is nothing at this path."""

    code = "not_found"
    status = 404


class MethodNotAllowed(EngineError):
    """This path does not take that method."""

    code = "method_not_allowed"
    status = 405


class RequestTimeout(EngineError):
    """The request's body did not arrive in time."""

    code = "request_timeout"
    status = 408


class UnsupportedMediaType(EngineError):
    """The body is not of a type that this operation reads."""

    code = "unsupported_media_type"
    status = 415


class HostNotAllowed(EngineError):
    """Without a token the server answers to local host names only."""

    code = "host_not_allowed"
    status = 421


class OriginNotAllowed(EngineError):
    """Without a token the server takes nothing from web pages of another origin."""

    code = "origin_not_allowed"
    status = 403


class InternalError(EngineError):
    """Something went wrong that should not have. The log has the details under this id."""

    code = "internal_error"
    status = 500
