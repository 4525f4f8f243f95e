"""Members that many operations share: ARNs, names, moments, tokens of lists."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from api.aws.errors import AwsError
from engine.arns import Arn, NoArn
from engine.errors import InvalidRequest
from engine.queries.paging import decode_cursor, encode_cursor

T = TypeVar("T")
PAGE = (
    100  # entries of a list, where nobody asks for another number (measured: 0 means the default)
)


def arn(text: str, *kinds: str) -> Arn:
    """Raises AwsError InvalidArn for a text that is no ARN of one of these kinds."""
    try:
        found = Arn.parse(text)
    except NoArn:
        raise AwsError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {text}'") from None
    if found.kind not in kinds:
        message = f"Invalid Arn: 'Resource type not valid in this context: {found.kind}'"
        raise AwsError("InvalidArn", message)
    return found


def execution(text: str) -> Arn:
    """The ARN of a stored execution. Raises AwsError InvalidArn for any other."""
    found = arn(text, "execution")
    definition, colon, name = found.rest.partition(":")
    if not (definition and colon and name) or ":" in name:
        raise AwsError("InvalidArn", f"Invalid Arn: '{text}'")
    return found


def tags_of(given: dict[str, Any]) -> dict[str, str]:
    """The `tags` member: keys to values, the last of a key's. Raises AwsError ValidationException for a tag without a key.

    The service model lets both be absent. A tag without a value has an empty one.
    """
    found = {}
    for position, tag in enumerate(given.get("tags") or (), 1):
        if tag.get("key") is None:
            place = f"Value null at 'tags.{position}.member.key'"
            message = f"1 validation error detected: {place} failed to satisfy constraint: Member must not be null"
            raise AwsError("ValidationException", message)
        found[tag["key"]] = tag.get("value") or ""
    return found


def moment(iso: str) -> float:
    """Seconds since 1970, as JSON 1.0 writes a timestamp."""
    return datetime.fromisoformat(iso).timestamp()


def page(
    call_given: dict[str, Any], entries: Sequence[T], key: Callable[[T], str], listing: str
) -> tuple[list[T], dict[str, str]]:
    """A page of a list that is read whole and sorted by `key`, and the `nextToken` member where there is more.

    The token says the key of the last entry told, so that what comes and goes meanwhile makes no other entry be left out
    or told twice.
    """
    after = place_of(call_given.get("nextToken"), listing)
    left = entries if after is None else [each for each in entries if key(each) > after]
    count = call_given.get("maxResults") or PAGE
    told = list(left[:count])
    return told, {"nextToken": next_token(listing, key(told[-1]))} if len(left) > count else {}


def next_token(listing: str, place: str) -> str:
    """What a caller goes on from in a list; `listing` tells that list from all others."""
    return encode_cursor(_short(listing), place)


def place_of(token: str | None, listing: str) -> str | None:
    """The place that `next_token` was told. Raises AwsError InvalidToken for another list's, too."""
    if token is None:
        return None
    try:
        name, place = decode_cursor(token, 2)
    except InvalidRequest:
        raise invalid_token() from None
    if name != _short(listing):
        raise invalid_token()
    return place


def _short(listing: str) -> str:
    """Stands for a list in tokens, whose length the service model limits."""
    return hashlib.sha256(listing.encode()).hexdigest()[:12]


def invalid_token() -> AwsError:
    return AwsError("InvalidToken", "Invalid Token: 'Invalid token'")
