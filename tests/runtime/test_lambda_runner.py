"""Lambda functions at an endpoint that speaks the Invoke API, against a server on loopback."""

import asyncio
import base64
import json
import socket

import pytest
from aiohttp import web
from desk import ME, Desk, until
from listener import Task, listening

from engine.documents import Document
from engine.settings import InvalidSettings, Settings
from engine.tasks import awslambda
from engine.tasks.awslambda import LambdaRunner
from engine.tasks.runner import Succeeded
from engine.views import Outcome

ARN = "arn:aws:lambda:us-east-1:123456789012:function:pay"
INVOKE = "arn:aws:states:::lambda:invoke"
REQUEST_ID = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
async def endpoint():
    async with listening() as made:
        yield made


@pytest.fixture
async def runner(endpoint):
    made = LambdaRunner(
        Settings(
            lambda_endpoint=endpoint.url + "/", http_response_bytes_max=4096, http_private="deny"
        )
    )
    yield made
    await made.close()


def payload(text, status=200, **headers):
    """An answer of the Invoke API."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    body = text if isinstance(text, bytes) else text.encode()
    return lambda _: web.Response(
        body=body,
        status=status,
        content_type="application/json",
        headers={"x-amzn-RequestId": REQUEST_ID, **given},
    )


def invoke(**parameters):
    return Task(INVOKE, Document.of({"FunctionName": "pay"} | parameters))


async def test_a_functions_arn_is_invoked_with_the_event_byte_for_byte(endpoint, runner):
    endpoint.answer = payload('{"paid": true}', X_Amz_Executed_Version="$LATEST")
    event = Document.from_text(b'{"big": 9007199254740993, "none": [ ]}')
    assert await runner.perform(Task(ARN, event)) == Succeeded(Document.of({"paid": True}))
    sent = endpoint.calls[0]
    assert sent.method == "POST"
    assert sent.path == (
        "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Apay/invocations"
    )
    assert sent.body == event.text
    assert sent.headers["X-Amz-Invocation-Type"] == "RequestResponse"
    assert "X-Amz-Log-Type" not in sent.headers


async def test_everything_that_lambda_invoke_asks_for_is_sent(endpoint, runner):
    task = invoke(
        Payload={"n": 1},
        Qualifier="PROD",
        InvocationType="RequestResponse",
        LogType="Tail",
        ClientContext={"app": "x"},
    )
    await runner.perform(task)
    sent = endpoint.calls[0]
    assert sent.path == "/2015-03-31/functions/pay/invocations?Qualifier=PROD"
    assert json.loads(sent.body) == {"n": 1}
    assert sent.headers["X-Amz-Log-Type"] == "Tail"
    assert json.loads(base64.b64decode(sent.headers["X-Amz-Client-Context"])) == {"app": "x"}


@pytest.mark.parametrize(
    ("given", "event"),
    [({}, {}), ({"Payload": None}, {}), ({"Payload": "0"}, 0), ({"Payload": "hi"}, "hi")],
)
async def test_the_payload_becomes_the_event_as_measured(endpoint, runner, given, event):
    await runner.perform(invoke(**given))
    assert json.loads(endpoint.calls[0].body) == event


async def test_the_whole_answer_of_lambda_invoke_is_shown(endpoint, runner):
    endpoint.answer = payload(
        '{"paid":true}', X_Amz_Executed_Version="7", X_Amz_Log_Result="U1RBUlQK"
    )
    shown = (await runner.perform(invoke(LogType="Tail"))).output.value
    metadata = shown.pop("SdkHttpMetadata")
    assert shown == {
        "ExecutedVersion": "7",
        "LogResult": "U1RBUlQK",
        "Payload": {"paid": True},
        "SdkResponseMetadata": {"RequestId": REQUEST_ID},
        "StatusCode": 200,
    }
    assert metadata["HttpStatusCode"] == 200
    assert metadata["AllHttpHeaders"]["X-Amz-Executed-Version"] == ["7"]
    assert metadata["HttpHeaders"]["X-Amz-Executed-Version"] == "7"


async def test_an_event_invocation_has_an_empty_payload(endpoint, runner):
    endpoint.answer = payload("", status=202)
    shown = (await runner.perform(invoke(InvocationType="Event"))).output.value
    assert endpoint.calls[0].headers["X-Amz-Invocation-Type"] == "Event"
    assert (shown["StatusCode"], shown["Payload"]) == (202, "")
    assert "ExecutedVersion" not in shown


@pytest.mark.parametrize("body", [b"HelloWorld!", b"{'single': 1}", b"NaN"])
async def test_a_payload_that_is_no_json_is_its_text(endpoint, runner, body):
    endpoint.answer = payload(body)
    assert (await runner.perform(Task(ARN, Document.of({})))).output.value == body.decode()
    assert (await runner.perform(invoke())).output.value["Payload"] == body.decode()


ERROR = '{"errorMessage": "no", "errorType": "CardDeclined", "stackTrace": []}'


@pytest.mark.parametrize(
    ("task", "cause"),
    [
        (Task(ARN, Document.of({})), ERROR),
        (invoke(), '{"errorMessage":"no","errorType":"CardDeclined","stackTrace":[]}'),
    ],
    ids=["ARN", "lambda:invoke"],
)
async def test_a_functions_error_keeps_its_name(endpoint, runner, task, cause):
    endpoint.answer = payload(ERROR, X_Amz_Function_Error="Unhandled")
    failed = await runner.perform(task)
    assert (failed.error, failed.cause, failed.transport) == ("CardDeclined", cause, False)


@pytest.mark.parametrize("body", ['{"errorMessage": "Task timed out"}', "null", "oops"])
async def test_a_functions_error_without_a_name_is_unknown(endpoint, runner, body):
    endpoint.answer = payload(body, X_Amz_Function_Error="Unhandled")
    failed = await runner.perform(Task(ARN, Document.of({})))
    assert failed.error == "Lambda.Unknown"
    assert failed.cause.endswith(f"Returned payload: {body}")


async def test_a_missing_function_is_told_in_the_words_of_aws(endpoint, runner):
    body = json.dumps({"Type": "User", "Message": f"Function not found: {ARN}:$LATEST"})
    endpoint.answer = payload(body, 404, x_amzn_ErrorType="ResourceNotFoundException:http://x/")
    for task in (Task(ARN, Document.of({})), invoke()):
        failed = await runner.perform(task)
        assert failed.error == "Lambda.ResourceNotFoundException"
        assert failed.cause == (
            f"Function not found: {ARN}:$LATEST (Service: AWSLambda; Status Code: 404; "
            f"Error Code: ResourceNotFoundException; Request ID: {REQUEST_ID}; Proxy: null)"
        )
        assert not failed.transport


@pytest.mark.parametrize(
    ("status", "named", "error", "transport"),
    [
        (429, None, "Lambda.TooManyRequestsException", False),
        (429, "TooManyRequestsException", "Lambda.TooManyRequestsException", False),
        (500, None, "Lambda.ServiceException", True),
        (502, "EC2ThrottledException", "Lambda.EC2ThrottledException", True),
        (503, None, "Lambda.ServiceException", True),
        (403, "AccessDeniedException", "Lambda.AWSLambdaException", False),
        (400, "InvalidRequestContentException", "Lambda.InvalidRequestContentException", False),
        (302, None, "Lambda.AWSLambdaException", False),
    ],
)
async def test_the_services_errors_have_their_names(
    endpoint, runner, status, named, error, transport
):
    headers = {"x_amzn_ErrorType": named} if named else {}
    endpoint.answer = payload('{"Message": "no"}', status, **headers)
    failed = await runner.perform(invoke())
    assert (failed.error, failed.transport) == (error, transport)
    assert failed.cause.startswith(f"no (Service: AWSLambda; Status Code: {status};")


@pytest.mark.parametrize(
    ("task", "spoken"),
    [(Task(ARN, Document.of({})), ARN), (invoke(), "lambda")],
    ids=["ARN", "invoke"],
)
async def test_a_result_over_the_limit_is_told_in_the_words_of_aws(endpoint, runner, task, spoken):
    endpoint.answer = payload('"' + "x" * 5000 + '"')
    failed = await runner.perform(task)
    assert failed.error == "States.DataLimitExceeded"
    assert failed.cause == (
        f"The state/task '{spoken}' returned a result with a size exceeding the maximum number of bytes "
        "service limit."
    )


async def test_nobody_listening_is_the_clients_error_under_the_same_key():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    lonely = LambdaRunner(Settings(lambda_endpoint=f"http://127.0.0.1:{port}"))
    failed = await lonely.perform(invoke())
    await lonely.close()
    assert (failed.error, failed.transport) == ("Lambda.SdkClientException", True)


async def test_silence_ends(endpoint, runner, monkeypatch):
    monkeypatch.setattr(awslambda, "INVOCATION_SECONDS_MAX", 0.1)

    async def silence(_):
        await asyncio.sleep(60)

    endpoint.answer = silence
    failed = await runner.perform(invoke())
    assert (failed.error, failed.transport) == ("Lambda.ClientExecutionTimeoutException", True)


@pytest.fixture
async def desk(engines, endpoint):
    return Desk(await engines(lambda_endpoint=endpoint.url, lease_ms=30_000))


async def test_a_running_engine_invokes_functions_itself(desk, endpoint):
    endpoint.answer = payload('{"n": 2}')
    await desk.publish(
        {
            "A": {"Type": "Task", "Resource": ARN, "Next": "B"},
            "B": {
                "Type": "Task",
                "Resource": INVOKE,
                "Parameters": {"FunctionName": "pay", "Payload.$": "$"},
                "OutputPath": "$.Payload",
                "End": True,
            },
        }
    )
    view = await desk.end(await desk.start("n", {"n": 1}))
    assert (view.status, view.output.value) == ("SUCCEEDED", {"n": 2})
    assert [json.loads(sent.body) for sent in endpoint.calls] == [{"n": 1}, {"n": 2}]
    kinds = await desk.kinds("d:n")
    assert [
        kind
        for kind in kinds
        if "Lambda" in kind or (kind.startswith("TaskS") and "State" not in kind)
    ] == [
        *("LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded"),
        *("TaskScheduled", "TaskStarted", "TaskSucceeded"),
    ]


async def test_a_functions_error_is_caught_by_its_name_and_timeouts_are_the_timers(desk, endpoint):
    async def slow(_):
        await asyncio.sleep(60)

    declined = payload(ERROR, X_Amz_Function_Error="Unhandled")

    def answer(request):
        return declined(request) if len(endpoint.calls) == 1 else slow(request)

    endpoint.answer = answer
    await desk.publish(
        {
            "A": {
                "Type": "Task",
                "Resource": ARN,
                "Catch": [{"ErrorEquals": ["CardDeclined"], "Next": "B"}],
                "End": True,
            },
            "B": {"Type": "Task", "Resource": ARN, "TimeoutSeconds": 1, "End": True},
        }
    )
    view = await desk.end(await desk.start("n"))
    assert (view.status, view.error) == ("FAILED", "States.Timeout")


async def test_a_callbacks_function_answers_and_its_token_completes(desk, endpoint):
    await desk.publish(
        {
            "A": {
                "Type": "Task",
                "Resource": INVOKE + ".waitForTaskToken",
                "Parameters": {"FunctionName": "pay", "Payload": {"token.$": "$$.Task.Token"}},
                "End": True,
            }
        }
    )
    execution = await desk.start("n")
    await until(lambda: endpoint.calls)
    async with asyncio.timeout(60):
        while (await desk.describe(execution)).tasks[0].status != "waiting":
            await asyncio.sleep(0.01)
    token = json.loads(endpoint.calls[0].body)["token"]
    await desk.engine.commands.settle(ME, Outcome(token, output=Document.of("done")))
    view = await desk.end(execution)
    assert view.output.value == "done"
    assert "TaskSubmitted" in await desk.kinds(execution)


@pytest.mark.parametrize(
    "url", ["localhost:9001", "ftp://a", "http://", "http://u:p@a", "http://a?b=c", "http://a/#b"]
)
def test_an_endpoint_that_is_no_plain_url_is_refused(url):
    with pytest.raises(InvalidSettings, match="DETENT_LAMBDA_ENDPOINT"):
        Settings.from_env({"DETENT_LAMBDA_ENDPOINT": url})
