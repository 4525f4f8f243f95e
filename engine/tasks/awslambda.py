"""Lambda functions, invoked at a configured endpoint by Lambda's own API.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html. The requests are not signed: the endpoint is one of the
operator's (a local runtime, a gateway that signs). Errors are named and worded as Step Functions was measured to.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import aiohttp
from aiohttp import hdrs
from yarl import URL

from engine.core.failures import result_too_large
from engine.core.states.addressing import event_of
from engine.documents import Document
from engine.settings import Settings
from engine.tasks.addresses import Policy
from engine.tasks.calls import Answer, Calls, broken
from engine.tasks.encoding import plain
from engine.tasks.runner import Failed, PerformedTask, RunResult, Succeeded

# The longest that a function may run, and a little for the way.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
INVOCATION_SECONDS_MAX = 910.0
CAUSE_CHARACTERS_MAX = 32_768  # as AWS Step Functions
_REFUSAL_BYTES_MAX = 16 * 1024

# The errors that the Invoke API defines; Step Functions calls all others Lambda.AWSLambdaException.
_DEFINED = frozenset(
    """CodeArtifactUserFailedException CodeArtifactUserPendingException EC2AccessDeniedException
    EC2ThrottledException EC2UnexpectedException EFSIOException EFSMountConnectivityException EFSMountFailureException
    EFSMountTimeoutException ENILimitReachedException InvalidParameterValueException InvalidRequestContentException
    InvalidRuntimeException InvalidSecurityGroupIDException InvalidSubnetIDException InvalidZipFileException
    KMSAccessDeniedException KMSDisabledException KMSInvalidStateException KMSNotFoundException
    RecursiveInvocationException RequestTooLargeException ResourceConflictException ResourceNotFoundException
    ResourceNotReadyException ServiceException SnapStartException SnapStartNotReadyException SnapStartTimeoutException
    SubnetIPAddressLimitReachedException TooManyRequestsException UnsupportedMediaTypeException""".split()  # noqa: SIM905 - a table
)
# Of an answer that does not name its error.
_BY_STATUS = {
    404: "ResourceNotFoundException",
    413: "RequestTooLargeException",
    415: "UnsupportedMediaTypeException",
    429: "TooManyRequestsException",
}


class Invocation(NamedTuple):
    """One request to the Invoke API. `service` tells `lambda:invoke` from a Resource that is the function's ARN."""

    url: URL
    headers: dict[str, str]
    event: bytes
    service: bool
    spoken: str  # what AWS calls the task in its text about size


