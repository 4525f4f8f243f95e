"""The ways out of a state, each with what it is taken for."""

from __future__ import annotations

from collections.abc import Iterator

from engine.language.comparing.written import condition_text
from engine.language.machine import Choice, Map, Parallel, State, Task

# What a way is taken for, in a form that is the same in both versions if that is: ("Next",), ("Catch", "E1", "E2") ...
Label = tuple[str, ...]


def ways_of(state: State) -> Iterator[tuple[Label, str]]:
    """Label and target of every way out of the state, in the order in which they are tried; none where its scope ends.

    Two rules of a Choice, or two Catchers for the same errors, may share a label.
    """
    if isinstance(state, Choice):
        for rule in state.rules:
            yield ("Rule", condition_text(rule.condition)), rule.next
        if state.default is not None:
            yield ("Default",), state.default
    elif state.next is not None:
        yield ("Next",), state.next
    if isinstance(state, Task | Parallel | Map):
        for catcher in state.catch:
            yield ("Catch", *sorted(catcher.error_equals)), catcher.next


def starts_of(state: State) -> tuple[str, ...]:
    """The states that its branches, or its iterations, start at; none but a Parallel or an inline Map has any."""
    match state:
        case Parallel():
            return state.branches
        case Map(distributed=None):
            return (state.processor,)
        case _:
            return ()


def ends_scope(state: State) -> bool:
    """Whether its scope can end at the state."""
    return state.next is None and not isinstance(state, Choice)
