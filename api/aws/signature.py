"""Signature Version 4, checked: a request that is signed with the server's token as secret access key bears it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

from msgspec import Struct

from api.aws.credentials import Credential, credential
from api.aws.errors import AwsError
from api.rest.receive import Headers, header

SKEW_MS = 15 * 60 * 1000  # how far a signature's time may be from ours, as AWS
FORBIDDEN = 403

_SIGNED_HEADERS = re.compile(rb"SignedHeaders=([a-z0-9;._-]+)")
_SIGNATURE = re.compile(rb"Signature=([0-9a-f]{64})(?:[\s,]|$)")
_TIME = re.compile(r"\d{8}T\d{6}Z")
_SPACES = re.compile(rb"\s+")


class Signed(Struct, frozen=True):
    """What a request says of its signature; nothing of it is proven yet."""

    credential: Credential
    time: str
    headers: tuple[bytes, ...]
    signature: bytes


def read(headers: Headers, now_ms: int) -> Signed:
    """The signature of a request, which must be complete and of now. Reads no body.

    Raises AwsError: MissingAuthenticationToken, IncompleteSignature, InvalidSignatureException.
    """
    given = header(headers, b"authorization")
    if given is None:
        raise _refused(
            "MissingAuthenticationToken",
            "The request is neither signed nor bears the server's token.",
        )
    if not given.startswith(b"AWS4-HMAC-SHA256"):
        raise _refused(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    said = credential(given)
    names, signature = _SIGNED_HEADERS.search(given), _SIGNATURE.search(given)
    time = (header(headers, b"x-amz-date") or b"").decode("latin-1")
    if said is None or names is None or signature is None or not _TIME.fullmatch(time):
        raise _refused(
            "IncompleteSignature",
            "Authorization names Credential, SignedHeaders and Signature, and X-Amz-Date the time.",
        )
    signed = tuple(names[1].split(b";"))
    if len({*signed}) < len(signed):
        # Each name brings its values into what is hashed, for anybody who asks.
        raise _refused("IncompleteSignature", "SignedHeaders names each header once.")
    bare = {name for name, _ in headers if name.startswith(b"x-amz-") or name == b"host"} - {
        *signed
    }
    if bare or b"host" not in signed:
        # What is not signed anybody on the way could change, such as the operation.
        shown = ", ".join(sorted(name.decode("latin-1") for name in bare)) or "host"
        raise _refused("InvalidSignatureException", f"These headers have to be signed: {shown}.")
    _check_time(said, time, now_ms)
    return Signed(said, time, signed, signature[1])


def check(
    signed: Signed,
    method: str,
    path: bytes,
    query: bytes,
    headers: Headers,
    body: bytes,
    secret: str,
) -> None:
    """Raise AwsError InvalidSignatureException unless `secret` made the signature, of this request and this body.

    Takes the same time wherever the first difference is.
    """
    request = canonical(signed.headers, method, path, query, headers, body)
    right = signature(signed.credential, signed.time, request, secret)
    said = header(headers, b"x-amz-content-sha256")
    is_whole = said in {None, hashlib.sha256(body).hexdigest().encode()}
    if not hmac.compare_digest(right.encode(), signed.signature) or not is_whole:
        raise _refused(
            "InvalidSignatureException",
            "The signature is not that of this request under the server's token as secret access key.",
        )


def canonical(
    names: tuple[bytes, ...], method: str, path: bytes, query: bytes, headers: Headers, body: bytes
) -> bytes:
    """The request as it is signed."""
    values: dict[bytes, list[bytes]] = {name: [] for name in names}
    for name, value in headers:
        if name in values:
            values[name].append(_SPACES.sub(b" ", value.strip()))
    lines = [
        method.encode(),
        quote(path, safe="/-_.~").encode(),
        _canonical_query(query),
        *(name + b":" + b",".join(values[name]) for name in names),
        b"",
        b";".join(names),
        hashlib.sha256(body).hexdigest().encode(),
    ]
    return b"\n".join(lines)


def signature(said: Credential, time: str, request: bytes, secret: str) -> str:
    """The signature of a canonical request."""
    scope = (time[:8], said.region, said.service, "aws4_request")
    key = b"AWS4" + secret.encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    digest = hashlib.sha256(request).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", time, "/".join(scope), digest))
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def _canonical_query(query: bytes) -> bytes:
    pairs = parse_qsl(query, keep_blank_values=True)
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded).encode()


def _check_time(said: Credential, time: str, now_ms: int) -> None:
    try:
        moment = datetime.strptime(time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _refused("IncompleteSignature", f"X-Amz-Date is no time: {time}") from None
    if abs(moment.timestamp() * 1000 - now_ms) > SKEW_MS or said.date != time[:8]:
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        raise _refused(
            "InvalidSignatureException",
            f"Signature expired: it was made for {time}, the server's time is {now:%Y%m%dT%H%M%SZ}.",
        )


def _refused(code: str, message: str) -> AwsError:
    return AwsError(code, message, status=FORBIDDEN)
