"""A small blocking HTTP client for the commands: JSON both ways, the server's refusals as exceptions.

It is the standard library's, not the SDK's asynchronous client: importing that would cost more than most commands take.
"""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import click

from cli.failures import Refused, Unreachable

ANSWER_SECONDS = 30.0  # added to the time a long poll may take


class Server:
    """A Detent server at `url`. Each request has a connection of its own, so none is found dead after a pause."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError as error:
            raise Unreachable(url, str(error)) from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Unreachable(url, "the URL must begin with http:// or https:// and name a host")
        secure = parts.scheme == "https"
        self._kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._host, self._port, self._prefix = parts.hostname, port, parts.path
        self._headers = {"Accept": "application/json", "Connection": "close"}
        if token and (not token.isprintable() or not token.isascii()):
            raise click.UsageError("the token holds characters that a header cannot carry")
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, *, wait_seconds: int = 0, **query: Any) -> Any:
        """GET; `query` entries that are None are left out, `wait_seconds` is sent as `wait` where positive."""
        if wait_seconds:
            query["wait"] = wait_seconds
        return self.call("GET", path, query=query, wait_seconds=wait_seconds)

    def call(self, method: str, path: str, **request: Any) -> Any:
        """One request; returns the decoded answer, as `ask` does without its status."""
        return self.ask(method, path, **request)[1]

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        wait_seconds: int = 0,
    ) -> tuple[int, Any]:
        """One request; returns the status and the decoded answer.

        Raises Refused for any status from 400 up, with the server's problem document, and Unreachable where no
        answer came. A request is never repeated: whether it was carried out is then unknown to us.
        """
        given = {key: value for key, value in (query or {}).items() if value is not None}
        target = self._prefix + path + (f"?{urlencode(given, doseq=True)}" if given else "")
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = content_type
        status, data = self._exchange(method, target, body, headers, wait_seconds)
        return status, _answer(status, data)

    def lines(self, path: str, **query: Any) -> list[bytes]:
        """GET of an answer that has one JSON document a line; query and errors as for `get`."""
        given = {key: value for key, value in query.items() if value is not None}
        target = self._prefix + path + (f"?{urlencode(given, doseq=True)}" if given else "")
        status, data = self._exchange("GET", target, None, dict(self._headers), 0)
        if status >= http.client.BAD_REQUEST:
            _answer(status, data)
        return data.splitlines()

    def _exchange(
        self, method: str, target: str, body: bytes | None, headers: dict[str, str], seconds: int
    ) -> tuple[int, bytes]:
        connection = self._kind(self._host, self._port, timeout=ANSWER_SECONDS + seconds)
        try:
            connection.request(method, target, body=body, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise Unreachable(self.url, str(error) or type(error).__name__) from None
        finally:
            connection.close()


def path(*parts: str) -> str:
    """`/v1/...` with each part quoted, slashes and colons too."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def _answer(status: int, data: bytes) -> Any:
    try:
        document = json.loads(data) if data else None
    except ValueError:
        document = None
    if status >= http.client.BAD_REQUEST:
        problem = document if isinstance(document, dict) else {}
        raise Refused(status, problem)
    return document
