"""Requests of the protocol where the server has a token: who signs with it passes, and nobody else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from scripted_engine import ScriptedEngine, client

from api.aws import signature
from api.aws.credentials import Credential
from api.aws.errors import AwsError
from engine.settings import Settings

TOKEN = "s3cret"
GUARDED = Settings(token=TOKEN, host="0.0.0.0")
URL = "http://127.0.0.1:8083/"
PASSED = "UnknownOperationException"  # whoever is told that has passed the gate


def signed(
    secret: str = TOKEN,
    body: bytes = b"{}",
    *,
    url: str = URL,
    at: datetime | None = None,
    session: str | None = None,
    **headers: str,
) -> dict[str, str]:
    """The headers of a request, as botocore signs it."""
    given = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AWSStepFunctions.No"}
    request = AWSRequest("POST", url, given | headers, body)
    signer = SigV4Auth(Credentials("anybody", secret, session), "states", "eu-west-1")
    moment = at or datetime.now(UTC)
    # As SigV4Auth.add_auth does, at a time of ours.
    request.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
    signer._modify_request_before_signing(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    return {"Host": "127.0.0.1:8083", **dict(request.headers.items())}


async def post(headers: dict[str, str], body: bytes = b"{}", url: str = URL) -> tuple[int, Any]:
    engine = ScriptedEngine()
    async with client(engine, settings=GUARDED) as http:
        response = await http.post(url, headers=headers, content=body)
    assert engine.calls == []
    assert response.headers["content-type"] == "application/x-amz-json-1.0"
    return response.status_code, json.loads(response.content)["__type"]


@pytest.mark.parametrize(
    ("more", "url"),
    [
        ({}, URL),
        ({"session": "a session's token"}, URL),
        ({"X-Amz-Meta": "  two   spaces "}, URL),
        ({}, URL + "?b=2&a=x%20y&a=%2F&empty="),
    ],
    ids=["plain", "session", "spaces", "query"],
)
async def test_what_botocore_signs_with_the_token_passes(more, url):
    assert (await post(signed(url=url, **more), url=url))[1] == PASSED


async def test_who_bears_the_token_passes_unsigned():
    assert (await post({"Authorization": f"Bearer {TOKEN}"}))[1] == PASSED


def test_the_signature_is_botocores():
    at, body = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), b'{"a": 1}'
    headers = {k.lower().encode(): v.encode() for k, v in signed(body=body, at=at).items()}
    names = (b"content-type", b"host", b"x-amz-date", b"x-amz-target")
    request = signature.canonical(names, "POST", b"/", b"", list(headers.items()), body)
    credential = Credential("anybody", "20260102", "eu-west-1", "states")
    made = signature.signature(credential, "20260102T030405Z", request, TOKEN)
    assert headers[b"authorization"].endswith(f"Signature={made}".encode())


@pytest.mark.parametrize("secret", ["", "s3cre", "s3cret2", "S3CRET", "test"])
async def test_another_secret_does_not_pass(secret):
    assert await post(signed(secret)) == (403, "InvalidSignatureException")


async def test_a_body_that_was_changed_does_not_pass():
    assert await post(signed(), b'{"a": 1}') == (403, "InvalidSignatureException")


async def test_a_query_that_was_changed_does_not_pass():
    assert (await post(signed(), url=URL + "?a=1"))[1] == "InvalidSignatureException"


@pytest.mark.parametrize("name", ["X-Amz-Target", "Host", "Content-Type", "X-Amz-Date"])
async def test_a_header_that_was_changed_does_not_pass(name):
    headers = signed()
    headers[name] = {
        "Host": "127.0.0.1:1",
        "X-Amz-Date": (datetime.now(UTC) - timedelta(seconds=5)).strftime("%Y%m%dT%H%M%SZ"),
    }.get(name, headers[name] + "x")
    assert await post(headers) == (403, "InvalidSignatureException")


@pytest.mark.parametrize("name", ["x-amz-target", "host"])
async def test_what_decides_has_to_be_signed(name):
    headers = signed()
    if name == "x-amz-target":
        del headers["X-Amz-Target"]
        headers = {
            **headers,
            "X-Amz-Security-Token": "added",
            "X-Amz-Target": "AWSStepFunctions.No",
        }
    else:
        headers["Authorization"] = headers["Authorization"].replace("host;", "")
    assert await post(headers) == (403, "InvalidSignatureException")


@pytest.mark.parametrize("minutes", [-16, 16, -60 * 24])
async def test_a_signature_of_another_time_does_not_pass(minutes):
    headers = signed(at=datetime.now(UTC) + timedelta(minutes=minutes))
    assert await post(headers) == (403, "InvalidSignatureException")


@pytest.mark.parametrize("minutes", [-14, 14])
async def test_clocks_may_differ_by_a_quarter_of_an_hour(minutes):
    assert (await post(signed(at=datetime.now(UTC) + timedelta(minutes=minutes))))[1] == PASSED


async def test_the_day_of_the_credential_is_that_of_the_request():
    headers = signed()
    day = headers["X-Amz-Date"][:8]
    headers["Authorization"] = headers["Authorization"].replace(f"/{day}/", "/20200101/")
    assert await post(headers) == (403, "InvalidSignatureException")


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "MissingAuthenticationToken"),
        ("Bearer wrong", "UnrecognizedClientException"),
        ("Basic czNjcmV0", "UnrecognizedClientException"),
        ("AWS4-HMAC-SHA256", "IncompleteSignature"),
        ("AWS4-HMAC-SHA256 Credential=a/20260101/r/states/aws4_request", "IncompleteSignature"),
        ("AWS4-HMAC-SHA256 " + "Credential=" * 2000, "IncompleteSignature"),
        ("\xff\xfe", "UnrecognizedClientException"),
    ],
    ids=str,
)
async def test_without_a_whole_signature_nobody_passes(authorization, code):
    headers = {"X-Amz-Date": datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")}
    if authorization is not None:
        headers["Authorization"] = authorization.encode("latin-1")
    assert await post(headers) == (403, code)


async def test_a_body_that_is_too_large_is_refused_before_it_is_hashed():
    body = b"x" * (GUARDED.request_bytes_max + 1)
    assert (await post(signed(body=body), body))[0] == 413


async def test_a_signature_opens_nothing_but_the_protocol():
    headers = signed(url=URL + "v1/executions")
    async with client(ScriptedEngine(), settings=GUARDED) as http:
        response = await http.post(URL + "v1/executions", headers=headers, content=b"{}")
        assert response.status_code == 401
        assert (await http.get(URL, headers=headers)).status_code == 401


async def test_the_caller_goes_by_the_access_key_id():
    from api.aws.admission import admit_signed

    headers = [(k.lower().encode(), v.encode()) for k, v in signed().items()]
    scope = {"path": "/", "method": "POST", "headers": headers, "query_string": b""}

    async def receive():
        return {"type": "http.request", "body": b"{}", "more_body": False}

    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    caller, again = await admit_signed(scope, receive, TOKEN, now_ms, 1000)
    assert caller.name == "anybody"
    assert (await again())["body"] == b"{}"


async def test_a_header_that_is_named_twice_is_not_hashed_twice():
    names = ";".join(["host"] * 10_000).encode()
    given = (
        b"AWS4-HMAC-SHA256 Credential=a/20260101/eu-central-1/states/aws4_request, SignedHeaders="
        + names
        + b", Signature="
        + b"0" * 64
    )
    headers = [(b"host", b"a"), (b"authorization", given), (b"x-amz-date", b"20260101T000000Z")]
    with pytest.raises(AwsError, match="IncompleteSignature"):
        signature.read(headers, 0)
