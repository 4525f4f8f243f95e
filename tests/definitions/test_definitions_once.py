"""What the shipped definitions promise of the world outside: nothing is paid, booked or promised twice.

The workers here are small worlds that keep what was done in them. They lose answers, do late what they were asked, and
forget nothing: as providers that know idempotency keys do.
"""

from __future__ import annotations

import random

import pytest
import test_shipped_definitions as shipped
from test_definitions_withstand import sample_of

from engine.core.events import SignalReceived
from engine.documents import Document
from engine.rehearsal import Fail, Given, Rehearsal, Silence, Submit, Succeed

SEEDS = range(300)
SECOND, DAY = 1000, shipped.DAY_MS
UNSETTLED = {"NeedsAttention"}  # a person looks at it: the money may be anywhere, but nowhere twice


class Provider:
    """A payment provider, its ledger and a reviewer. `done` and `entries` count what has happened."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.trouble = self.chance.choice([0.1, 0.5, 0.9])
        self.done: dict[str, int] = {}
        self.late: list[str] = []  # asked for, and not done yet
        self.entries: list[str] = []
        self.story: list[tuple[str, bool]] = []  # which states asked, and who got no answer

    def __call__(self, task):
        answer = self.answer(task)
        self.story.append((task.state, isinstance(answer, Silence)))
        return answer

    def answer(self, task):
        given = task.input.value
        if task.state == "AskProvider":
            return self.look_up(given["key"])
        if task.state == "Review":
            # The person sees the provider's books, once all that was under way has come through.
            self.catch_up()
            return Submit(
                {}, Succeed({"decision": "done" if given["key"] in self.done else "again"})
            )
        if task.state.startswith("Book"):
            return self.book(given["entry"])
        return self.act(given["key"], task.state)

    def act(self, key, state):
        if self.chance.random() > self.trouble:
            self.do(key)
            return Succeed({"reference": key})
        match self.chance.choice(["busy", "lost", "late", "unheard", "broken"]):
            case "busy":
                return Fail("ProviderBusy") if state != "VoidAuthorisation" else Fail("Busy")
            case "lost":
                self.do(key)
                return Silence()
            case "late":
                self.late.append(key)
                return Silence()
            case "broken":
                self.do(key)
                return Fail(None, transport=True)
            case _:
                return Silence()

    def do(self, key):
        self.done[key] = 1  # a provider does under one key what it is asked once

    def catch_up(self):
        for key in self.late:
            self.do(key)
        self.late.clear()

    def look_up(self, key):
        if self.chance.random() < self.trouble / 2:
            return Silence()
        if key in self.late:
            if self.chance.random() < 0.5:
                return Succeed({"status": "pending"})
            self.catch_up()
        return Succeed({"status": "done" if key in self.done else "unknown"})

    def book(self, entry):
        if entry in self.entries:
            return Fail("AlreadyBooked")
        if self.chance.random() < self.trouble / 2:
            return Fail("LedgerBusy")
        self.entries.append(entry)
        return Silence() if self.chance.random() < self.trouble else Succeed({})


def pay(seed):
    provider = Provider(seed)
    signals = [("Fulfilment", {"fulfilled": provider.chance.random() < 0.8}, DAY)]
    if provider.chance.random() < 0.5:
        signals.append(("RefundRequested", {"refund": True}, 2 * DAY))
    given = [
        Given(SignalReceived(name, f"s{n}", Document.of(payload)), after_ms=after)
        for n, (name, payload, after) in enumerate(signals)
    ]
    rehearsal = Rehearsal(
        shipped.machine_of("payment"), sample_of("payment"), answers=provider, given=given, name="P"
    )
    return rehearsal.run(), provider


@pytest.mark.parametrize("seed", SEEDS)
def test_money_moves_once_and_the_ledger_says_so_whatever_the_provider_loses(seed):
    result, provider = pay(seed)
    end = result.error or shipped.entered(result)[-1]
    assert result.status != "RUNNING"
    assert len(provider.entries) == len(set(provider.entries))
    deeds = {key.removeprefix("P-") for key in provider.done}
    booked = {entry.removeprefix("P-") for entry in provider.entries}
    assert deeds <= {"authorise", "capture", "refund", "void"}
    assert booked <= deeds  # nothing is booked that was not done
    if end not in UNSETTLED:
        assert booked == deeds & {"capture", "refund"}
        expected = {
            "PaymentCompleted": ({"capture"}, {"refund", "void"}),
            "PaymentRefunded": ({"capture", "refund"}, {"void"}),
            "PaymentCancelled": ({"void"}, {"capture", "refund"}),
        }
        there, absent = expected[end]
        assert there <= deeds
        assert not absent & deeds


def test_the_seeds_come_to_every_end_that_a_provider_can_bring_about():
    ends = {shipped.entered(pay(seed)[0])[-1] for seed in SEEDS}
    assert ends == {"PaymentCompleted", "PaymentRefunded", "PaymentCancelled", "NeedsAttention"}


def test_a_deed_is_never_begun_again_after_a_time_out_before_somebody_was_asked():
    again = 0
    for seed in SEEDS:
        story = pay(seed)[1].story
        for number, (deed, is_silent) in enumerate(story):
            if is_silent and deed in {"Authorise", "Capture", "Refund"}:
                later = [what for what, _ in story[number + 1 :]]
                assert later[:1] == ["AskProvider"], (seed, story)
                again += deed in later
    assert again > 10


class Street:
    """Drivers who accept, decline, keep silent or answer late, and a fleet that books them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.booked: set[str] = set()
        self.doubtful: set[str] = set()

    def __call__(self, task):
        given = task.input.value
        match task.state:
            case "FindDrivers":
                near = self.chance.sample(["ann", "bob", "cid", "dan", "eve"], 2)
                return Succeed({"drivers": [{"id": name} for name in near]})
            case "ConfirmDriver":
                return self.confirm(given["driver"])
            case "ReleaseDriver":
                self.booked.discard(given["driver"])
                return Succeed({})
            case _:
                return Succeed({}) if self.chance.random() < 0.8 else Fail("PushDown")

    def confirm(self, driver):
        match self.chance.choice(["booked", "booked", "taken", "lost", "broken"]):
            case "taken" if driver not in self.booked:
                return Fail("DriverTaken")
            case "broken":
                return Fail("FleetDown")
            case "lost":
                self.booked.add(driver)
                return Silence()
            case _:
                self.booked.add(driver)
                return Succeed({})


