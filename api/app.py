"""The HTTP application: the faces composed over one engine, behind one gate."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api import openapi, pages
from api.aws.face import AwsFace
from api.engine import Engine
from api.errors import NotFound
from api.rest.encode import encode, problem, send_answer
from api.rest.gate import Gate
from api.rest.operation import Face
from api.rest.operations import by_path
from api.rest.receive import Waits
from api.rest.resource import Resource
from engine.settings import Settings


def create_app(engine: Engine, settings: Settings) -> FastAPI:
    """The application. `app.state.waits.stopping` is the event that ends all long polls; the server sets it.

    Routes that are added later stand behind the same gate: without the token none can be reached.
    """
    app = FastAPI(title="Detent", openapi_url=None, docs_url=None, redoc_url=None)
    waits = Waits()
    app.state.waits = waits
    face = Face(engine=engine, settings=settings, waits=waits)
    document = openapi.build()
    # The method is FastAPI's documented place to put a document of one's own.
    app.openapi = lambda: document  # type: ignore[method-assign]
    app.router.redirect_slashes = False
    app.router.default = _nothing_here
    resources = {path: Resource(operations, face) for path, operations in by_path().items()}
    resources |= {page.path: Resource((page,), face) for page in pages.operations(document)}
    app.router.routes.extend(Route(path, resource) for path, resource in resources.items())
    app.router.routes.append(Route("/", AwsFace(face)))
    app.add_middleware(
        Gate,
        settings=settings,
        now_ms=engine.clock.now_ms,
        incarnation=lambda: engine.queries.incarnation,
    )
    app.add_exception_handler(HTTPException, _http_exception)
    return app


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI
    if scope["type"] == "http":
        await send_answer(send, problem(NotFound(), "an unknown path"))


async def _http_exception(_request: Request, error: Exception) -> Response:
    """Errors of FastAPI's own routes, should one be added, in the form of all others."""
    assert isinstance(error, HTTPException)
    body = {
        "type": "about:blank",
        "title": str(error.detail),
        "status": error.status_code,
        "code": "http_error",
    }
    return Response(
        content=encode(body),
        status_code=error.status_code,
        media_type="application/problem+json",
        headers=dict(error.headers or {}),
    )
