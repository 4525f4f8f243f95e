"""What nodes of a cluster tell of one another, in each of the ways in which they can be told to tell it."""

import pytest

from engine.store.server.topology import redirected, served


@pytest.mark.parametrize(
    ("node", "host"),
    [
        ([b"10.0.0.7", 6379, b"id", []], "10.0.0.7"),
        ([b"10.0.0.7", 6379, b"id"], "10.0.0.7"),
        ([b"b.redis.internal", 6379, b"id", [b"ip", b"10.0.0.7"]], "b.redis.internal"),
        ([b"", 6379, b"id", []], "asked.internal"),
        ([None, 6379, b"id", [b"ip", b"10.0.0.7"]], "asked.internal"),
        ([b"?", 6379, b"id", [b"ip", b"10.0.0.7"]], "10.0.0.7"),
        ([b"::1", 6379, b"id", []], "::1"),
    ],
)
def test_a_master_is_found_at_the_address_that_it_tells_or_where_it_was_asked(node, host):
    replica = [b"10.0.0.9", 6380, b"other", []]
    assert [*served([[0, 8191, node, replica]], "asked.internal")] == [(0, 8191, (host, 6379))]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("MOVED 3999 10.0.0.7:6381", ("10.0.0.7", 6381)),
        ("3999 10.0.0.7:6381", ("10.0.0.7", 6381)),
        ("ASK 3999 b.redis.internal:6381", ("b.redis.internal", 6381)),
        ("MOVED 3999 :6381", ("asked.internal", 6381)),
        ("MOVED 3999 ?:6381", ("asked.internal", 6381)),
        ("MOVED 3999 ::1:6381", ("::1", 6381)),
    ],
)
def test_a_redirect_leads_to_the_address_that_it_names_or_to_the_host_that_was_asked(text, address):
    assert redirected(text, "asked.internal") == (3999, address)
