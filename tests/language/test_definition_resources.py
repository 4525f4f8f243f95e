"""What a Resource URI means, and which are refused."""

from __future__ import annotations

import pytest

from engine.language.resources import Refused, express_refusal, parse_resource
from engine.language.resources.services import SERVICES
from engine.names import check_queue

ACCEPTED = [
    ("activity:pay", ("queue", "pay", "activity", "", "", False)),
    ("activity:pay.v2.waitForTaskToken", ("queue", "pay.v2", "activity", "", "", True)),
    ("arn:aws:states:::activity:pay", ("queue", "pay", "activity", "", "", False)),
    (
        "arn:aws:states:eu-west-1:123456789012:activity:pay",
        ("queue", "pay", "activity", "", "", False),
    ),
    ("arn:aws-cn:states:cn-north-1:1:activity:pay", ("queue", "pay", "activity", "", "", False)),
    (
        "arn:aws:lambda:us-east-1:123456789012:function:pay",
        ("queue", "pay", "lambda", "", "", False),
    ),
    (
        "arn:aws:lambda:us-east-1:123456789012:function:pay:$LATEST",
        ("queue", "pay", "lambda", "", "", False),
    ),
    (
        "arn:aws:lambda:us-east-1:123456789012:function:pay:live",
        ("queue", "pay", "lambda", "", "", False),
    ),
    (
        "arn:aws:states:::lambda:invoke",
        ("queue", "lambda:invoke", "service", "lambda", "invoke", False),
    ),
    (
        "arn:aws:states:::lambda:invoke.waitForTaskToken",
        ("queue", "lambda:invoke", "service", "lambda", "invoke.waitForTaskToken", True),
    ),
    (
        "https://example.com/pay?x=1",
        ("http", "https://example.com/pay?x=1", "service", "http", "call", False),
    ),
    ("http://[::1]:8080/", ("http", "http://[::1]:8080/", "service", "http", "call", False)),
    (
        "https://example.com/hook.waitForTaskToken",
        ("http", "https://example.com/hook", "service", "http", "call.waitForTaskToken", True),
    ),
    (
        "arn:aws:states:::states:startExecution",
        ("states", "startExecution", "service", "states", "startExecution", False),
    ),
    (
        "arn:aws:states:::states:startExecution.sync:2",
        ("states", "startExecution.sync:2", "service", "states", "startExecution.sync:2", True),
    ),
    (
        "arn:aws:states:::states:startExecution.waitForTaskToken",
        (
            *("states", "startExecution.waitForTaskToken", "service"),
            *("states", "startExecution.waitForTaskToken", True),
        ),
    ),
    (
        "arn:aws:states:::aws-sdk:sfn:startExecution",
        ("states", "startExecution", "service", "aws-sdk:sfn", "startExecution", False),
    ),
    (
        "arn:aws:states:::aws-sdk:sfn:startSyncExecution",
        ("states", "startSyncExecution", "service", "aws-sdk:sfn", "startSyncExecution", False),
    ),
    (
        "arn:aws:states:::aws-sdk:sfn:sendTaskHeartbeat",
        ("states", "sendTaskHeartbeat", "service", "aws-sdk:sfn", "sendTaskHeartbeat", False),
    ),
    ("workflow:ship", ("states", "ship", "service", "workflow", "ship", True)),
    ("signal:approved", ("signal", "approved", "service", "signal", "approved", False)),
    ("arn:aws:states:::http:invoke", ("http", "", "service", "http", "invoke", False)),
    (
        "arn:aws:states:::sns:publish.waitForTaskToken",
        ("queue", "sns:publish", "service", "sns", "publish.waitForTaskToken", True),
    ),
    (
        "arn:aws-us-gov:states:us-gov-west-1:123456789012:athena:startQueryExecution.sync",
        (
            "queue",
            "athena:startQueryExecution.sync",
            "service",
            "athena",
            "startQueryExecution.sync",
            False,
        ),
    ),
    (
        "arn:aws:states:::aws-sdk:s3:getObject",
        ("queue", "s3:getObject", "service", "aws-sdk:s3", "getObject", False),
    ),
    (
        "arn:aws:states:::aws-sdk:dynamodb:putItem.waitForTaskToken",
        (
            "queue",
            "dynamodb:putItem",
            "service",
            "aws-sdk:dynamodb",
            "putItem.waitForTaskToken",
            True,
        ),
    ),
    (
        "arn:aws:states:::aws-sdk:lambda:invoke",
        ("queue", "lambda:invoke", "service", "aws-sdk:lambda", "invoke", False),
    ),
]

