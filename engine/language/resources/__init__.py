"""The Resource of a Task: a URI that says who performs it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from engine.language.machine import Resource
from engine.language.problems import nearest
from engine.language.resources.services import Call, Unknown, integration, is_nested
from engine.language.text.source import shown

CALLBACK = ".waitForTaskToken"
_URL_MAX = 2048  # characters
_QUEUE_MAX = 80  # characters of a queue's name

_NAME = re.compile(r"(?!@)[^\s\x00-\x1f\x7f-\x9f<>{}\[\]?*\"#%\\^|~`$&,;:/]{1,80}")
_ACTIVITY_ARN = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]*:[0-9]*:activity:(.*)", re.DOTALL)
_LAMBDA_ARN = re.compile(
    r"arn:aws[a-z-]*:lambda:[a-z0-9-]*:[a-z0-9-]*:function:([^:]*)(?::(\$LATEST|[A-Za-z0-9_-]+))?"
)
_INTEGRATION = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]*:[0-9]*:(?!activity:)([^:].*)")
_NESTED_ARN = re.compile(
    r"arn:aws[a-z-]*:states:[a-z0-9-]*:[0-9]*:"
    r"(?:(states:startExecution)(\.sync(?::2)?)?"
    r"|aws-sdk:sfn:(startExecution|startSyncExecution|sendTask(?:Success|Failure|Heartbeat)))"
)
_ARN = re.compile(r"arn:[^:]*:([a-z0-9-]*):[^:]*:[^:]*:(.*)", re.DOTALL)


class Refused(Exception):
    """The Resource cannot be used. `code` is a problem code."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        self.code = code
        self.hint = hint
        super().__init__(message)


def parse_resource(uri: str) -> Resource:
    """What performs a Task with this Resource. Raises Refused."""
    callback = uri.endswith(CALLBACK)
    plain = uri.removesuffix(CALLBACK)
    _check_suffix(plain)
    scheme = plain.partition(":")[0]
    if scheme in {"http", "https"} and plain.startswith(scheme + "://"):
        _check_url(plain)
        return Resource(
            uri=uri,
            kind="http",
            name=plain,
            family="service",
            service="http",
            action="call" + CALLBACK * callback,
            callback=callback,
        )
    if scheme == "signal":
        return _signal(uri, plain.removeprefix("signal:"), callback=callback)
    if scheme == "activity":
        return _queue(uri, plain.removeprefix("activity:"), "activity", callback=callback)
    if found := _ACTIVITY_ARN.fullmatch(plain):
        return _queue(uri, found[1], "activity", callback=callback)
    if found := _LAMBDA_ARN.fullmatch(plain):
        return _queue(uri, found[1], "lambda", callback=callback)
    if nested := _nested(uri, plain, callback=callback):
        return nested
    if (found := _INTEGRATION.fullmatch(plain)) and not is_nested(found[1]):
        return _service(uri, found[1], callback=callback)
    raise _unsupported(uri, plain)


def express_refusal(resource: Resource) -> str | None:
    """Why an Express state machine cannot have the Resource, in AWS's words; None where it can."""
    if resource.family == "activity":
        return "Express state machine does not support Activity ARN"
    is_sync = resource.kind != "signal" and ".sync" in resource.action
    # A nested execution that is waited for is both: its child reports by token. What is written is `.sync`.
    for pattern, holds in ((".sync", is_sync), (CALLBACK, resource.callback)):
        if holds:
            return f"Express state machine does not support '{pattern}' service integration"
    return None


def is_performed_by_workers(resource: Resource) -> bool:
    """Whether workers have to do what on AWS a service does. Lambda functions are left out: they are code already."""
    is_service = (resource.kind, resource.family) == ("queue", "service")
    return is_service and resource.service != "lambda"


def _nested(uri: str, plain: str, *, callback: bool) -> Resource | None:
    """A nested execution, or a token settled from within an execution; None for anything else.

    One that waits for its child counts as a callback: the answer to the start only submits.
    """
    found = _NESTED_ARN.fullmatch(plain)
    if found is not None:
        optimised = found[1] is not None
        waits = callback or bool(found[2])
        action = (
            f"startExecution{found[2] or ''}" if optimised else found[3]
        ) + CALLBACK * callback
        if callback and (found[2] or action.startswith(("sendTask", "startSync"))):
            return None
        return Resource(
            uri=uri,
            kind="states",
            name=action,
            family="service",
            service="states" if optimised else "aws-sdk:sfn",
            action=action,
            callback=waits,
        )
    if not plain.startswith("workflow:"):
        return None
    name = plain.removeprefix("workflow:")
    if callback:
        message = (
            "A workflow cannot wait for a task token: the end of its execution completes the task."
        )
        raise Refused("callback_unsupported", message, f"Write workflow:{name}.")
    _check_name(name, "workflow")
    return Resource(
        uri=uri,
        kind="states",
        name=name,
        family="service",
        service="workflow",
        action=name,
        callback=True,
    )


def _check_suffix(plain: str) -> None:
    """Refuse a suffix that differs from CALLBACK in case only, or that stands twice: no name ends like that."""
    if plain.casefold().endswith(CALLBACK.casefold()):
        written = plain[-len(CALLBACK) :]
        message = f"The suffix {written} " + (
            "stands here twice." if written == CALLBACK else f"is written {CALLBACK}."
        )
        raise Refused(
            "malformed_resource", message, f"Did you mean {plain[: -len(CALLBACK)]}{CALLBACK}?"
        )


