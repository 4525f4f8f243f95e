"""How heavy a regular expression is for the engine that runs it.

That engine takes time in proportion to the text and to the size of the pattern once its bounded repetitions are written
out, so nothing backtracks; but `(a{1,100}){1,100}` is a pattern of ten thousand parts.
"""

from __future__ import annotations

import re
from math import prod

MATCHING = frozenset(("contains", "match", "replace", "split"))  # functions that take a pattern

_REPEATED = re.compile(r"\{(\d{1,6})(?:,(\d{0,6}))?\}")


def pattern_weight(pattern: str) -> int:
    """An upper bound of the parts that the pattern has when its repetitions are written out; at least 1.

    Repetitions count as if each lay inside all the others, so that nothing has to be parsed.
    """
    counts = [int(most or least) for least, most in _REPEATED.findall(pattern)]
    return max(1, len(pattern)) * prod(max(1, count) for count in counts[:20])
