"""What is wrong with an expression in a definition, found when it is compiled."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class ExpressionProblem(msgspec.Struct, frozen=True):
    """One fault. `pointer` is a JSON pointer relative to what was compiled; `hint` says how to mend it."""

    pointer: str
    message: str
    hint: str | None = None
    at: int | None = None  # the offending character of the text at `pointer`, counted from 0
    unknown: str = ""  # a function that does not exist; the reader may know what was meant
    code: str = ""  # of a warning: its problem code
    aws: str = ""  # AWS's words for it, where it refuses the same and they are known
    aws_pointer: str | None = None  # where AWS sees it; None: at `pointer`


class SyntaxFault(ValueError):
    """The text of an expression cannot be read. `detail` says why, and where if that is known; `at` counts from 0."""

    def __init__(
        self,
        reason: str,
        text: str = "",
        at: int | None = None,
        *,
        head: str = "",
        unknown: str = "",
    ) -> None:
        self.reason = reason
        self.text = text
        self.at = at
        self.unknown = unknown
        where = "" if at is None else f" (at character {at + 1} of '{one_line(text)}')"
        self.detail = reason + where
        super().__init__(f"{head}: {self.detail}" if head else self.detail)

    def under(self, head: str) -> SyntaxFault:
        """The same, introduced by `head`."""
        return SyntaxFault(self.reason, self.text, self.at, head=head, unknown=self.unknown)


def one_line(text: str, length_max: int = 120) -> str:
    """A text of the author's for a message: on one line, cut when long."""
    cut = text if len(text) <= length_max else text[: length_max - 1] + "…"
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut)


class InvalidExpression(ValueError):
    """An expression cannot be compiled; `problems` holds every fault found, in document order."""

    def __init__(self, problems: Iterable[ExpressionProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.message} at {p.pointer or '/'}" for p in self.problems))


def pointer_to(parent: str, key: str | int) -> str:
    """The JSON pointer of a member; RFC 6901."""
    return f"{parent}/{str(key).replace('~', '~0').replace('/', '~1')}"