def callback_doubt(uri: str) -> str:
    """A hint for a Resource that ends in what is nearly CALLBACK, such as .waitForToken; "" for all others."""
    head, _, tail = uri.rpartition(".")
    if uri.endswith(CALLBACK) or not head or len(tail) > 2 * len(CALLBACK):
        return ""
    is_near = nearest(tail, [CALLBACK[1:]]) is not None
    return f"Did you mean {head}{CALLBACK}?" if is_near else ""


def _queue(uri: str, name: str, family: str, *, callback: bool) -> Resource:
    _check_name(name, "queue")
    return Resource(
        uri=uri,
        kind="queue",
        name=name,
        family="lambda" if family == "lambda" else "activity",
        callback=callback,
    )


def _service(uri: str, call: str, *, callback: bool) -> Resource:
    """An integration: the engine's own HTTP call, or work of the queue that is named like the call."""
    made = integration(call, callback=callback)
    if isinstance(made, Unknown):
        code = "callback_unsupported" if made.callback else "unsupported_resource"
        raise Refused(code, _not_recognized(uri), _meant(uri) or made.hint)
    if len(made.queue) > _QUEUE_MAX:
        raise Refused("unsupported_resource", _not_recognized(uri), _SUPPORTED)
    is_http = made.service == "http"
    return Resource(
        uri=uri,
        kind="http" if is_http else "queue",
        name="" if is_http else made.queue,
        family="service",
        service=made.service,
        action=made.action + CALLBACK * callback,
        callback=callback,
    )


def _signal(uri: str, name: str, *, callback: bool) -> Resource:
    if callback:
        message = "A signal cannot wait for a task token: the signal itself completes the task."
        raise Refused("callback_unsupported", message, f"Write signal:{name}.")
    _check_name(name, "signal")
    return Resource(
        uri=uri, kind="signal", name=name, family="service", service="signal", action=name
    )


def _check_name(name: str, what: str) -> None:
    if _NAME.fullmatch(name) is None:
        message = f"The {what} name {shown(name)} is not allowed."
        hint = (
            "A name has 1 to 80 characters, no white space, none of "
            '<>{}[]?*"#%\\^|~`$&,;:/ and no @ at its start.'
        )
        raise Refused("malformed_resource", message, hint)


def _check_url(url: str) -> None:
    reason = url_fault(url)
    if reason:
        message = f"The URL cannot be called: {reason}."
        raise Refused(
            "malformed_resource", message, "Write https://host/path; data goes into Parameters."
        )


def url_fault(url: str) -> str:
    """Why no HTTP client could call the URL, or ""; where it may lead to is decided when it is called."""
    reason = ""
    try:
        parts = urlsplit(url)
        if not parts.hostname:
            reason = "it names no host"
        elif parts.username is not None or parts.password is not None:
            reason = "it holds a user name or password"
        elif parts.port == 0:
            reason = "its port is 0"
    except ValueError as error:
        reason = str(error)
    if len(url) > _URL_MAX:
        reason = f"it is longer than {_URL_MAX} characters"
    if re.search(r"[\s\x00-\x20\x7f-\x9f\\<>\"{}|^`]", url):
        reason = "it holds characters that a URL does not"
    return reason


def _not_recognized(uri: str) -> str:
    """As AWS says it."""
    return (
        f"The resource provided {shown(uri, _URL_MAX)[1:-1]} is not recognized. "
        "The value is not a valid resource ARN, or the resource is not available in this region."
    )


def _plainly(uri: str) -> str:
    """A URI for a hint, on one line and cut short."""
    return shown(uri, 120)[1:-1]


def _unsupported(uri: str, plain: str) -> Refused:
    message = f"Nothing here performs {shown(uri, 120)}."
    if uri.startswith("arn:"):
        message = _not_recognized(uri)
    found = _ARN.fullmatch(plain)
    hint = _SUPPORTED
    meant = _meant(uri)
    if meant:
        hint = meant
    elif found is None and ":" not in plain:
        hint = "If workers do it, write activity:NAME. " + _SUPPORTED
    elif found is not None and found[1] == "states":
        hint = _integration_hint(found[2])
    return Refused("unsupported_resource", message, hint)


def _meant(uri: str) -> str:
    """The question whether the URI with its misspelt scheme or suffix put right is meant; "" where nothing comes to mind."""
    meant = _put_right(uri)
    return f"Did you mean {_plainly(meant)}?" if meant else ""


def _put_right(uri: str) -> str:
    scheme, colon, rest = uri.partition(":")
    if not colon or len(scheme) > 20:
        return ""
    near = nearest(scheme, _SCHEMES)
    if near == "arn":
        head, _, tail = uri.rpartition(".")
        found = _INTEGRATION.fullmatch(head) if nearest(tail, [CALLBACK[1:]]) else None
        known = found and isinstance(integration(found[1], callback=True), Call)
        if near != scheme:
            return f"arn:{rest}"
        return head + CALLBACK if known else ""
    if near in {"http", "https"}:
        return f"{near}://{rest.lstrip('/')}" if rest.strip("/") else ""
    return f"{near}:{rest}" if near else ""


_SCHEMES = ("activity", "signal", "workflow", "https", "http", "arn")


def _integration_hint(action: str) -> str:
    service = action.partition(":")[0]
    if service == "states" or action.startswith("aws-sdk:sfn:"):
        return (
            "Of Step Functions itself: states:startExecution (.sync, .sync:2, .waitForTaskToken), and "
            "aws-sdk:sfn: startExecution, startSyncExecution, sendTaskSuccess, sendTaskFailure and sendTaskHeartbeat."
        )
    return _SUPPORTED


_SUPPORTED = (
    "A Resource is activity:NAME, https://..., signal:NAME, workflow:NAME, a Lambda function's ARN, an activity's ARN, "
    "or arn:aws:states:::SERVICE:ACTION."
)
