"""A stand-in for the server: it answers what the test scripts and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from click.testing import CliRunner, Result

from cli.main import main


class StubServer:
    """Answers in the order given, each path for itself; the last answer of a path is repeated."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.silent = 0  # requests that get no answer
        self._answers: dict[tuple[str, str], list[tuple[int, Any]]] = {}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def answer(self, method: str, path: str, document: Any, status: int = 200) -> None:
        self._answers.setdefault((method, path), []).append((status, document))

    def problem(self, method: str, path: str, status: int, code: str, **facts: Any) -> None:
        document = {
            "type": f"urn:detent:error:{code}",
            "title": "No.",
            "status": status,
            "code": code,
        }
        self.answer(method, path, document | facts, status)

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def take(
        self, method: str, target: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        parts = urlsplit(target)
        self.requests.append(
            {
                "method": method,
                "path": parts.path,
                "query": dict(parse_qsl(parts.query)),
                "pairs": parse_qsl(parts.query),
                "body": body,
                "headers": headers,
            }
        )
        if self.silent > 0:
            # As a server that is killed: the connection ends without an answer.
            self.silent -= 1
            raise ConnectionAbortedError
        answers = self._answers[method, parts.path]
        status, document = answers.pop(0) if len(answers) > 1 else answers[0]
        return status, document if isinstance(document, bytes) else json.dumps(document).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                try:
                    status, data = stub.take(self.command, self.path, body, dict(self.headers))
                except ConnectionAbortedError:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = do_POST = do_DELETE = _serve

            def log_message(self, *_: object) -> None:
                """Tests are quiet."""

        return Handler


@pytest.fixture
def server() -> Iterator[StubServer]:
    stub = StubServer()
    yield stub
    stub.close()


@pytest.fixture
def detent(server: StubServer, monkeypatch: pytest.MonkeyPatch):
    """Run the command line against the stand-in; the result has stdout, stderr and exit_code."""
    monkeypatch.setenv("DETENT_URL", server.url)
    monkeypatch.delenv("DETENT_TOKEN", raising=False)

    def run(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, list(arguments), input=stdin)

    return run
