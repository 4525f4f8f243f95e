"""States whose expressions would take for ever, or all memory: JSONata, JSONPath, intrinsic functions, and patterns.

Each is a valid definition of one state, so that it is published, and must end when it is decided.
"""

from __future__ import annotations

from typing import Any, NamedTuple

TEXT = "a" * 60_000
LARGE = {
    "text": TEXT,
    "numbers": list(range(8_000)),
    "items": [{"k": "x" * 10, "v": n, "t": ["a", "b"]} for n in range(1_500)],
}


class Bomb(NamedTuple):
    """A state, and the input that sets it off."""

    state: dict[str, Any]
    input: Any = LARGE


def _jsonata(expression: str) -> Bomb:
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": f"{{% {expression} %}}"}
    return Bomb({**state, "End": True})


def _pass(**parameters: str) -> Bomb:
    return Bomb({"Type": "Pass", "Parameters": parameters, "End": True})


def _nested(function: str, inner: str, times: int) -> str:
    return f"{function}(" * times + inner + ")" * times


_JSONATA = {
    "recursion": "($f := function($x) { $f($x + 1) }; $f(1))",
    "recursion that keeps": "($f := function($x) { $x + $f($x + 1) }; $f(1))",
    "recursion of two": "($f := function($x) { $g($x) }; $g := function($x) { $f($x) }; $f(1))",
    "recursion that branches": "($f := function($n) { $n < 2 ? 1 : $f($n - 1) + $f($n - 2) }; $f(60))",
    "Ackermann": "($a := function($m, $n) { $m = 0 ? $n + 1 : $n = 0 ? $a($m - 1, 1) : $a($m - 1, $a($m, $n - 1)) }; $a(3, 12))",
    "a long range": "[1..9000000]",
    "ranges of ranges": "$count([1..100000].[1..100000])",
    "ranges in a map": "$map([1..100000], function($n) { [1..100000] })",
    "a range of texts": "[1..20000].$states.input.text",
    "doubling a text": "($f := function($s, $n) { $n = 0 ? $s : $f($s & $s, $n - 1) }; $length($f('x', 40)))",
    "doubling an object": "($f := function($o, $n) { $n = 0 ? $o : $f({'a': $o, 'b': $o}, $n - 1) }; $f({}, 40))",
    "doubling a list": "$reduce([1..40], function($a, $i) { [$a, $a] }, [1])",
    "padding": "$pad('x', 2e9)",
    "padding to the left": "$pad('x', -2e9)",
    "replacing a text by itself": "$replace($states.input.text, 'a', $states.input.text)",
    "joining": "$join([1..20000].$states.input.text)",
    "every pair": "$states.input.numbers[$ in $states.input.numbers]",
    "distinct": "$distinct([1..200000])",
    "sorting without end": "$sort([1..500000], function($a, $b) { true })",
    "a Roman number": "$formatInteger(1e15, 'I')",
    "a picture of a date": "$fromMillis(1, '[M,1000000-100000000]')",
    "a copy for each": "$states.input.numbers.{'n': $, 'all': $states.input.text}",
    "a transformation of all": "$states.input ~> |items|{'all': $states.input.text}|",
    "shuffling": "$shuffle([1..800000])",
    "zipping": "$zip([1..300000], [1..300000], [1..300000])",
}


def _many_paths() -> Bomb:
    return _pass(**{f"n{n}.$": "States.ArrayLength($..*)" for n in range(40)})


def expression_bombs() -> dict[str, Bomb]:
    """Name to bomb, forty of them."""
    found = {f"JSONata: {name}": _jsonata(text) for name, text in _JSONATA.items()}
    deep = "$" + "..*" * 6
    found |= {
        "JSONPath: everything below everything": _pass(**{"x.$": deep}),
        "JSONPath: descendants of descendants": _pass(**{"x.$": "$..*..*..*"}),
        "JSONPath: everything, many times": _many_paths(),
        "JSONPath: filters in filters": _pass(**{"x.$": "$..[?(@.v)]..[?(@)]"}),
        "JSONPath: all items for each": _pass(**{"x.$": "$.items[*]..*..*"}),
        "JSONPath: a long slice": _pass(**{"x.$": "$.numbers[0:999999999]"}),
        "intrinsic: a long range": _pass(**{"x.$": "States.ArrayRange(1, 999999999, 1)"}),
        "intrinsic: a range backwards": _pass(**{"x.$": "States.ArrayRange(999999999, 1, -1)"}),
        "intrinsic: unique values": _pass(**{"x.$": "States.ArrayUnique($..*)"}),
        "intrinsic: a text formatted with itself": _pass(
            **{"x.$": "States.Format('" + "{}" * 200 + "'" + ", $.text" * 200 + ")"}
        ),
        "intrinsic: nested": _pass(**{"x.$": _nested("States.JsonToString", "$", 9)}),
        "intrinsic: parts of parts": _pass(**{"x.$": "States.ArrayPartition($.numbers, 1)"}),
        "intrinsic: a hash of all": _pass(
            **{f"x{n}.$": "States.Hash(States.JsonToString($), 'SHA-512')" for n in range(60)}
        ),
        "intrinsic: split at everything": _pass(
            **{f"x{n}.$": "States.StringSplit($.text, 'a')" for n in range(30)}
        ),
        "intrinsic: encoded again": _pass(
            **{"x.$": _nested("States.Base64Encode", "States.JsonToString($.numbers)", 8)}
        ),
    }
    return found


_PATTERNS = (
    "(a+)+$", "(a|a)*b", "(a|aa)+$", "(a*)*b", "(.*a){20}b", "([a-zA-Z]+)*1", "(a?){50}a{50}",
    "(a{1,100}){1,100}b", "^(([a-z])+.)+[A-Z]([a-z])+$", "(a+a+)+b", "(x+x+)+y|(a+a+)+b",
)  # fmt: skip


def regex_bombs() -> dict[str, Bomb]:
    """Name to bomb, twenty of them: patterns that backtrack, as an expression's and as a Choice's."""
    subject = "$states.input.text & '!'"
    found = {f"matching {p}": _jsonata(f"$match({subject}, /{p}/)") for p in _PATTERNS[:6]}
    found |= {f"containing {p}": _jsonata(f"$contains({subject}, /{p}/)") for p in _PATTERNS[5:9]}
    found |= {f"splitting at {p}": _jsonata(f"$split({subject}, /{p}/)") for p in _PATTERNS[8:]}
    found |= {f"replacing {p}": _jsonata(f"$replace({subject}, /{p}/, 'x')") for p in _PATTERNS[:3]}
    for stars in (10, 100, 300, 1000):
        rule = {"Variable": "$.text", "StringMatches": "*a" * stars + "*b", "Next": "B"}
        found[f"{stars} stars"] = Bomb({"Type": "Choice", "Choices": [rule], "Default": "B"})
    return found


def definition_of(bomb: Bomb) -> dict[str, Any]:
    """A machine of the one state."""
    states = {"A": bomb.state}
    if "End" not in bomb.state:
        states["B"] = {"Type": "Succeed"}
    return {"StartAt": "A", "States": states}
