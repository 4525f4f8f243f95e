"""What a Resource URI means, and which are refused."""

from __future__ import annotations

import pytest

from engine.language.resources import Refused, parse_resource

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
        "arn:aws:states:::aws-sdk:sfn:sendTaskHeartbeat",
        ("states", "sendTaskHeartbeat", "service", "aws-sdk:sfn", "sendTaskHeartbeat", False),
    ),
    ("workflow:ship", ("states", "ship", "service", "workflow", "ship", True)),
    ("signal:approved", ("signal", "approved", "service", "signal", "approved", False)),
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
    ("arn:aws:states:::aws-sdk:sfn:createActivity", "unsupported_resource"),
    ("py:mod.fn", "unsupported_resource"),
    ("file:///etc/passwd", "unsupported_resource"),
    ("ftp://example.com", "unsupported_resource"),
    ("ACTIVITY:pay", "unsupported_resource"),
    ("arn:aws:states:::sns:publish", "unsupported_resource"),
    ("arn:aws:states:::aws-sdk:s3:getObject", "unsupported_resource"),
    ("arn:aws:states:::states:startExecution.sync:3", "unsupported_resource"),
    ("arn:aws:states:::http:invoke", "unsupported_resource"),
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