def ride(seed):
    street = Street(seed)
    chance = street.chance
    answers = [
        ({"offer": chance.randint(1, 6), "accepted": chance.random() < 0.6}, chance.randint(0, 80))
        for _ in range(chance.randint(0, 8))
    ]
    if chance.random() < 0.3:
        answers.append(({"cancelled": True}, chance.randint(0, 80)))
    given = [
        Given(
            SignalReceived("RideAnswer", f"s{n}", Document.of(payload)), after_ms=at * SECOND + 500
        )
        for n, (payload, at) in enumerate(answers)
    ]
    rehearsal = Rehearsal(
        shipped.machine_of("ride-matching"), sample_of("ride-matching"), answers=street, given=given
    )
    return rehearsal.run(), street, answers


@pytest.mark.parametrize("seed", SEEDS)
def test_at_most_one_driver_is_booked_and_only_one_who_accepted(seed):
    result, street, answers = ride(seed)
    assert result.status != "RUNNING"
    if result.status == "SUCCEEDED":
        assert street.booked == {result.output["driver"]}
        assert ({"offer": result.output["offer"], "accepted": True}) in [
            each for each, _ in answers
        ]
    else:
        assert street.booked == set()


@pytest.mark.parametrize("seed", SEEDS[:100])
def test_every_offer_goes_to_another_driver(seed):
    result, _, _ = ride(seed)
    offers = [task.input.value for task in result.tasks if task.state == "OfferRide"]
    assert len({offer["driver"] for offer in offers}) == len(offers)
    assert [offer["offer"] for offer in offers] == list(range(1, len(offers) + 1))
