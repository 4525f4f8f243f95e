"""Filters as callers write them: names, times and `name:value` pairs, each checked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.clock import parse_iso
from engine.core.execution import Status
from engine.errors import InvalidRequest
from engine.names import check_processor
from engine.store.finding.filter import Filter

ATTRIBUTES_MAX = 10  # in one filter; a definition has no more

_ATTRIBUTE = re.compile(r"([a-z][a-zA-Z0-9_]{0,31}):(.*)", re.DOTALL)


def filter_of(
    *,
    definition: str | None = None,
    status: Status | None = None,
    state: str | None = None,
    version: int | None = None,
    error: str | None = None,
    quarantined: bool | None = None,
    started_after: str | None = None,
    started_before: str | None = None,
    attributes: Sequence[str] = (),
) -> Filter:
    """The filter that is asked for. Times are RFC 3339, `attributes` are `name:value`.

    Raises InvalidName, and InvalidRequest for a time or an attribute that cannot be read, and for attributes without
    a definition.
    """
    if definition is not None:
        check_processor(definition)
    elif attributes:
        raise InvalidRequest(
            "attribute: name the definition too, for each declares attributes of its own"
        )
    if len(attributes) > ATTRIBUTES_MAX:
        raise InvalidRequest(f"attribute: at most {ATTRIBUTES_MAX} can be asked for")
    return Filter(
        definition=definition,
        status=status,
        state=state,
        version=version,
        error=error,
        is_quarantined=quarantined,
        started_from_ms=_moment("started_after", started_after),
        started_until_ms=_moment("started_before", started_before),
        attributes=tuple(_attribute(text) for text in attributes),
    )


def _moment(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return max(parse_iso(text), 0)
    except ValueError as error:
        raise InvalidRequest(f"{name}: {error}") from None


def _attribute(text: str) -> tuple[str, str]:
    found = _ATTRIBUTE.fullmatch(text)
    if found is None:
        raise InvalidRequest(f"attribute: {text[:100]!r} is not of the form name:value")
    return found[1], found[2]
