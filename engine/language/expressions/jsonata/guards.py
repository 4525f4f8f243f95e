"""Built-in functions kept within bounds: what runs before an expression that uses one of them.

The evaluator watches the time between the steps of an expression, but not inside a built-in. Some of these take time or
memory out of all proportion to the text that calls them, or end the process: a roman numeral of 10^15, a `$pad` of a
billion. Each of them is bound anew, in JSONata, to a function that looks at the arguments first. The originals are
kept under names that do not occur in the expression, so nothing in it can reach them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LIMIT = "\ufdd0limit"  # the message of a guard that refuses; a noncharacter, so no text of an author's is taken for it
SLOW = "\ufdd0slow"  # of one that would take too long


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the guards allow, as data of the evaluation (`B`)."""

    text: int  # characters that a function makes or searches
    product: int  # of characters made by repeating or replacing
    distinct: int  # elements that are compared each with each
    matches: int  # characters searched for matches, each of which becomes an object
    callback: int  # characters searched where a function makes each replacement
    search: int  # characters times the parts of a pattern


LOOP = Bounds(
    text=100_000, product=2_000_000, distinct=2_000, matches=16_000, callback=0, search=4_000_000
)
ALONE = Bounds(
    text=4_194_304,
    product=64_000_000,
    distinct=12_000,
    matches=300_000,
    callback=300_000,
    search=80_000_000,
)
_PICTURE_LENGTH_MAX = 1_000
_ROMAN_MAX = 1_000_000_000  # written as a million characters

_GUARDS = {
    "pad": "function($s,$w,$c)<s-ns?:s>{$@abs($w)>$@B.text?$@limit():$@pad($s,$w,$c)}",
    "distinct": "function($a)<x:x>{$@count($a)>$@B.distinct?$@slow():$@distinct($a)}",
    "join": (
        "function($a,$s)<a<s>s?:s>{$@exists($s) and $@count($a)*$@length($s)>$@B.product?$@limit():$@join($a,$s)}"
    ),
    "formatInteger": (
        "function($n,$p)<n-s:s>{$@length($p)>$@picture or ($@contains($p,/[iI]/) and $@abs($n)>$@roman)"
        "?$@limit():$@formatInteger($n,$p)}"
    ),
    "parseInteger": "function($s,$p)<s-s:n>{$@length($p)>$@picture?$@limit():$@parseInteger($s,$p)}",
    "formatNumber": "function($n,$p,$o)<n-so?:s>{$@length($p)>$@picture?$@limit():$@formatNumber($n,$p,$o)}",
    "fromMillis": (
        "function($n,$p,$z)<n-s?s?:s>{$@exists($p) and ($@length($p)>$@picture or $@contains($p,$@wide))"
        "?$@limit():$@fromMillis($n,$p,$z)}"
    ),
    "toMillis": (
        "function($s,$p)<s-s?:n>{$@exists($p) and ($@length($p)>$@picture or $@contains($p,$@wide))"
        "?$@limit():$@toMillis($s,$p)}"
    ),
    "replace": (
        "function($s,$p,$r,$l)<s-(sf)(sf)n?:s>{"
        "($@type($r)='string' and $@length($s)*$@length($r)>$@B.product) or "
        "($@type($r)='function' and $@length($s)>$@B.callback) or "
        "($@type($p)='function' and $@length($s)*$@weight>$@B.search)?$@limit():$@replace($s,$p,$r,$l)}"
    ),
    "match": (
        "function($s,$p,$l)<s-fn?:a<o>>{"
        "$@length($s)>$@B.matches or $@length($s)*$@weight>$@B.search?$@slow():$@match($s,$p,$l)}"
    ),
    "split": (
        "function($s,$p,$l)<s-(sf)n?:a<s>>{$@length($s)>$@B.text or "
        "($@type($p)='function' and $@length($s)*$@weight>$@B.search)?$@slow():$@split($s,$p,$l)}"
    ),
    "contains": (
        "function($s,$p)<s-(sf):b>{$@type($p)='function' and $@length($s)*$@weight>$@B.search"
        "?$@slow():$@contains($s,$p)}"
    ),
    # One moment for all of an expression, and the engine's, not the machine's.
    "millis": "function(){$@N}",
    "now": "($@format:=$fromMillis;function($p,$z)<s?s?:s>{$@format($@N,$p,$z)})",
    # A range of one number is that number, as any sequence is.
    "range": "function($f,$l,$s){$@range($f,$l,$s).$}",
    "shuffle": "function($a)<a:a>{$@exists($a)?$@shuffle($a)}",
}
_ORIGINALS = ("abs", "count", "length", "exists", "contains", "type", "error")
_VALUES = {
    "B": "$$.B",
    "N": "$$.N",
    "picture": str(_PICTURE_LENGTH_MAX),
    "roman": str(_ROMAN_MAX),
    "wide": r"/,\s*([0-9*]*\s*-)?\s*([2-9][0-9]|[0-9]{3,})[^,\]]*\]|,\s*([2-9][0-9]|[0-9]{3,})\s*-[^,\]]*\]/",
    "limit": f'function(){{$@error("{LIMIT}")}}',
    "slow": f'function(){{$@error("{SLOW}")}}',
}


def guards_of(names: frozenset[str]) -> list[str]:
    """Which of the functions that an expression names have to be bound anew, in the order of binding."""
    needed = names | ({"fromMillis"} if "now" in names else set())
    return [name for name in _GUARDS if name in needed]


def prelude(names: frozenset[str], mark: str, weight: int) -> str:
    """JSONata that binds the guarded functions; `mark` begins the hidden names. Empty where nothing needs a guard.

    `weight` is that of the heaviest regular expression. The data of the evaluation has `B`, the bounds, and `N`, the
    moment in milliseconds.
    """
    guarded = guards_of(names)
    if not guarded:
        return ""
    guards = {name: _GUARDS[name] for name in guarded}
    text = "".join(guards.values())
    values = {name: value for name, value in _VALUES.items() if f"$@{name}" in text}
    values["weight"] = str(weight)
    if "limit" in values or "slow" in values:
        text += "$@error"
    originals = [name for name in (*_ORIGINALS, *guards) if re.search(rf"\$@{name}\b", text)]
    bound = {name: f"${name}" for name in originals} | values
    lines = [f"$@{name}:={value};" for name, value in bound.items()]
    lines += [f"${name}:={guard};" for name, guard in guards.items()]
    return "".join(lines).replace("$@", f"${mark}")


def mark_for(text: str) -> str:
    """A beginning of names that does not occur in the text."""
    mark = "_"
    while mark in text:
        mark += "_"
    return mark