class LambdaRunner:
    """Performs Lambda tasks over one pool of connections. Use it in one event loop, and close it there."""

    def __init__(self, settings: Settings) -> None:
        assert settings.lambda_endpoint is not None
        self._endpoint = settings.lambda_endpoint.rstrip("/")
        # The endpoint is the operator's own choice, so it may be a private address whatever DETENT_HTTP_PRIVATE says.
        self._calls = Calls(
            Policy("allow"),
            answer_bytes_max=settings.http_response_bytes_max,
            calls_max=settings.http_calls_max,
        )

    async def perform(
        self, task: PerformedTask, *, callback: bool = False, timeout_seconds: float | None = None
    ) -> RunResult:
        """Invoke the function. Never raises for what it or the network does; cancelling it abandons the call.

        A callback's function finds its token in what the state put into its payload. The task's own TimeoutSeconds is
        the timer's to tell; `timeout_seconds` only keeps the call from outliving it for long.
        """
        del callback
        limit = INVOCATION_SECONDS_MAX
        seconds = limit if timeout_seconds is None else min(limit, timeout_seconds)
        made = invocation(self._endpoint, task.uri, task.input)
        try:
            async with asyncio.timeout(seconds):
                answer = await self._calls.exchange(
                    "POST",
                    made.url,
                    headers=made.headers,
                    data=made.event,
                    refusal_bytes_max=_REFUSAL_BYTES_MAX,
                )
        except TimeoutError:
            cause = f"The function did not answer within {seconds:g} seconds."
            return Failed("Lambda.ClientExecutionTimeoutException", cause, transport=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return broken(error, name="Lambda.SdkClientException", execution=task.execution)
        return result_of(made, answer)

    async def close(self) -> None:
        """Close every connection. A call in progress fails."""
        await self._calls.close()


def invocation(endpoint: str, uri: str, given: Document) -> Invocation:
    """The request that a task makes. `given` is the event where `uri` is a function, else the parameters of `lambda:invoke`."""
    headers: dict[str, str] = {
        hdrs.CONTENT_TYPE: "application/json",
        hdrs.ACCEPT: "application/json",
    }
    service = uri.endswith(":lambda:invoke")
    if not service:
        headers["X-Amz-Invocation-Type"] = "RequestResponse"
        return Invocation(_url(endpoint, uri, None), headers, given.text, service, uri)
    parameters: dict[str, Any] = given.value
    headers["X-Amz-Invocation-Type"] = plain(parameters.get("InvocationType") or "RequestResponse")
    if parameters.get("LogType") is not None:
        headers["X-Amz-Log-Type"] = plain(parameters["LogType"])
    if parameters.get("ClientContext") is not None:
        headers["X-Amz-Client-Context"] = _client_context(parameters["ClientContext"])
    url = _url(endpoint, parameters["FunctionName"], parameters.get("Qualifier"))
    event = event_of(parameters.get("Payload")).text
    return Invocation(url, headers, event, service, "lambda")


def result_of(made: Invocation, answer: Answer) -> RunResult:
    """The payload; of `lambda:invoke`, the whole answer as Step Functions shows it."""
    if not answer.is_good:
        return _refused(answer)
    if not answer.whole:
        too_large = result_too_large(made.spoken)
        return Failed(str(too_large.error), str(too_large.cause), transport=True)
    payload = answer.json()
    if "X-Amz-Function-Error" in answer.headers:
        return _function_error(made, answer, payload)
    value = _text(answer) if payload is None else payload.value
    return Succeeded(Document.of(_shown(answer, value) if made.service else value))


def _shown(answer: Answer, payload: Any) -> dict[str, Any]:
    """The fields that the answer has, in the order in which Step Functions writes them."""
    headers = answer.headers
    request_id = headers.get("x-amzn-RequestId")
    shown = {
        "ExecutedVersion": headers.get("X-Amz-Executed-Version"),
        "LogResult": headers.get("X-Amz-Log-Result"),
        "Payload": payload,
        "SdkHttpMetadata": {
            "AllHttpHeaders": {str(name): headers.getall(name) for name in headers},
            "HttpHeaders": {str(name): value for name, value in headers.items()},
            "HttpStatusCode": answer.status,
        },
        "SdkResponseMetadata": {} if request_id is None else {"RequestId": request_id},
        "StatusCode": answer.status,
    }
    absent = {name for name in ("ExecutedVersion", "LogResult") if shown[name] is None}
    return {name: value for name, value in shown.items() if name not in absent}


def _function_error(made: Invocation, answer: Answer, payload: Document | None) -> Failed:
    """The function's own error. Its cause keeps the function's spacing for an ARN and is compact for `lambda:invoke` (measured)."""
    text = _text(answer)
    kind = payload.value.get("errorType") if payload and isinstance(payload.value, dict) else None
    if not isinstance(kind, str) or not kind:
        cause = (
            "The cause could not be determined because Lambda did not return an error type. "
            f"Returned payload: {text}"
        )
        return Failed("Lambda.Unknown", cause[:CAUSE_CHARACTERS_MAX], transport=False)
    if made.service and payload is not None:
        text = Document.of(payload.value).text.decode()
    return Failed(kind, text[:CAUSE_CHARACTERS_MAX], transport=False)


def _refused(answer: Answer) -> Failed:
    """An error of the service, in the words of the AWS SDK for Java, which are what Step Functions passes on (measured)."""
    document = answer.json()
    said: Mapping[str, Any] = (
        document.value if document is not None and isinstance(document.value, dict) else {}
    )
    named = answer.headers.get("x-amzn-ErrorType") or said.get("__type") or said.get("code")
    fallback = "ServiceException" if answer.status >= 500 else "AWSLambdaException"
    code = _BY_STATUS.get(answer.status, fallback)
    if isinstance(named, str) and named:
        code = named.partition(":")[0].rpartition("#")[2]
    message = said.get("Message") or said.get("message") or _text(answer) or answer.reason
    request_id = answer.headers.get("x-amzn-RequestId", "null")
    cause = (
        f"{plain(message)} (Service: AWSLambda; Status Code: {answer.status}; Error Code: {code}; "
        f"Request ID: {request_id}; Proxy: null)"
    )
    error = f"Lambda.{code if code in _DEFINED else 'AWSLambdaException'}"
    return Failed(error, cause[:CAUSE_CHARACTERS_MAX], transport=answer.status >= 500)


def _text(answer: Answer) -> str:
    return answer.body.decode("utf-8", "replace")


def _client_context(given: Any) -> str:
    """Base64 of JSON: an object is encoded here, text is taken to be encoded already."""
    if isinstance(given, str):
        return given
    return base64.b64encode(Document.of(given).text).decode()


def _url(endpoint: str, function: str, qualifier: Any) -> URL:
    query = "" if qualifier is None else f"?Qualifier={quote(plain(qualifier), safe='')}"
    path = f"/2015-03-31/functions/{quote(function, safe='')}/invocations"
    return URL(endpoint + path + query, encoded=True)
