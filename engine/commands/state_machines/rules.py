"""Rules about state machines. Pure.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-state-machine-version.html and concepts-state-machine-alias.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import structs

from engine.commands.state_machines.values import Attributes, Configuration
from engine.errors import InvalidRequest, QuotaExceeded

WEIGHTS = 100  # what the weights of an alias add up to
TAGS_MAX = 50  # of one resource; as AWS Step Functions
PUBLISHED_MAX = 1000  # versions of one definition; as AWS Step Functions

LOGGING: Configuration = {"level": "OFF", "includeExecutionData": False}
TRACING: Configuration = {"enabled": False}
ENCRYPTION: Configuration = {"type": "AWS_OWNED_KEY"}


_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


def is_number(qualifier: str) -> bool:
    """Whether what follows a name in an ARN is a published version's number, in the one way that each is written."""
    return _NUMBER.fullmatch(qualifier) is not None


class InvalidConfiguration(InvalidRequest):
    """The request is not of the form this operation takes.

    A configuration of a state machine is none; `which` one, and in words why.
    """

    def __init__(self, which: Literal["Logging", "Tracing", "Encryption"], detail: str) -> None:
        super().__init__(detail)
        self.which = which
        self.told = detail


class InvalidRouting(InvalidRequest):
    """The request is not of the form this operation takes.

    The routing of an alias is none: a version is `repeated`, or the `weights` are not 100 together.
    """

    def __init__(self, reason: Literal["repeated", "weights"]) -> None:
        super().__init__(f"routing: {reason}")
        self.reason = reason


def settled(given: Attributes) -> Attributes:
    """Attributes in the one form that each has, so that equal ones compare equal. Raises InvalidConfiguration."""
    return Attributes(
        given.role,
        _logging(given.logging),
        _tracing(given.tracing),
        _encryption(given.encryption),
    )


def changed(before: Attributes, given: Attributes) -> Attributes:
    """Attributes after an update that says only some of them; "" and None keep what was. Raises InvalidConfiguration."""
    said = {name: value for name, value in structs.asdict(given).items() if value}
    after: Attributes = structs.replace(before, **said)
    return settled(after)


def _logging(given: Configuration | None) -> Configuration:
    """As AWS describes it. A level other than OFF needs exactly one place to write to (measured)."""
    found: dict[str, Any] = {**LOGGING, **(given or {})}
    places = found.pop("destinations", None) or []
    if found["level"] != "OFF" and len(places) != 1:
        raise InvalidConfiguration("Logging", "Must specify exactly one Log Destination.")
    return {**found, **({"destinations": places} if places else {})}


def _tracing(given: Configuration | None) -> Configuration:
    return {**TRACING, **(given or {})}


def _encryption(given: Configuration | None) -> Configuration:
    found = dict(given or ENCRYPTION)
    if (found["type"] == ENCRYPTION["type"]) == ("kmsKeyId" in found):
        detail = "A kmsKeyId goes with CUSTOMER_MANAGED_KMS_KEY, and with no other type."
        raise InvalidConfiguration("Encryption", detail)
    return found


def is_same(
    before: tuple[bytes | None, str, Attributes], made: tuple[bytes, str, Attributes]
) -> bool:
    """Whether a definition (text, type, attributes) is what a repeated creation asks for: to the byte, but for the role."""
    (text, kind, attributes), (other_text, other_kind, other) = before, made
    same_role = structs.replace(attributes, role=other.role)
    return (text, kind, same_role) == (other_text, other_kind, other)


def check_routing(routing: Sequence[tuple[int, int]]) -> None:
    """Of an alias: (number, weight) of one or two versions. Raises InvalidRouting."""
    if len({number for number, _ in routing}) < len(routing):
        raise InvalidRouting("repeated")
    if sum(weight for _, weight in routing) != WEIGHTS:
        raise InvalidRouting("weights")


def tagged(before: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Tags with others put in. Raises QuotaExceeded."""
    tags = {**before, **given}
    if len(tags) > TAGS_MAX:
        raise QuotaExceeded("tags of one resource", limit=TAGS_MAX)
    return tags


def check_room(published: int) -> None:
    """Of a definition with so many published versions: raise QuotaExceeded where there cannot be another."""
    if published >= PUBLISHED_MAX:
        raise QuotaExceeded("published versions of one definition", limit=PUBLISHED_MAX)
