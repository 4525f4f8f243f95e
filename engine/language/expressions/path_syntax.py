"""The text of a JSONPath, read into steps.

The dialect is Jayway's as AWS Step Functions has it: names by dot or bracket, indexes, unions, slices, wildcards, `..` and
filters. What AWS documents as unsupported (functions, regular expressions, lexical operators, filters that look outside
the element) is refused here with a message that says so. Words without quotes are strings in a filter, as on AWS.
"""

from __future__ import annotations

import re
from typing import Final

from engine.language.expressions.faults import SyntaxFault
from engine.language.expressions.path_steps import (
    Absent,
    All,
    Compare,
    Comparison,
    Constant,
    Descent,
    Exists,
    Filter,
    Indexes,
    Names,
    Not,
    Operand,
    Relative,
    Slice,
    Some,
    Step,
    Test,
    Wildcard,
)

GROUPS_MAX = 20  # brackets, groups and negations inside one another in filters; keeps the reader's stack small.

_BLANKS = re.compile(r"\s*")
_INDEXES = re.compile(r"(-?\d+(?:\s*,\s*-?\d+)*)\s*\]")
_SLICE = re.compile(r"(-?\d+)?\s*:\s*(-?\d+)?\s*\]")
_FROM_END = re.compile(r"\(\s*@\.length\s*-\s*(\d+)\s*\)\s*\]")
_QUOTED: Final = {
    "'": re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL),
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
}
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])")
_WORD = re.compile(r"[^\W\d][\w-]*")
_OPERATOR = re.compile(r"===|!==|==|!=|<=|>=|=~|<|>|[A-Za-z]+")
_COMPARISONS: Final[dict[str, Comparison]] = {
    "==": "==",
    "!=": "!=",
    "===": "===",
    "!==": "!==",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}

# A dotted name ends where the surroundings go on: of the whole text, of an intrinsic's argument, of a filter.
NAME_ALONE = re.compile(r"[^.\[\]()\s]+")
NAME_IN_CALL = re.compile(r"[^.\[\]()\s,]+")
_NAME_IN_FILTER = re.compile(r"[^.\[\]()\s,=<>!&|~]+")


def read_steps(
    text: str, start: int, name: re.Pattern[str] = NAME_ALONE
) -> tuple[tuple[Step, ...], int]:
    """Read the steps after a root at `start`; return them and where they end.

    `name` says what a dotted name may hold. Raises SyntaxFault.
    """
    reader = _Reader(text, start)
    steps = reader.steps(name)
    return steps, reader.at


