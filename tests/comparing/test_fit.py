"""What a strand may keep when it is moved from one state to another."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from written import distributed, machine, mapped, parallel, states, task, wait

from engine.language.comparing.fit import REASONS, Fit, fit
from engine.language.machine import State

SYNC = "arn:aws:states:::states:startExecution.sync:2"
START = "arn:aws:states:::states:startExecution"
NESTED: dict[str, Any] = {"Parameters": {"StateMachineArn": "child"}}


def state(fields: dict[str, Any], name: str = "A") -> State:
    return machine(**{name: fields}).states[name]


BRANCH = states(B={})
OTHER = states(C={})
KINDS = {
    "activity": task(),
    "lambda": task("arn:aws:lambda:eu-west-1:123456789012:function:work"),
    "service": task("arn:aws:states:::dynamodb:putItem"),
    "callback": task("activity:work.waitForTaskToken"),
    "http": task("https://example.com/work"),
    "signal": task("signal:work"),
    "child": task(START, **NESTED),
    "awaited child": task(SYNC, **NESTED),
    "wait": wait(),
    "parallel": parallel(BRANCH),
    "map": mapped(BRANCH),
    "distributed map": distributed(BRANCH),
}
PASSING = {
    "pass": {},
    "choice": {"Type": "Choice", "Choices": [], "Default": "Z"},
    "succeed": {"Type": "Succeed"},
    "fail": {"Type": "Fail"},
}


def passing(kind: str, name: str = "A") -> State:
    fields = PASSING[kind]
    if kind == "choice":
        rule = {"Variable": "$.a", "IsPresent": True, "Next": "Z"}
        fields = {"Type": "Choice", "Choices": [rule]}
        return machine(**{name: fields, "Z": {}}).states[name]
    return state(fields, name)


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_kind_of_state_keeps_what_is_held(kind: str, explicit: bool):
    old, new = state(KINDS[kind]), state(KINDS[kind])
    assert fit(old, new, explicit=explicit) == Fit("keep")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (task("activity:work"), task("activity:elsewhere")),
        (task("https://example.com/a"), task("https://example.com/b")),
        (task("signal:yes"), task("signal:agreed")),
        (wait(60), {"Type": "Wait", "TimestampPath": "$.until"}),
        (task(SYNC, **NESTED), task("workflow:child")),
        (parallel(BRANCH), parallel(OTHER)),
        (mapped(BRANCH), mapped(OTHER, MaxConcurrency=3)),
        (distributed(BRANCH, Label="a"), distributed(OTHER, Label="b", ToleratedFailureCount=3)),
        (task(Retry=[{"ErrorEquals": ["a"]}]), task()),
    ],
)
def test_a_state_of_the_same_name_whose_fields_changed_keeps_what_is_held(before, after):
    assert fit(state(before), state(after), explicit=False) == Fit("keep")


@pytest.mark.parametrize(("before", "after"), [*permutations(KINDS, 2)])
def test_another_kind_of_state_blocks_and_is_entered_anew_only_by_the_mapping(before, after):
    old, new = state(KINDS[before]), state(KINDS[after])
    refused = fit(old, new, explicit=False)
    assert (refused.verdict, refused.reason) == ("blocked", "kind_differs")
    assert "'A'" in refused.detail
    assert fit(old, new, explicit=True) == Fit("renew")


def test_a_deliberate_move_to_other_work_starts_that_work():
    old, new = state(task("activity:sign"), "Sign"), state(task("activity:check"), "Check")
    assert fit(old, new, explicit=True) == Fit("renew")


def test_a_deliberate_move_to_the_same_work_under_another_name_keeps_the_task():
    old, new = state(task("activity:sign"), "Sign"), state(task("activity:sign"), "GetSignature")
    assert fit(old, new, explicit=True) == Fit("keep")


def test_a_deliberate_move_to_another_signal_keeps_the_subscription():
    old, new = state(task("signal:yes"), "Yes"), state(task("signal:agreed"), "Agreed")
    assert fit(old, new, explicit=True) == Fit("keep")


def test_a_state_that_is_gone_blocks_even_where_the_mapping_names_it():
    for explicit in (False, True):
        gone = fit(state(wait()), None, explicit=explicit)
        assert (gone.verdict, gone.reason) == ("blocked", "state_removed")
        assert "'A'" in gone.detail


def test_another_number_of_branches_blocks_and_is_entered_anew_only_by_the_mapping():
    old, new = state(parallel(BRANCH)), state(parallel(BRANCH, OTHER))
    refused = fit(old, new, explicit=False)
    assert (refused.verdict, refused.reason) == ("blocked", "branches_differ")
    assert "2 branches instead of 1" in refused.detail
    assert fit(old, new, explicit=True) == Fit("renew")


@pytest.mark.parametrize("before", PASSING)
@pytest.mark.parametrize("after", [*PASSING, *KINDS])
def test_states_that_hold_nothing_are_moved_to_any_other(before: str, after: str):
    new = passing(after) if after in PASSING else state(KINDS[after])
    expected = "keep" if before == after else "renew"
    assert fit(passing(before), new, explicit=False).verdict == expected


@pytest.mark.parametrize("before", KINDS)
@pytest.mark.parametrize("after", KINDS)
def test_a_state_that_was_not_entered_yet_never_blocks(before: str, after: str):
    verdict = fit(state(KINDS[before]), state(KINDS[after]), explicit=False, held=False).verdict
    assert verdict == ("keep" if before == after else "renew")


def test_every_reason_is_a_code_with_a_sentence():
    assert all(code.replace("_", "").isalpha() for code in REASONS)
    assert all(sentence.endswith(".") for sentence in REASONS.values())