REFUSED = [
    ("", "unsupported_resource"),
    ("pay", "unsupported_resource"),
    ("${PayFunctionArn}", "unsupported_resource"),
    ("workflow:", "malformed_resource"),
    ("workflow:a/b", "malformed_resource"),
    ("workflow:other.waitForTaskToken", "callback_unsupported"),
    ("arn:aws:states:::states:startExecution.sync.waitForTaskToken", "unsupported_resource"),
    ("arn:aws:states:::aws-sdk:sfn:startExecution.sync", "unsupported_resource"),
    ("arn:aws:states:::aws-sdk:sfn:sendTaskSuccess.waitForTaskToken", "unsupported_resource"),
    ("py:mod.fn", "unsupported_resource"),
    ("file:///etc/passwd", "unsupported_resource"),
    ("ftp://example.com", "unsupported_resource"),
    ("ACTIVITY:pay", "unsupported_resource"),
    ("arn:aws:states:::sns:send", "unsupported_resource"),
    ("arn:aws:states:::sns", "unsupported_resource"),
    ("arn:aws:states:::nonsense:publish", "unsupported_resource"),
    ("arn:aws:states:::sns:publish.sync", "unsupported_resource"),
    ("arn:aws:states:::batch:submitJob.sync:2", "unsupported_resource"),
    ("arn:aws:states:::s3:getObject", "unsupported_resource"),
    ("arn:aws:states:::aws-sdk:s3", "unsupported_resource"),
    ("arn:aws:states:::aws-sdk:S3:getObject", "unsupported_resource"),
    ("arn:aws:states:::aws-sdk:s3:GetObject", "unsupported_resource"),
    ("arn:aws:states:::aws-sdk:s3:getObject.sync", "unsupported_resource"),
    ("arn:aws:states:::aws-sdk:s3:" + "x" * 80, "unsupported_resource"),
    ("arn:${AWS::Partition}:states:::sns:publish", "unsupported_resource"),
    ("arn:aws:states:::states:startExecution.sync:3", "unsupported_resource"),
    ("arn:aws:states:::http:invoke.sync", "unsupported_resource"),
    ("arn:aws:states:::lambda:invoke.sync", "unsupported_resource"),
    ("arn:aws:lambda:us-east-1:123456789012:function:a:b:c", "unsupported_resource"),
    ("activity:", "malformed_resource"),
    ("activity:@http", "malformed_resource"),
    ("activity:a b", "malformed_resource"),
    ("activity:a:b", "malformed_resource"),
    ("activity:a{b}", "malformed_resource"),
    ("activity:" + "x" * 81, "malformed_resource"),
    ("arn:aws:states:::activity:", "malformed_resource"),
    ("arn:aws:states:::activity:a\n", "malformed_resource"),
    ("arn:aws:lambda:us-east-1:123456789012:function:", "malformed_resource"),
    ("signal:", "malformed_resource"),
    ("signal:a/b", "malformed_resource"),
    ("https://", "malformed_resource"),
    ("https:///path", "malformed_resource"),
    ("https://user:pass@example.com/", "malformed_resource"),
    ("https://example.com:99999/", "malformed_resource"),
    ("https://[::1/", "malformed_resource"),
    ("https://example.com/a b", "malformed_resource"),
    ("https://example.com/\r\nX: y", "malformed_resource"),
    ("https://example.com/" + "x" * 2048, "malformed_resource"),
    ("signal:approved.waitForTaskToken", "callback_unsupported"),
    ("arn:aws:states:::http:invoke.waitForTaskToken", "callback_unsupported"),
    ("arn:aws:states:::dynamodb:putItem.waitForTaskToken", "callback_unsupported"),
]


@pytest.mark.parametrize(("uri", "expected"), ACCEPTED)
def test_a_resource_names_who_performs_it(uri, expected):
    made = parse_resource(uri)
    assert made.uri == uri
    assert (made.kind, made.name, made.family, made.service, made.action, made.callback) == expected


@pytest.mark.parametrize(("uri", "code"), REFUSED)
def test_all_others_are_refused_with_a_hint(uri, code):
    with pytest.raises(Refused) as caught:
        parse_resource(uri)
    assert caught.value.code == code
    assert caught.value.hint
    assert "\n" not in str(caught.value).replace("\\n", "")


def test_what_looks_like_an_arn_is_refused_in_the_words_of_aws():
    arn = "arn:aws:states:::sns:send"
    with pytest.raises(Refused) as caught:
        parse_resource(arn)
    assert str(caught.value) == (
        f"The resource provided {arn} is not recognized. The value is not a valid resource ARN, "
        "or the resource is not available in this region."
    )


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        ("dynamo:putItem", "Did you mean dynamodb:putItem?"),
        ("dynamodb:putItme", "Did you mean dynamodb:putItem?"),
        ("batch:submitJbo.sync", "Did you mean batch:submitJob.sync?"),
        ("dynamodb:scan", "aws-sdk:dynamodb:ACTION"),
        ("cognito:createUser", "aws-sdk:SERVICE:ACTION"),
        ("sqs:sendMessage.sync", "has no pattern .sync"),
        ("aws-sdk:glue:startCrawler.sync", "have no pattern .sync"),
        ("http:invoke.waitForTaskToken", "activity:NAME.waitForTaskToken"),
    ],
)
def test_the_hint_says_which_integration_there_is(call, hint):
    with pytest.raises(Refused) as caught:
        parse_resource("arn:aws:states:::" + call)
    assert hint in caught.value.hint


@pytest.mark.parametrize("service", SERVICES)
def test_workers_can_lease_from_the_queue_of_every_integration(service):
    for action in SERVICES[service]:
        made = parse_resource(f"arn:aws:states:::{service}:{action}")
        assert made.kind == "http" or check_queue(made.name) == f"{service}:{action}"


@pytest.mark.parametrize(
    ("uri", "refused"),
    [
        ("activity:pay", "Activity ARN"),
        ("arn:aws:states:::activity:pay", "Activity ARN"),
        ("arn:aws:states:::batch:submitJob.sync", "'.sync' service integration"),
        ("arn:aws:states:::states:startExecution.sync", "'.sync' service integration"),
        (
            "arn:aws:states:::states:startExecution.waitForTaskToken",
            "'.waitForTaskToken' service integration",
        ),
        (
            "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "'.waitForTaskToken' service integration",
        ),
        ("arn:aws:states:::lambda:invoke", None),
        ("arn:aws:states:::aws-sdk:s3:getObject", None),
        ("arn:aws:states:::http:invoke", None),
        ("arn:aws:lambda:us-east-1:123456789012:function:pay", None),
        ("https://example.com/pay", None),
        ("signal:x.sync", None),
    ],
)
def test_an_express_machine_takes_what_answers_at_once(uri, refused):
    expected = refused and f"Express state machine does not support {refused}"
    assert express_refusal(parse_resource(uri)) == expected
