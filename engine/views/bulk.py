"""Migrations, and other operations on many executions, as callers are shown them."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

Outcomes = Literal["moves", "moves_by_mapping", "blocked"]


class VerdictView(Struct, frozen=True):
    """What would become of one execution. `state` is where it is, or the strand of it that is blocked; `to` where it goes."""

    id: str
    version: int
    state: str
    outcome: Outcomes
    to: str
    reason: str
    detail: str
    warnings: list[str]


class PositionPlan(Struct, frozen=True):
    """Executions at one position with one verdict. `warned` of them have warnings; `example` is one of them."""

    version: int
    state: str
    outcome: Outcomes
    to: str
    count: int
    reason: str
    detail: str
    warned: int
    warnings: list[str]
    example: str


class MigrationPlan(Struct, frozen=True):
    """What a migration would do now. `complete`: all executions of the filter were looked at.

    `mapping` is, by version they come from, the states whose executions go to another state.
    """

    definition: str
    version: int
    mapping: dict[str, dict[str, str]]
    examined: int
    complete: bool
    moves: int
    moves_by_mapping: int
    blocked: int
    positions: list[PositionPlan]


class VerdictPage(Struct, frozen=True):
    executions: list[VerdictView]
    next: str | None = None


class OperationView(Struct, frozen=True, kw_only=True):
    """An operation on many executions and how far it has come.

    `told` executions have been asked, `waiting` of them have not answered yet; `answers` counts the others by outcome.
    """

    id: str
    kind: str
    definition: str
    status: Literal["RUNNING", "PAUSED", "CANCELLED", "DONE"]
    by: str
    created: str
    seen: int
    told: int
    waiting: int
    answers: dict[str, int]
    finished: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    version: int | UnsetType = UNSET
    mapping: dict[str, str] | UnsetType = UNSET
    data: str | UnsetType = UNSET
    percent: float | UnsetType = UNSET
    count: int | UnsetType = UNSET
    rate: float | UnsetType = UNSET
    rolls_back: str | UnsetType = UNSET


class OperationPage(Struct, frozen=True):
    operations: list[OperationView]
    next: str | None = None


class AnswerView(Struct, frozen=True):
    """An execution that has not done what was asked, and why."""

    execution: str
    reason: str
    detail: str


class AnswerPage(Struct, frozen=True):
    executions: list[AnswerView]
    next: str | None = None
