"""Writing through a reference path: what is put is found, and nothing else changes."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.language.expressions.paths import parse_path, parse_reference_path
from engine.language.expressions.scope import ExpressionError, Scope

SCOPE = Scope(dict, entropy=None)
NAMES = st.sampled_from(["a", "b", "with blank", "it's", "back\\slash", "é", ""])
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=15,
)
STEPS = st.lists(NAMES | st.integers(-3, 3), max_size=5)


def written(steps: list[str | int]) -> str:
    """A path in brackets; names escaped."""
    return "$" + "".join(
        f"[{step}]"
        if isinstance(step, int)
        else "['" + step.replace("\\", "\\\\").replace("'", "\\'") + "']"
        for step in steps
    )


def put(steps: list[str | int], document: Any, value: Any) -> Any:
    """The changed document, or None where it cannot be written."""
    try:
        return parse_reference_path(written(steps)).put(document, value)
    except ExpressionError:
        return None


@given(steps=STEPS, document=DOCUMENTS, value=DOCUMENTS)
def test_what_is_put_is_found_and_the_original_is_unchanged(
    steps: list[str | int], document: Any, value: Any
) -> None:
    before = copy.deepcopy(document)
    changed = put(steps, document, value)
    assert document == before
    if changed is not None:
        assert parse_path(written(steps)).find(changed, SCOPE) is value


@given(steps=STEPS, document=DOCUMENTS)
def test_what_is_not_on_the_way_is_the_same_object(steps: list[str | int], document: Any) -> None:
    changed = put(steps, document, "new")
    for step in steps:
        if changed is None or not isinstance(document, dict | list):
            return
        if isinstance(document, dict):
            others = [key for key in document if key != step]
            assert list(changed)[: len(document)] == list(document)
        else:
            others = [at for at in range(len(document)) if at != step % len(document)]
        assert all(changed[other] is document[other] for other in others)
        if isinstance(document, dict) and step not in document:
            return
        document, changed = document[step], changed[step]


@given(steps=st.lists(NAMES, max_size=5), document=st.dictionaries(NAMES, st.just({}), max_size=3))
def test_names_can_always_be_put_into_objects(steps: list[str], document: dict[str, Any]) -> None:
    assert put(list(steps), document, "new") is not None
