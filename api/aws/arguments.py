"""Members that many operations share: ARNs, names, moments, tokens of lists."""

from __future__ import annotations

from collections.abc import Sequence
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


def page(call_given: dict[str, Any], entries: Sequence[T]) -> tuple[list[T], dict[str, str]]:
    """A page of a list that is read whole, and the `nextToken` member where there is more."""
    start = _offset(call_given.get("nextToken"))
    count = call_given.get("maxResults") or PAGE
    more = {"nextToken": encode_cursor(str(start + count))} if start + count < len(entries) else {}
    return list(entries[start : start + count]), more


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(decode_cursor(token, 1)[0])
    except (InvalidRequest, ValueError):
        raise invalid_token() from None


def invalid_token() -> AwsError:
    return AwsError("InvalidToken", "Invalid Token: 'Invalid token'")
