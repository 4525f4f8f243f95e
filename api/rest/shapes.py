"""Answers that are put together by the face itself; all others are views of the engine."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.core.execution import Status
from engine.language.problems import Problem
from engine.views import AliasView, LeasedTask, Settled, VersionSummary


class Validated(Struct, frozen=True):
    """What a check of a definition found. `valid` is true where nothing but warnings was found."""

    valid: bool
    problems: tuple[Problem, ...]


class Versions(Struct, frozen=True):
    """All versions of a definition, newest first."""

    versions: list[VersionSummary]


class AliasList(Struct, frozen=True):
    """All aliases of a definition, by name."""

    aliases: list[AliasView]


class Stopped(Struct, frozen=True):
    """What became of an execution that was asked to stop."""

    id: str
    status: Status


class Leased(Struct, frozen=True):
    """Tasks that are the caller's until their `lease_until`; none where none was queued."""

    tasks: list[LeasedTask]


class Exchanged(Struct, frozen=True):
    """What became of each outcome, in the order sent, and new tasks."""

    results: list[Settled]
    tasks: list[LeasedTask]


class Accepted(Struct, frozen=True):
    """The outcome counts, and is durable."""

    token: str
    status: Literal["accepted"] = "accepted"
