"""Stub."""

from typing import Any, Literal
from engine.language.expressions.templates import Template

Kind = Literal["boolean", "integer", "string", "array", "timestamp", "number", "array or object"]


def compile_jsonata(document: Any, *, field: str, available: frozenset[str]) -> Template:
    raise AssertionError


def compile_typed(value: Any, *, field: str, available: frozenset[str], kind: Kind) -> Template:
    raise AssertionError
