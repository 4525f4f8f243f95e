"""What becomes of an execution in every state that it may rest in."""

from __future__ import annotations

import pytest
from written import machine, mapped, parallel, states, task, wait

from engine.language.comparing.fit import REASONS
from engine.language.comparing.positions import Position, positions
from engine.language.comparing.reach import ends_reachable


def judged(old, new, **mapping: str) -> dict[str, Position]:
    return {each.state: each for each in positions(old, new, mapping)}


def verdicts(old, new, **mapping: str) -> dict[str, str]:
    return {
        name: each.reason or each.verdict + " anew" * each.renewed
        for name, each in judged(old, new, **mapping).items()
    }


def test_every_state_moves_to_the_one_of_its_name_or_of_the_mapping():
    old, new = machine(A=task(), B=wait(), C={}), machine(A=task(), Pause=wait(), C={})
    found = judged(old, new, B="Pause")
    assert found == {
        "A": Position("A", "Task", True, "moves", "A"),
        "B": Position("B", "Wait", True, "moves_by_mapping", "Pause"),
        "C": Position("C", "Pass", False, "moves", "C"),
    }


def test_a_state_that_is_gone_blocks_with_its_name_or_that_of_the_wrong_target():
    old, new = machine(A=task(), B=wait()), machine(B=wait())
    assert "'A'" in judged(old, new)["A"].detail
    assert "'Nowhere'" in judged(old, new, A="Nowhere")["A"].detail
    assert verdicts(old, new, A="Nowhere") == {"A": "state_removed", "B": "moves"}


def test_a_mapping_to_other_work_enters_it_anew():
    old, new = machine(A=task(), B=wait()), machine(B=wait())
    assert verdicts(old, new, A="B") == {"A": "moves_by_mapping anew", "B": "moves"}


def test_another_kind_of_state_under_the_same_name_blocks():
    assert verdicts(machine(A=task()), machine(A=wait())) == {"A": "kind_differs"}
    assert verdicts(machine(A=task()), machine(A=wait()), A="A") == {"A": "moves_by_mapping anew"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"In": wait(), "Each": mapped(states(X={}))}, {"Each": mapped(states(X={}, In=wait()))}),
        ({"Each": mapped(states(X={}, In=wait()))}, {"In": wait(), "Each": mapped(states(X={}))}),
        (
            {"P": parallel(states(In=wait()), states(X={}))},
            {"P": parallel(states(X={}), states(In=wait()))},
        ),
    ],
)
def test_a_strand_cannot_leave_its_branch(before, after):
    found = judged(machine(**before), machine(**after))["In"]
    assert (found.verdict, found.reason) == ("blocked", "scope_differs")
    assert found.detail.startswith("In the new definition 'In' lies")


def test_the_states_inside_follow_a_renamed_parallel_only_with_a_mapping():
    old, new = machine(P=parallel(states(In=wait()))), machine(Q=parallel(states(In=wait())))
    assert verdicts(old, new) == {"P": "state_removed", "In": "state_removed"}
    assert verdicts(old, new, P="Q") == {"P": "moves_by_mapping", "In": "moves"}


def test_what_is_inside_is_dropped_with_the_state_around_it_wherever_it_would_have_lain():
    old = machine(P=parallel(states(In=wait())), W=wait())
    new = machine(P=parallel(states(A={}), states(B={})), W=wait())
    assert verdicts(old, new) == {"P": "branches_differ", "In": "branches_differ", "W": "moves"}
    found = judged(old, new, P="P")
    assert found["In"] == Position("In", "Wait", True, "moves_by_mapping", "P", renewed=True)


def test_every_reason_given_is_known():
    old = machine(P=parallel(states(A=wait())), T=task(), S=task())
    new = machine(P=parallel(states(A=wait()), states(B={})), T=wait())
    found = {each.reason for each in positions(old, new, {}) if each.verdict == "blocked"}
    assert found <= REASONS.keys()


# Ends


def test_an_end_is_reached_by_next_choice_or_catch():
    rule = {"Variable": "$.a", "IsPresent": True, "Next": "Loop"}
    built = machine(
        Loop={"Next": "C"},
        C={"Type": "Choice", "Choices": [rule], "Default": "T"},
        T=task(Next="Round", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "F"}]),
        Round={"Next": "Round"},
        F={"Type": "Fail"},
    )
    assert [name for name in built.states if not ends_reachable(built, name)] == ["Round"]


def test_a_branch_that_ends_is_no_end_where_the_state_around_it_leads_to_none():
    inner = states(In={})
    built = machine(
        C={"Type": "Choice", "Choices": [{"Variable": "$.a", "IsPresent": True, "Next": "Out"}],
           "Default": "Each"},
        Each=mapped(inner, Next="Round"),
        Round={"Next": "Round"},
        Out=mapped(states(Other={}), End=True),
    )  # fmt: skip
    assert not ends_reachable(built, "In")
    assert ends_reachable(built, "Other")
