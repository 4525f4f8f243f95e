"""Surroundings for expressions: an empty or given Context Object, and chance without surprises."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.language.expressions.scope import Scope


class Fixed:
    """Chance that always answers the same, within bounds."""

    def uuid(self) -> str:
        return "00000000-0000-4000-8000-000000000000"

    def uniform(self) -> float:
        return 0.5

    def below(self, bound: int) -> int:
        return bound - 1


@pytest.fixture
def scope_of() -> Callable[[dict], Scope]:
    return lambda context: Scope(lambda: context, Fixed())


@pytest.fixture
def scope(scope_of: Callable[[dict], Scope]) -> Scope:
    return scope_of({"Execution": {"Name": "e-1", "Input": {"a": 1}}})
