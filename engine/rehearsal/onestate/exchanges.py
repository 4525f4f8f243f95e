"""The HTTP call of a task under test, as its inspection tells it. https://docs.aws.amazon.com/step-functions/latest/apireference/API_InspectionDataRequest.html"""

from __future__ import annotations

from collections.abc import Iterable

from engine.tasks.watched import Exchange

Told = dict[str, str]


def told(exchange: Exchange, *, reveals_secrets: bool) -> dict[str, Told]:
    """`request` and `response`. What a connection adds to the request is a secret."""
    request = exchange.sent if reveals_secrets else exchange.told
    answer = exchange.answer
    protocol = request.url.scheme
    sent = {
        "protocol": protocol,
        "method": request.method,
        "url": str(request.url),
        "headers": _headers(request.headers.items()),
    }
    if request.data is not None:
        sent["body"] = request.data.decode("utf-8", "replace")
    got = {
        "protocol": protocol,
        "statusCode": str(answer.status),
        "statusMessage": answer.reason,
        "headers": _headers(answer.headers.items()),
        "body": answer.text(),
    }
    return {"request": sent, "response": got}


def _headers(pairs: Iterable[tuple[str, str]]) -> str:
    return f"[{', '.join(f'{name}: {value}' for name, value in pairs)}]"
