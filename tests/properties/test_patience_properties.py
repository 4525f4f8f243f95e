"""Wherever and with whatever patience a transition is decided: if an answer comes, it is the answer."""

from __future__ import annotations

import pickle
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from test_transition_properties import definitions, run

from engine.core.limits import Limits
from engine.core.transition import transition
from engine.language.expressions.patience import OverBudget, Patience
from engine.rehearsal import Rehearsal

EFFORTS = (0, 1, 3, 10, 30, 100, 300)


class Impatient(Rehearsal):
    """A rehearsal that decides each transition with too little patience as well, and from what was pickled."""

    answers_given = 0
    given_up = 0

    def _apply(self, event: Any) -> None:
        before = self._load(event)
        whole = self.decide(before, event)
        crossed = self.decide(*pickle.loads(pickle.dumps((before, event, self.now_ms)))[:2])
        assert pickle.loads(pickle.dumps(crossed)) == whole
        for effort in EFFORTS:
            patience = Patience(insists=False, effort_max=effort)
            self.compare(before, event, whole, patience)
        ticks = iter(range(0, 10_000, 20))
        impatient = Patience.in_loop(
            lambda: next(ticks) / 1000
        )  # each look at the clock takes 20 ms
        self.compare(before, event, whole, impatient)
        super()._apply(event)

    def compare(self, before: Any, event: Any, whole: Any, patience: Patience) -> None:
        try:
            assert self.decide(before, event, patience=patience) == whole
        except OverBudget:
            Impatient.given_up += 1
        else:
            Impatient.answers_given += 1

    def decide(self, before: Any, event: Any, **more: Any) -> Any:
        return transition(self.machine, before, event, self.now_ms, limits=self.limits, **more)


@settings(max_examples=60, deadline=None)
@given(definitions(), st.integers(0, 1000))
def test_patience_and_a_way_through_bytes_change_whether_an_answer_comes_and_never_which(
    definition: Any, seed: int
) -> None:
    run(Impatient, definition, seed, limits=Limits(records_max=150))


def test_both_happen() -> None:
    """The property above would hold as well if nothing ever took long."""
    Impatient.answers_given = Impatient.given_up = 0
    states = {"S1": {"Type": "Pass", "Parameters": {"n.$": "States.Array($..n)"}, "End": True}}
    run(Impatient, {"StartAt": "S1", "States": states}, 0)
    assert Impatient.answers_given
    assert Impatient.given_up
