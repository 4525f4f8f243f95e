"""Connections: the credentials of `http:invoke`, which the operator keeps and definitions only name.

A YAML file `{name: {type: ..., ...}}`, read once. A secret is text, or `{env: NAME}` for what the environment variable
NAME holds. Nothing here shows a secret: not a repr, not an error, not a cause (`Connection.hidden`).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from engine.errors import InvalidConnections
from engine.language.resources import url_fault
from engine.language.text import read_source

_NAME = re.compile(r"[.\-_A-Za-z0-9]{1,64}")  # as EventBridge
_ARN = re.compile(r"arn:[^:]*:events:[^:]*:[^:]*:connection/([^/]+)(?:/.*)?")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SECRET_CHARACTERS_MIN = 4  # shorter ones would be found everywhere


class _Env(Struct, frozen=True, forbid_unknown_fields=True):
    env: str


_Text = str | _Env
_Scalar = str | int | float | bool | _Env


class _Additions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is added to every request."""

    headers: dict[str, _Text] = {}
    query: dict[str, _Text] = {}
    body: dict[str, _Scalar] = {}


class _Connection(_Additions, frozen=True, kw_only=True, tag_field="type"):
    pass


class _Basic(_Connection, frozen=True, kw_only=True, tag="BASIC"):
    username: _Text
    password: _Text


class _ApiKey(_Connection, frozen=True, kw_only=True, tag="API_KEY"):
    api_key_name: str
    api_key_value: _Text


class _OAuth(_Connection, frozen=True, kw_only=True, tag="OAUTH_CLIENT_CREDENTIALS"):
    authorization_endpoint: str
    client_id: _Text
    client_secret: _Text
    token_request: _Additions = _Additions()


@dataclass(frozen=True, slots=True)
class Additions:
    """Headers, query parameters and fields of the body that a request gets."""

    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """How a token is asked for: a POST of `given.body` as a form (RFC 6749, section 4.4)."""

    endpoint: str
    given: Additions


@dataclass(frozen=True, slots=True)
class Connection:
    """What is added to the calls that name it; with `token`, a bearer token asked for first."""

    name: str
    given: Additions = field(repr=False)
    token: TokenRequest | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def hidden(self, text: str, *more: str) -> str:
        """The text with this connection's secrets, and those in `more`, made unreadable."""
        for secret in (*self.secrets, *more):
            if len(secret) >= _SECRET_CHARACTERS_MIN:
                text = text.replace(secret, "***")
        return text


def connection_name(reference: str) -> str:
    """The name in a ConnectionArn, or the bare name itself."""
    found = _ARN.fullmatch(reference)
    return found[1] if found else reference


def read_connections(path: Path | None, environ: Mapping[str, str]) -> dict[str, Connection]:
    """The connections of the file; none without one. Raises InvalidConnections naming every one that is wrong."""
    if path is None:
        return {}
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InvalidConnections(f"DETENT_CONNECTIONS: {path}: {error.strerror}") from None
    source = read_source(text, "yaml")
    problems = [
        "line {}, column {}: {}".format(*source.lines.place(finding.offset), finding.code)
        for finding in source.findings
    ]
    made: dict[str, Connection] = {}
    written = source.value if source.readable else {}
    if not isinstance(written, dict):
        problems.append("it holds no names with a connection each")
        written = {}
    for name, value in written.items():
        try:
            made[name] = _Reader(environ).connection(name, value)
        except (msgspec.ValidationError, ValueError) as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise InvalidConnections(f"DETENT_CONNECTIONS: {path}: " + "; ".join(problems))
    return made


class _Reader:
    """Makes one connection, noting the secrets it meets. Raises ValueError, which never shows one."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._secrets: list[str] = []

    def connection(self, name: str, value: Any) -> Connection:
        if not _NAME.fullmatch(name):
            raise ValueError("a name has 1 to 64 letters, digits or ._-")
        written = msgspec.convert(value, _Basic | _ApiKey | _OAuth)
        given, token = self._additions(written), None
        match written:
            case _Basic():
                user, password = self._text(written.username), self._secret(written.password)
                if ":" in user:
                    raise ValueError("a username holds no colon")
                plain = f"{user}:{password}".encode()
                given.headers["Authorization"] = "Basic " + base64.b64encode(plain).decode()
            case _ApiKey():
                _check_header(written.api_key_name)
                given.headers[written.api_key_name] = self._secret(written.api_key_value)
            case _OAuth():
                token = self._token_request(written)
        self._secrets += given.headers.values()
        return Connection(name, given, token, tuple(self._secrets))

    def _token_request(self, written: _OAuth) -> TokenRequest:
        endpoint = written.authorization_endpoint
        if not endpoint.startswith(("http://", "https://")) or url_fault(endpoint):
            raise ValueError("authorization_endpoint is no URL that can be called")
        given = self._additions(written.token_request)
        given.body.setdefault("grant_type", "client_credentials")
        given.body["client_id"] = self._text(written.client_id)
        given.body["client_secret"] = self._secret(written.client_secret)
        return TokenRequest(endpoint, given)

    def _additions(self, written: _Additions) -> Additions:
        for name in written.headers:
            _check_header(name)
        return Additions(
            dict(self._secrets_of(written.headers)),
            dict(self._secrets_of(written.query)),
            {
                name: self._secret(value) if isinstance(value, str | _Env) else value
                for name, value in written.body.items()
            },
        )

    def _secrets_of(self, written: Mapping[str, _Text]) -> Iterator[tuple[str, str]]:
        for name, value in written.items():
            yield name, self._secret(value)

    def _secret(self, value: _Text) -> str:
        text = self._text(value)
        self._secrets.append(text)
        return text

    def _text(self, value: _Text) -> str:
        text = value if isinstance(value, str) else self._environ.get(value.env)
        if text is None:
            assert isinstance(value, _Env)
            raise ValueError(f"the environment has no variable {value.env}")
        if _CONTROL.search(text):
            raise ValueError("a value holds a control character, such as the end of a line")
        return text


def _check_header(name: str) -> None:
    if not _HEADER.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a header")
