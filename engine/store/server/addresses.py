"""The Redis URL, as redis-py's connections take it."""

from __future__ import annotations

from typing import Any

from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from engine.errors import StoreRefused
from engine.store.server.sentinel import is_sentinel, read_url


def options_of(url: str) -> dict[str, Any]:
    """Arguments of a redis-py connection for a redis://, rediss:// or unix:// URL, or to the servers that sentinels name.

    Raises StoreRefused for others.
    """
    if is_sentinel(url):
        url = read_url(url).server_url
    scheme = url.partition(":")[0]
    if scheme not in ("redis", "rediss", "unix"):
        raise StoreRefused(
            f"the Redis URL has scheme {scheme!r}; use redis://, rediss://, unix:// or redis+sentinel://"
        )
    try:
        options: dict[str, Any] = dict(parse_url(url))
    except (ValueError, RedisError) as error:
        raise StoreRefused(f"the Redis URL is malformed: {error}") from None
    # Timeouts are the link's, per reply due; redis-py's own would count idle time, and its retries would re-send.
    options.update(
        socket_timeout=None,
        socket_connect_timeout=5.0,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        health_check_interval=0,
    )
    return options
