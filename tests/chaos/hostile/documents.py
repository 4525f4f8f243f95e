"""Documents made to cost their reader more than they cost their sender: in YAML, and in JSON.

Each is small enough for the limit of a request, so that what refuses it is the reader and not the size.
"""

from __future__ import annotations

import json

STATES = "StartAt: A\nStates:\n  A:\n    Type: Pass\n    End: true\n"


def _laughs(width: int, levels: int, of: str = "[{}]") -> str:
    """Aliases of aliases: `width` to the power of `levels` values in a few hundred bytes."""
    lines = ["a0: &a0 x"]
    for level in range(1, levels + 1):
        many = ", ".join([f"*a{level - 1}"] * width)
        lines.append(f"a{level}: &a{level} {of.format(many)}")
    return "\n".join(lines)


def _yaml_texts() -> dict[str, str]:
    many = 100_000
    return {
        "laughs": _laughs(10, 9),
        "laughs, wide": _laughs(100, 4),
        "laughs, binary": _laughs(2, 40),
        "laughs in keys": _laughs(10, 9, "{{? [{}] : 1}}"),
        "laughs by merging": "a: &a {x: 1}\n"
        + "\n".join(f"b{n}: &b{n} {{<<: [*a, *a, *a]}}" for n in range(5000)),
        "one text in many places": f"a: &a {'x' * 1000}\nb: [{', '.join(['*a'] * 50_000)}]",
        "a list in itself": "a: &a [*a, *a]",
        "a mapping in itself": "a: &a {b: *a}",
        "a mapping that is its own key": "? &a {? *a : 1}\n: 1",
        "merged with itself": "a: &a {<<: *a}",
        "aliases of nothing": "a: [" + "*b, " * many + "1]",
        "anchors only": "a: [" + ", ".join(f"&a{n} 1" for n in range(50_000)) + "]",
        "deep lists": "a: " + "[" * many + "]" * many,
        "deep lists, open": "a: " + "[" * many,
        "deep mappings": "a: " + "{a: " * 50_000 + "1" + "}" * 50_000,
        "deep blocks": "\n".join(" " * n + f"a{n}:" for n in range(1_200)),
        "dashes": "a:\n" + "- " * many + "1",
        "question marks": "? " * many + "1",
        "keys in keys": "{" * 5_000 + "a: 1" + "}: 1" * 5_000,
        "many keys": "{" + ", ".join(f"k{n}: 1" for n in range(many)) + "}",
        "many lines": "\n".join(f"k{n}: 1" for n in range(90_000)),
        "one key again and again": "\n".join(["k: 1"] * many),
        "documents": STATES + "---\na: 1\n" * 90_000,
        "directives": "%YAML 1.2\n" * 50_000 + "---\n" + STATES,
        "comments": "# x\n" * 200_000 + STATES,
        "spaces": "a:" + " " * 900_000 + "1",
        "line breaks": "\n" * 900_000 + STATES,
        "tabs": "a:\n" + "\t" * 500_000 + "b: 1",
        "an open quote": 'a: "' + "x\n " * 200_000,
        "escapes": 'a: "' + "\\u0041" * 150_000 + '"',
        "escapes of nothing": 'a: "' + "\\q" * 300_000 + '"',
        "folded lines": "a: >\n" + "  x\n\n" * 150_000,
        "an indentation that is told": "a: |9\n" + " " * 900_000,
        "a long number": "a: " + "9" * 900_000,
        "base sixty": "a: " + ":".join(["59"] * 100_000),
        "a number out of range": "a: [" + "1e999999999, " * 50_000 + "1]",
        "tags of Python": "a: !!python/object/apply:os.system ['true']",
        "tags of its own": "a: [" + "!x 1, " * 100_000 + "1]",
        "binary data": "a: !!binary " + "A" * 900_000,
        "an ordered mapping": "a: !!omap [" + "{a: 1}, " * 80_000 + "]",
    }


def yaml_bombs() -> dict[str, bytes]:
    """Name to text, forty of them."""
    return {name: text.encode() for name, text in _yaml_texts().items()}


def json_bombs() -> dict[str, bytes]:
    """Name to text, forty of them; a few are not even UTF-8."""
    many = 100_000
    texts = {
        "deep lists": "[" * many + "]" * many,
        "deep lists, open": "[" * 1_000_000,
        "deep objects": '{"a":' * many + "1" + "}" * many,
        "deep, in turns": '[{"a":' * 70_000 + "1" + "}]" * 70_000,
        "one too deep": "[" * 65 + "]" * 65,
        "closing only": "]" * 1_000_000,
        "many keys": json.dumps({f"k{n}": 0 for n in range(60_000)}),
        "one key again and again": "{" + '"k":1,' * 150_000 + '"k":1}',
        "keys that hash alike": "{"
        + ",".join(f'"{"a" * (n % 50)}{n}":0' for n in range(20_000))
        + "}",
        "long keys": json.dumps({"k" * 200 + str(n): 0 for n in range(4_500)}),
        "many lists": "[" + "[]," * 300_000 + "[]]",
        "many objects": "[" + "{}," * 300_000 + "{}]",
        "many numbers": "[" + "1," * 450_000 + "1]",
        "many texts": "[" + '"",' * 300_000 + '""]',
        "many nulls": "[" + "null," * 180_000 + "null]",
        "a long number": "9" * 1_000_000,
        "a long negative number": "-" + "9" * 1_000_000,
        "a long fraction": "0." + "9" * 1_000_000,
        "a long exponent": "1e" + "9" * 1_000_000,
        "a number out of range": "1e999",
        "a number next to nothing": "1e-999999999",
        "numbers out of range": "[" + "1e999," * 150_000 + "1]",
        "integers of 5,000 digits": "[" + ("9" * 5_000 + ",") * 190 + "1]",
        "leading zeros": "0" * 1_000_000,
        "not a number": '{"a":NaN}',
        "without end": '{"a":[Infinity,-Infinity]}',
        "half a character": '{"a":"\\ud800"}',
        "half a character as key": '{"\\udfff":1}',
        "escapes": '"' + "\\u0041" * 170_000 + '"',
        "escapes of nothing": '"' + "\\q" * 400_000 + '"',
        "escaped quotes": '"' + '\\"' * 500_000 + '"',
        "an open quote": '"' + "x" * 1_000_000,
        "control characters": '"' + "\x00\x01\n" * 300_000 + '"',
        "spaces": " " * 1_000_000 + "1",
        "spaces everywhere": "[" + " 1 \n,\t" * 150_000 + "1]",
        "commas": "[" + "," * 1_000_000 + "]",
        "colons": "{" + ":" * 1_000_000 + "}",
        "two documents": "{}" * 400_000,
    }
    out = {name: text.encode() for name, text in texts.items()}
    out["bytes that are no text"] = b'{"a":"' + b"\xff\xfe\xc0\x80" * 200_000 + b'"}'
    out["UTF-16"] = ('{"a":"' + "x" * 400_000 + '"}').encode("utf-16")
    return out
