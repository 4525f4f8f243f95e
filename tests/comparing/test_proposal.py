"""Which new state a removed one has probably become."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written import (
    SHIPPED,
    machine,
    mapped,
    parallel,
    real_definitions,
    renamed,
    states,
    task,
    wait,
)

from engine.language import examine, read
from engine.language.comparing.changes import document_of
from engine.language.comparing.fit import fit
from engine.language.comparing.proposal import propose


def test_what_kept_its_name_is_not_in_the_proposal_whatever_else_changed():
    assert propose(machine(A=task("activity:a"), B={}), machine(A=wait(), B={})) == {}


def test_a_renamed_state_is_found_between_its_neighbours():
    old = machine(A={}, Sign=task("activity:sign"), B=wait())
    new = machine(A={}, GetSignature=task("activity:sign"), B=wait())
    assert propose(old, new) == {"Sign": "GetSignature"}


def test_a_renamed_state_is_found_behind_an_inserted_one_and_with_changed_fields():
    old = machine(A={}, Sign=task("activity:sign", TimeoutSeconds=60), B=wait())
    signing = task("activity:sign", TimeoutSeconds=90)
    new = machine(A={}, Check=task("activity:check"), GetSignature=signing, B=wait())
    assert propose(old, new) == {"Sign": "GetSignature"}


def test_states_renamed_one_after_another_tell_of_each_other():
    old = machine(**{name: wait() for name in "ABCDE"})
    new = machine(**{name: wait() for name in "VWXYZ"})
    assert propose(old, new) == dict(zip("ABCDE", "VWXYZ", strict=True))


def test_a_state_with_two_equal_candidates_gets_no_proposal():
    old = machine(A={}, Old=wait(), B={})
    new = machine(A={}, One=wait(), Two=wait(), B={})
    assert propose(old, new) == {}


def test_two_removed_states_do_not_both_become_the_one_that_is_left():
    old = machine(A={}, One=wait(), Two=wait(), B={})
    new = machine(A={}, Both=wait(), B={})
    assert propose(old, new) == {}


def test_the_rule_that_leads_to_it_tells_a_state_from_its_twin():
    def choosing(low: str, high: str):
        rules = [
            {"Variable": "$.n", "NumericLessThan": 5, "Next": low},
            {"Variable": "$.n", "NumericGreaterThanEquals": 5, "Next": high},
        ]
        choice = {"Type": "Choice", "Choices": rules}
        return machine(
            **{"C": choice, low: wait(9, End=True), high: wait(9, End=True)}  # the same in both
        )

    assert propose(choosing("Low", "High"), choosing("Little", "Much")) == {
        "Low": "Little",
        "High": "Much",
    }


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(task("activity:other"), id="another resource"),
        pytest.param(wait(), id="another type"),
    ],
)
def test_a_state_that_does_other_work_in_the_same_place_is_no_rename(after):
    old = machine(A={}, Old=task("activity:sign"), B={})
    assert propose(old, machine(A={}, New=after, B={})) == {}


def test_a_call_of_another_function_is_no_rename():
    def invoking(name: str):
        return task("arn:aws:states:::lambda:invoke", Parameters={"FunctionName": name})

    old = machine(A={}, Old=invoking("charge"), B={})
    assert propose(old, machine(A={}, New=invoking("refund"), B={})) == {}
    assert propose(old, machine(A={}, New=invoking("charge"), B={})) == {"Old": "New"}


def test_the_same_work_in_another_place_is_no_rename():
    failed = {"Type": "Fail"}
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}]
    charge = task("activity:pay", Catch=catch)
    old = machine(A={}, Charge=charge, B={}, C={}, D={"Next": "End"}, Failed=failed, End={})
    new = machine(A={}, B={}, C={}, Refund=charge, D={"Next": "End"}, Failed=failed, End={})
    assert propose(old, new) == {}


def test_a_parallel_with_another_number_of_branches_is_not_proposed():
    old = machine(A={}, Old=parallel(states(X={})), B={})
    new = machine(A={}, New=parallel(states(X={}), states(Y={})), B={})
    assert propose(old, new) == {}


def test_states_inside_are_found_once_what_is_around_them_is():
    old = machine(A={}, Old=mapped(states(In=task(), Out=wait())), B={})
    new = machine(A={}, New=mapped(states(Into=task(), Outof=wait())), B={})
    assert propose(old, new) == {"Old": "New", "In": "Into", "Out": "Outof"}


def test_many_equal_branches_are_told_apart_by_their_order():
    def split(prefix: str):
        return parallel(*(states(**{f"{prefix}{at}": task()}) for at in range(60)))

    found = propose(machine(P=split("Old")), machine(P=split("New")))
    assert found == {f"Old{at}": f"New{at}" for at in range(60)}


def test_a_state_that_moved_into_another_scope_is_not_proposed():
    old = machine(A={}, Old=task(), Each=mapped(states(X={})), B={})
    new = machine(A={}, Each=mapped(states(New=task(), X={})), B={})
    assert propose(old, new) == {}


def names_of(document):
    return st.lists(st.sampled_from(list(read(json.dumps(document)).states)), unique=True)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_any_set_of_renamed_states_of_a_shipped_definition_is_found_again(path: Path):
    document = document_of(path.read_text(encoding="utf-8"), "yaml")
    old = read(json.dumps(document))

    @settings(max_examples=25, deadline=None)
    @given(names_of(document), st.randoms(use_true_random=False))
    def found_again(chosen, random):
        numbers = random.sample(range(100), len(chosen))  # no hint in the order of the names
        names = {name: f"New{number}" for name, number in zip(chosen, numbers, strict=True)}
        assert propose(old, read(json.dumps(renamed(document, names)))) == names

    found_again()


def test_real_definitions_whose_states_are_all_renamed_are_found_again():
    compiled = [(each, examine(json.dumps(each))[0]) for each in real_definitions()]
    known = [(document, old) for document, old in compiled if old is not None]
    if not known:
        pytest.skip("the shared definitions are not beside the project")
    for document, old in known:
        names = {name: f"New{number}" for number, name in enumerate(sorted(old.states))}
        assert propose(old, read(json.dumps(renamed(document, names)))) == names


def pieces():
    return st.sampled_from([{}, wait(1), wait(2), task("activity:a"), task("activity:b")])


def chains():
    return st.dictionaries(st.sampled_from("ABCDEFGH"), pieces(), min_size=1, max_size=6).map(
        lambda drawn: machine(**drawn)
    )


@settings(max_examples=200, deadline=None)
@given(chains(), chains())
def test_a_proposal_names_new_states_once_and_keeps_what_is_held(old, new):
    proposed = propose(old, new)
    assert len({*proposed.values()}) == len(proposed)
    for name, target in proposed.items():
        assert name not in new.states
        assert target not in old.states
        assert fit(old.states[name], new.states[target], explicit=True).verdict == "keep"
