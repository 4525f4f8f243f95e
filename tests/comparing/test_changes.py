"""What changed between two versions, state by state."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import to_builtins
from written import SHIPPED, distributed, mapped, parallel, renamed, states, task, wait

from engine.language import read
from engine.language.comparing.changes import Changes, compare, differences, document_of


def changes(old: dict[str, Any], new: dict[str, Any], **names: str) -> Changes:
    machines = read(json.dumps(old)), read(json.dumps(new))
    return compare(*machines, old, new, names)


def fields(old: dict[str, Any], new: dict[str, Any], **names: str) -> dict[str, list[Any]]:
    found = changes(old, new, **names).changed
    return {each.name: [to_builtins(field) for field in each.fields] for each in found}


def test_added_removed_changed_and_unchanged_states_are_told_apart():
    old = states(A={}, Gone=task(), B=wait(1), C={})
    new = states(A={"Next": "B"}, B=wait(2), New=task("activity:n"), C={})
    found = changes(old, new)
    assert (found.added, found.removed, found.renamed) == (("New",), ("Gone",), {})
    assert [each.name for each in found.changed] == ["A", "B"]
    assert found.unchanged == 1


def test_a_change_has_its_pointer_and_both_values_or_the_one_there_is():
    old = states(A=task(TimeoutSeconds=5, Parameters={"a": {"b/c": 1, "gone": None}}))
    new = states(A=task(HeartbeatSeconds=3, Parameters={"a": {"b/c": 2}}, TimeoutSeconds=5))
    assert fields(old, new) == {
        "A": [
            {"pointer": "/Parameters/a/b~1c", "before": 1, "after": 2},
            {"pointer": "/Parameters/a/gone", "before": None},
            {"pointer": "/HeartbeatSeconds", "after": 3},
        ]
    }


def test_true_is_not_1():
    assert len(fields(states(A={"Result": True}), states(A={"Result": 1}))["A"]) == 1


def test_order_of_keys_and_notation_change_nothing():
    text = "StartAt: A\nStates:\n  A: {Seconds: 1, End: true, Type: Wait}\n"
    found = changes(states(A=wait(1)), document_of(text, "yaml"))
    assert found == Changes((), (), {}, (), 1, ())


def test_what_leads_to_a_renamed_state_has_not_changed():
    rule = {"Variable": "$.a", "IsPresent": True, "Next": "W"}
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "W"}]
    old = states(
        T=task(Catch=catch),
        P=parallel(states(X={})),
        C={"Type": "Choice", "Choices": [rule], "Default": "W"},
        W=wait(),
    )
    names = {"W": "Wait", "X": "Ex", "T": "Tea"}
    found = changes(old, renamed(old, names), **names)
    assert found == Changes((), (), names, (), 2, ())


def test_a_renamed_state_in_which_something_else_changed_is_listed_by_its_new_name():
    old, new = states(A=wait(1)), states(B=wait(2))
    (changed,) = changes(old, new, A="B").changed
    assert (changed.name, changed.was) == ("B", "A")
    assert [each.pointer for each in changed.fields] == ["/Seconds"]


def test_the_states_inside_are_no_change_of_the_state_around_them():
    old = states(P=parallel(states(A={})), M=mapped(states(B=wait(1))))
    new = states(P=parallel(states(A={"Comment": "c"})), M=mapped(states(B=wait(2))))
    assert fields(old, new).keys() == {"A", "B"}


def test_a_state_that_lies_elsewhere_has_moved():
    old = states(P=parallel(states(A={}), states(B={})))
    new = states(P=parallel(states(B={}), states(A={})))
    found = changes(old, new).changed
    assert {each.name: each.moved for each in found} == {"A": True, "B": True, "P": False}


def test_states_of_a_distributed_processor_are_compared_like_all_others():
    old = states(M=distributed(states(A=task(), B=wait(1))))
    new = states(M=distributed(states(A=task(), B=wait(2), C={})))
    found = changes(old, new)
    assert (found.added, found.removed) == (("C",), ())
    assert [each.name for each in found.changed] == ["B"]
    inline = changes(old, states(M=mapped(states(A=task(), B=wait(1)))))
    assert [each.name for each in inline.changed] == ["M"]


def test_fields_of_the_definition_itself_are_told():
    old = {**states(A={}), "TimeoutSeconds": 5}
    new = {**states(Z={}, A={}), "Comment": "later"}
    assert [each.pointer for each in changes(old, new).top] == [
        "/StartAt",
        "/TimeoutSeconds",
        "/Comment",
    ]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "~/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=2), inner),
    max_leaves=8,
)


@given(values, values)
def test_nothing_differs_exactly_where_the_values_are_equal(left, right):
    def text(value):
        return json.dumps(value, sort_keys=True)

    assert not list(differences(left, left))
    assert bool(list(differences(left, right))) is (text(left) != text(right))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_definition_does_not_differ_from_itself(path):
    document = document_of(path.read_text(encoding="utf-8"))
    count = len(read(json.dumps(document)).states)
    assert changes(document, document) == Changes((), (), {}, (), count, ())
