"""Signature Version 4, as far as a self-hosted server needs it: the region that a request is meant for, and who signs.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html
"""

from __future__ import annotations

import re

from msgspec import Struct

_CREDENTIAL = re.compile(
    rb"AWS4-HMAC-SHA256\s+.*?Credential=(?P<key>[^/\s,]+)/(?P<date>\d{8})/(?P<region>[a-z0-9-]+)/"
    rb"(?P<service>[a-z0-9-]+)/aws4_request"
)


class Credential(Struct, frozen=True):
    """The scope of a signature."""

    access_key: str
    date: str
    region: str
    service: str


def credential(authorization: bytes | None) -> Credential | None:
    """What an Authorization header says; None where there is none, or of another scheme."""
    found = _CREDENTIAL.match(authorization or b"")
    if found is None:
        return None
    parts = (found[name].decode("latin-1") for name in ("key", "date", "region", "service"))
    return Credential(*parts)
