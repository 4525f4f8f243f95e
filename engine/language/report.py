"""Collects the problems of one definition and gives each its place in the text."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET
from msgspec.structs import replace

from engine.language.diagnostics.diagnostic import Diagnostic
from engine.language.diagnostics.json_faults import text_diagnostic
from engine.language.limits import CONSEQUENCES_MAX, PROBLEMS_MAX, SUGGESTIONS_MAX
from engine.language.problems import Problem, nearest, severity_of
from engine.language.text.source import Path, Source, pointer_of


class Report:
    """The problems found so far."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._problems: dict[tuple[str, Path, str], Problem] = {}
        self._spoiled: set[Path] = set()
        self._suggestions = SUGGESTIONS_MAX
        self._consequences = CONSEQUENCES_MAX
        self._also: dict[Path, list[Diagnostic]] = {}
        for finding in source.findings:
            place = source.lines.place(finding.offset)
            aws = text_diagnostic(finding, source)
            self._keep(finding.code, finding.path, finding.message, finding.hint, place, aws)
        found = source.findings
        self._ambiguous = {f.path: f.message for f in found if f.code == "yaml_ambiguous"}
        # Keys that stand twice: what the first of the two said is lost.
        self.duplicates = frozenset(f.path for f in found if f.code == "duplicate_key")

    def add(
        self,
        code: str,
        path: Path,
        message: str,
        hint: str = "",
        *,
        key: bool = False,
        at: int | None = None,
        aws: Diagnostic | None = None,
    ) -> None:
        """Note a problem with the value at `path`. Twice is once.

        With `key`, it is shown at the value's key; with `at`, at that character of the text at `path`. `aws` is the
        same in AWS's words, where it would report it, too.
        """
        self._keep(code, path, message, hint, self.source.place(path, key=key, at=at), aws)

    def also(self, path: Path, aws: Diagnostic) -> None:
        """Note what AWS reports besides, in consequence of an error at or inside `path`; at most CONSEQUENCES_MAX."""
        self._consequences -= 1
        if self._consequences >= 0:
            self._also.setdefault(path, []).append(aws)

    def settle_ambiguous(self, path: Path, hint: str) -> bool:
        """Give the unquoted YAML value at `path`, if it was found ambiguous, a hint that fits the field it stands in.

        True where there is one: then the type it came to have is no problem of its own.
        """
        message = self._ambiguous.get(path)
        if message is None:
            return False
        key = "yaml_ambiguous", path, message
        self._problems[key] = replace(self._problems[key], hint=hint)
        return True

    def _keep(
        self,
        code: str,
        path: Path,
        message: str,
        hint: str,
        place: tuple[int, int],
        aws: Diagnostic | None,
    ) -> None:
        severity = severity_of(code)
        problem = Problem(code, pointer_of(path), *place, message, hint, severity, aws or UNSET)
        self._problems.setdefault((code, path, message), problem)
        if severity == "error":
            self._spoiled.update(path[:length] for length in range(len(path) + 1))

    def spoiled(self, path: Path) -> bool:
        """Whether an error stands at `path` or inside it."""
        return path in self._spoiled

    @property
    def has_errors(self) -> bool:
        return bool(self._spoiled)

    def nearest(self, name: str, known: Iterable[str], *, likeness: float = 0.7) -> str | None:
        """The known name that is probably meant; gives up after SUGGESTIONS_MAX searches."""
        self._suggestions -= 1
        return nearest(name, known, likeness=likeness) if self._suggestions >= 0 else None

    def did_you_mean(self, name: str, known: Iterable[str]) -> str:
        """A hint naming the one of a few fixed names that is probably meant, or nothing."""
        near = self.nearest(name, known, likeness=0.6)
        return f"Did you mean {near}?" if near else ""

    def problems(self) -> tuple[Problem, ...]:
        """All problems in the order of the text; no more than PROBLEMS_MAX, errors before warnings."""
        if self._also:
            self._attach()
        found = sorted(self._problems.values(), key=_order)
        if len(found) > PROBLEMS_MAX:
            errors_first = sorted(
                found, key=lambda problem: problem.severity
            )  # "error" < "warning"
            found = sorted(errors_first[:PROBLEMS_MAX], key=_order)
        return tuple(found)

    def _attach(self) -> None:
        """Give what AWS reports besides to the first error that is near enough to be its cause."""
        causes: dict[Path, tuple[str, Path, str]] = {}
        for key, problem in sorted(self._problems.items(), key=lambda item: _order(item[1])):
            path = key[1]
            for length in range(len(path) + 1) if problem.severity == "error" else ():
                causes.setdefault(path[:length], key)
        for path, more in self._also.items():
            at = causes.get(path, causes.get(()))
            if at is not None:
                cause = self._problems[at]
                known = (*(cause.aws_also or ()), *more)
                self._problems[at] = replace(cause, aws_also=known)
        self._also.clear()


def _order(problem: Problem) -> tuple[int, int, str, str, str]:
    return problem.line, problem.column, problem.pointer, problem.code, problem.message
