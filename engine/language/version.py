"""The identity of a definition's content, apart from how it is written down.

YAML or JSON, comments, spacing and key order make no difference to it; every value does.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical(value: Any) -> bytes:
    """Compact JSON with sorted keys, UTF-8. `value` holds JSON values only, no lone surrogates."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8")


def content_hash(value: Any) -> str:
    """SHA-256 of the canonical form, in lower-case hex."""
    return hashlib.sha256(canonical(value)).hexdigest()
