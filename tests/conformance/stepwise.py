"""Plays cases of API calls (api_cases/*.yaml) with boto3 against a server.

A case has `name`, `spec` (the rule's source) and `steps`. A step has `call` (an operation of the service model), `args`, `as`
(what later steps call the answer), and of these what it promises:

  expect        members that the answer has. A list has exactly these entries; `<any>` is any value, `<absent>` is a member that is
                not there, `<ends X>` a text that ends in X; an object that meets a text is compared with the JSON in it
  expect_error  `code`, and `message` where it is told; or members of the error
  until         as `expect`: the call is repeated until the answer is like that

In texts `${uid}` is a mark of this run, `${made.activityArn}` a member of an answer that a step called `made`. What the model
wants as text and the case gives as an object is sent as JSON text.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.conformance.test_cases import Plain

UNTIL_SECONDS = 30.0
ANY, ABSENT = "<any>", "<absent>"
_NAME = re.compile(r"\$\{([^}]+)\}")


def cases() -> list[tuple[str, dict[str, Any]]]:
    """Every case, with what it is called."""
    return [
        (f"{path.stem}: {case['name']}", case)
        for path in sorted((Path(__file__).parent / "api_cases").glob("*.yaml"))
        for case in yaml.load_all(path.read_text(), Plain)
    ]


def client(url: str, **more: Any) -> Any:
    """A client of the server that sends what it is given, once."""
    config = Config(
        parameter_validation=False,
        inject_host_prefix=False,
        retries={"total_max_attempts": 1},
        read_timeout=90,
    )
    arguments = {
        "endpoint_url": url,
        "region_name": "us-east-1",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "config": config,
    }
    return boto3.session.Session().client("stepfunctions", **(arguments | more))


def play(case: dict[str, Any], sfn: Any) -> None:
    """Play the steps in order; raises AssertionError at the first that does not keep its promise."""
    known: dict[str, Any] = {"uid": uuid.uuid4().hex[:8]}
    for number, step in enumerate(case["steps"], 1):
        label = f"step {number}, {step['call']}"
        answer = _step(step, sfn, known, label)
        if "as" in step:
            known[step["as"]] = answer


def _step(step: dict[str, Any], sfn: Any, known: dict[str, Any], label: str) -> dict[str, Any]:
    end = time.monotonic() + UNTIL_SECONDS
    while True:
        answer, error = _call(step, sfn, known)
        if "expect_error" in step:
            assert error is not None, f"{label}: it succeeded: {answer}"
            told = error | {
                "code": error["Error"]["Code"],
                "message": error["Error"].get("Message"),
            }
            _compare(_filled(step["expect_error"], known), told, label)
            return {}
        assert error is None, f"{label}: {error}"
        if "until" not in step:
            _compare(_filled(step.get("expect", {}), known), answer, label)
            return answer
        try:
            _compare(_filled(step["until"], known), answer, label)
            return answer
        except AssertionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def _call(
    step: dict[str, Any], sfn: Any, known: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    shape = sfn.meta.service_model.operation_model(step["call"]).input_shape
    given = {}
    for name, value in _filled(step.get("args", {}), known).items():
        member = shape.members.get(name)
        is_text = member is not None and member.type_name == "string"
        given[name] = json.dumps(value) if is_text and isinstance(value, dict | list) else value
    try:
        answer = getattr(sfn, xform_name(step["call"]))(**given)
    except ClientError as refused:
        return {}, refused.response
    answer.pop("ResponseMetadata")
    return answer, None


def _filled(value: Any, known: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {_filled(k, known): _filled(v, known) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(each, known) for each in value]
    if not isinstance(value, str):
        return value
    whole = _NAME.fullmatch(value)
    if whole:
        return _looked_up(whole[1], known)
    return _NAME.sub(lambda found: str(_looked_up(found[1], known)), value)


def _looked_up(path: str, known: Any) -> Any:
    for part in path.split("."):
        known = known[int(part)] if isinstance(known, list) else known[part]
    return known


def _compare(wanted: Any, found: Any, at: str) -> None:
    if wanted == ANY:
        return
    if isinstance(wanted, str) and (suffix := re.fullmatch(r"<ends (.*)>", wanted)):
        assert str(found).endswith(suffix[1]), f"{at}: {found!r}"
    elif isinstance(wanted, dict | list) and isinstance(found, str):
        _compare(wanted, json.loads(found), at)
    elif isinstance(wanted, dict):
        assert isinstance(found, dict), f"{at}: {found!r}"
        for name, value in wanted.items():
            if value == ABSENT:
                assert name not in found, f"{at}.{name}: {found[name]!r}"
                continue
            assert name in found, f"{at}.{name} is missing from {found}"
            _compare(value, found[name], f"{at}.{name}")
    elif isinstance(wanted, list):
        assert isinstance(found, list), f"{at}: {found!r}"
        assert len(wanted) == len(found), f"{at}: {found!r}"
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            _compare(one, other, f"{at}[{number}]")
    else:
        assert wanted == found, f"{at}: {found!r}, not {wanted!r}"
