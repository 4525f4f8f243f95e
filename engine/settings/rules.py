"""The rules for settings that a range cannot express."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PREFIX = re.compile(r"[A-Za-z0-9._-]{1,32}")
_REDIS_URL = re.compile(r"(redis|rediss|unix|sentinel|rediss?\+sentinel)://")
_HTTP_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z0-9]+)+")
_TOKEN = re.compile(r"[\x21-\x7e]{1,1024}")


def broken_rules(values: Mapping[str, Any]) -> list[str]:
    """The rules that a range cannot express."""
    found: list[str] = []
    url = values.get("redis_url")
    if url is not None and not _REDIS_URL.match(url):
        found.append(
            "DETENT_REDIS_URL must begin with redis://, rediss://, unix://, redis+sentinel:// or rediss+sentinel://"
        )
    endpoint = values.get("lambda_endpoint")
    if endpoint is not None and not _HTTP_URL.fullmatch(endpoint):
        found.append("DETENT_LAMBDA_ENDPOINT must be a URL such as https://HOST:PORT/PATH")
    endpoint = values.get("s3_endpoint")
    if endpoint is not None and not _HTTP_URL.fullmatch(endpoint):
        found.append("DETENT_S3_ENDPOINT must be a URL such as https://HOST:PORT/PATH")
    if not _ACCOUNT.fullmatch(values.get("aws_account", "000000000000")):
        found.append("DETENT_AWS_ACCOUNT must be 12 digits")
    if not _REGION.fullmatch(values.get("aws_region", "us-east-1")):
        found.append("DETENT_AWS_REGION must be a region's name such as us-east-1")
    if not _PREFIX.fullmatch(values.get("prefix", "detent")):
        found.append("DETENT_PREFIX must be 1 to 32 letters, digits or ._-")
    token = values.get("token")
    if token is not None and not _TOKEN.fullmatch(token):
        found.append("DETENT_TOKEN must be 1 to 1,024 visible ASCII characters without spaces")
    host = values.get("host", "127.0.0.1")
    if host not in LOOPBACK and token is None:
        found.append(
            f"DETENT_HOST is {host!r}, which others can reach: set DETENT_TOKEN as well, or keep to 127.0.0.1"
        )
    return found
