"""RFC 3339 timestamps: upper-case T, and Z or an offset; https://states-language.net/spec.html#timestamps."""

from __future__ import annotations

import re
from datetime import date

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_NANOSECONDS = 1_000_000_000


def parse_instant(text: str) -> int:
    """Nanoseconds since the epoch, for comparing; digits beyond the ninth are dropped.

    Raises ValueError for anything but an RFC 3339 timestamp. A leap second (:60) is refused, as on AWS's platform.
    """
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' is not an RFC 3339 timestamp")
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    offset_hour, offset_minute = int(found[9] or 0), int(found[10] or 0)
    if max(hour, offset_hour) > 23 or max(minute, offset_minute, second) > 59:
        raise ValueError(f"'{text}' has a time of day that does not exist")
    days = date(year, month, day).toordinal() - _EPOCH_DAY
    offset = (offset_hour * 60 + offset_minute) * (-60 if found[8] == "-" else 60)
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second - offset
    return seconds * _NANOSECONDS + int((found[7] or "")[:9].ljust(9, "0"))


def parse_timestamp(text: str) -> int:
    """Milliseconds since the epoch, rounded down. Raises ValueError."""
    return parse_instant(text) // 1_000_000


def parse_timestamp_seconds(text: str) -> int:
    """Milliseconds since the epoch with the fraction of the second dropped, as Wait has it. Raises ValueError."""
    return parse_instant(text) // _NANOSECONDS * 1000


def is_timestamp(text: str) -> bool:
    """Whether the text is an RFC 3339 timestamp."""
    try:
        parse_instant(text)
    except ValueError:
        return False
    return True