class _Reader:
    """A recursive-descent reader over one text."""

    __slots__ = ("at", "groups", "text")

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.at = start
        self.groups = 0

    def steps(self, name: re.Pattern[str]) -> tuple[Step, ...]:
        steps: list[Step] = []
        while self.at < len(self.text) and self.text[self.at] in ".[":
            if steps and isinstance(steps[-1], Names):
                raise self.fault("several names in one bracket can only be the last step")
            if self.text[self.at] == "[":
                steps.append(self.bracket())
                continue
            self.at += 1
            if self.peek() == ".":
                self.at += 1
                steps.append(Descent(self.after_dot(name)))
            else:
                steps.append(self.after_dot(name))
        return tuple(steps)

    def after_dot(self, name: re.Pattern[str]) -> Step:
        if self.peek() == "[":
            return self.bracket()
        if self.peek() == "*":
            self.at += 1
            return Wildcard()
        found = name.match(self.text, self.at)
        if found is None:
            raise self.fault("a '.' must be followed by a name, '*' or '['")
        self.at = found.end()
        if self.peek() == "(":
            raise self.fault(f"functions such as {found[0]}() are not supported")
        return found[0]

    def bracket(self) -> Step:
        self.at += 1
        self.blanks()
        character = self.peek()
        if character in _QUOTED:
            return self.names()
        if character == "?":
            return self.filter()
        if character == "*":
            self.at += 1
            self.blanks()
            self.expect("]")
            return Wildcard()
        return self.numbers()

    def names(self) -> Step:
        names = [self.quoted()]
        while self.blanks() == ",":
            self.at += 1
            if self.blanks() not in _QUOTED:
                raise self.fault("a quoted name must follow ','")
            names.append(self.quoted())
        self.expect("]")
        return names[0] if len(names) == 1 else Names(tuple(names))

    def quoted(self) -> str:
        quote = self.text[self.at]
        found = _QUOTED[quote].match(self.text, self.at)
        if found is None:
            raise self.fault(f"the string is not closed by {quote}")
        self.at = found.end()
        if "\\" not in found[1]:
            return found[1]
        # Only the quote and the backslash are escaped; AWS keeps any other backslash as it stands.
        return re.sub(rf"\\([\\{quote}])", r"\1", found[1])

    def numbers(self) -> Step:
        if found := _INDEXES.match(self.text, self.at):
            self.at = found.end()
            indexes = tuple(int(index) for index in found[1].split(","))
            return indexes[0] if len(indexes) == 1 else Indexes(indexes)
        if (found := _SLICE.match(self.text, self.at)) and (found[1] or found[2]):
            self.at = found.end()
            return Slice(int(found[1]) if found[1] else None, int(found[2]) if found[2] else None)
        if (found := _FROM_END.match(self.text, self.at)) and int(found[1]):
            self.at = found.end()
            return -int(found[1])
        raise self.fault(
            "'[' must be followed by ' or a number, a slice, '*' or a filter '?(...)', then ']'"
        )

    def filter(self) -> Filter:
        self.at += 1
        self.blanks()
        self.expect("(")
        test = self.some()
        self.expect(")")
        self.blanks()
        self.expect("]")
        return Filter(test)

    def some(self) -> Test:
        self.groups += 1
        if self.groups > GROUPS_MAX:
            raise self.fault(f"filters nest deeper than {GROUPS_MAX} groups")
        tests = [self.all()]
        while self.blanks() == "|":
            self.expect("||")
            tests.append(self.all())
        self.groups -= 1
        return tests[0] if len(tests) == 1 else Some(tuple(tests))

    def all(self) -> Test:
        tests = [self.test()]
        while self.blanks() == "&":
            self.expect("&&")
            tests.append(self.test())
        return tests[0] if len(tests) == 1 else All(tuple(tests))

    def test(self) -> Test:
        negations = 0
        while self.blanks() == "!":
            self.at += 1
            negations += 1
        if self.peek() == "(":
            self.at += 1
            test = self.some()
            self.blanks()
            self.expect(")")
            return Not(test) if negations % 2 else test
        left = self.operand()
        operator = self.operator() if not negations else None
        if operator is None:
            if isinstance(left, Constant):
                raise self.fault("a filter must compare, or name a member of '@'")
            return Absent(left) if negations % 2 else Exists(left)
        return Compare(operator, left, self.operand())

    def operator(self) -> Comparison | None:
        self.blanks()
        found = _OPERATOR.match(self.text, self.at)
        if found is None:
            return None
        if found[0] == "=~":
            raise self.fault("filters by regular expression are not supported")
        if found[0] not in _COMPARISONS:
            raise self.fault(f"the filter operator '{found[0]}' is not supported")
        self.at = found.end()
        return _COMPARISONS[found[0]]

    def operand(self) -> Operand:
        character = self.blanks()
        if character == "@":
            self.at += 1
            return Relative(self.steps(_NAME_IN_FILTER))
        if character in _QUOTED:
            return Constant(self.quoted())
        if character == "$":
            raise self.fault("a filter can only look at '@', not at another value")
        if found := _NUMBER.match(self.text, self.at):
            self.at = found.end()
            return Constant(float(found[0]) if set(found[0]) & set(".eE") else int(found[0]))
        if found := _WORD.match(self.text, self.at):
            self.at = found.end()
            return Constant(_WORDS.get(found[0], found[0]))
        raise self.fault("a filter compares '@' paths, strings, numbers, true, false and null")

    def blanks(self) -> str:
        """Skip white space and return the character there, "" at the end."""
        found = _BLANKS.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return self.peek()

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def expect(self, text: str) -> None:
        if not self.text.startswith(text, self.at):
            raise self.fault(f"'{text}' was expected")
        self.at += len(text)

    def fault(self, reason: str) -> SyntaxFault:
        return SyntaxFault(reason, self.text, self.at)
