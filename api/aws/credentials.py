"""Signature Version 4, as far as a self-hosted server needs it: the region that a request is meant for, and who signs.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html
"""

from __future__ import annotations

import re

from msgspec import Struct

_SCHEME = re.compile(rb"AWS4-HMAC-SHA256[\s,]")
# What has no bound would be tried anew from every place of a long header, before anybody has proven anything.
_CREDENTIAL = re.compile(
    rb"[\s,]Credential=(?P<key>[^/\s,]{1,128})/(?P<date>\d{8})/(?P<region>[a-z0-9-]{1,64})/"
    rb"(?P<service>[a-z0-9-]{1,64})/aws4_request"
)


class Credential(Struct, frozen=True):
    """The scope of a signature."""

    access_key: str
    date: str
    region: str
    service: str


def credential(authorization: bytes | None) -> Credential | None:
    """What an Authorization header says; None where there is none, or of another scheme."""
    if authorization is None or not _SCHEME.match(authorization):
        return None
    found = _CREDENTIAL.search(authorization)
    if found is None:
        return None
    parts = (found[name].decode("latin-1") for name in ("key", "date", "region", "service"))
    return Credential(*parts)
