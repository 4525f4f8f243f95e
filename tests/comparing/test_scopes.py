"""The way down to a state."""

from __future__ import annotations

import pytest
from written import machine, mapped, parallel, states

from engine.language.comparing.scopes import TOP, branches_of, scope_of


def test_the_way_down_names_each_parallel_and_map_with_its_branch_from_the_outside_in():
    inner = mapped(states(**{"Deep/est": {}}))
    built = machine(Split=parallel(states(A={}), states(Each=inner, B={})), Last={})
    assert scope_of(built, "Split") == scope_of(built, "Last") == TOP
    assert scope_of(built, "A") == (("Split", 0),)
    assert scope_of(built, "Each") == (("Split", 1),)
    assert scope_of(built, "Deep/est") == (("Split", 1), ("Each", 0))


def test_names_that_look_like_pointers_do_not_lead_astray():
    odd = "Branches/7/States"
    built = machine(**{odd: parallel(states(**{"~1": {}}), states(**{"~": {}}))})
    assert scope_of(built, "~1") == ((odd, 0),)
    assert scope_of(built, "~") == ((odd, 1),)


def test_the_branches_hold_the_states_directly_in_them():
    built = machine(
        Split=parallel(states(A={}, B={}), states(Each=mapped(states(C={}, D={}))), states(E={}))
    )
    assert branches_of(built, "Split") == (("A", "B"), ("Each",), ("E",))
    assert branches_of(built, "Each") == (("C", "D"),)


def test_an_unknown_state_is_an_error():
    with pytest.raises(KeyError):
        scope_of(machine(A={}), "B")
