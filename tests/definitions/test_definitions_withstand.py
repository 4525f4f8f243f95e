"""What the shipped definitions withstand: any input, any answer of a worker, any payload of a signal.

States.Runtime is never caught, so a definition that can meet it leaves undone what it has begun. Each of its ends must
be one that its author wrote. The runs are those of `cases/`, with one thing replaced at a time.
"""

from __future__ import annotations

import json

import pytest
import test_shipped_definitions as shipped

from engine.core.limits import PAYLOAD_BYTES_MAX
from engine.documents import Document
from engine.rehearsal import Rehearsal, Succeed, given_answers

ODD = [None, {}, [], "odd", 7, True, {"points": "high"}, "x" * (PAYLOAD_BYTES_MAX - 2)]
ODD_NAMES = ["null", "{}", "[]", "text", "number", "true", "field of another type", "huge"]
NEEDED = {
    "order-fulfilment": ("orderId", "amount value", "amount currency", "items", "customer email"),
    "loan-approval": ("applicationId", "amount", "applicant email"),
    "document-signing": ("documentId", "title", "signer email"),
    "payment": ("paymentId", "amount value", "amount currency", "method"),
    "ride-matching": ("rideId", "rider id", "pickUp lat", "pickUp lon"),
}
SAMPLES = {
    "order-fulfilment": "mugs",
    "loan-approval": "clear-yes",
    "document-signing": "lease",
    "payment": "mugs",
    "ride-matching": "station",
}
FIELDS = [(name, field) for name, fields in NEEDED.items() for field in fields]


def ran(name, given):
    answers = next(table["answers"] for owner, table in shipped.tables() if owner == name)
    return Rehearsal(shipped.machine_of(name), given, answers=given_answers(answers)).run()


def sample_of(name):
    path = shipped.FOLDER / "samples" / name / f"{SAMPLES[name]}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def refused(result):
    return result.tasks == [] and result.status == "FAILED" and result.error.startswith("Invalid")


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=[f"{n}: {f}" for n, f in FIELDS])
@pytest.mark.parametrize("value", ["absent", None, {}, []], ids=["absent", "null", "{}", "[]"])
def test_an_input_that_lacks_what_is_needed_is_refused_before_any_task(name, field, value):
    given = sample_of(name)
    *outer, last = field.split()
    holder = given[outer[0]] if outer else given
    del holder[last]
    if value != "absent":
        holder[last] = value
    assert refused(ran(name, given))


@pytest.mark.parametrize("name", shipped.DEFINITIONS)
@pytest.mark.parametrize("given", ODD[:-1], ids=ODD_NAMES[:-1])
def test_an_input_of_another_kind_is_refused_before_any_task(name, given):
    assert refused(ran(name, Document.of(given)))


def authored(name, result):
    """Whether it succeeded, failed in a Fail state of the definition, or still waits for a good answer."""
    states = shipped.machine_of(name).states
    ended_in = states[shipped.entered(result)[-1]].type
    return result.status in {"SUCCEEDED", "RUNNING"} or ended_in == "Fail"


@pytest.mark.parametrize("odd", ODD, ids=ODD_NAMES)
@pytest.mark.parametrize(
    ("name", "answers", "case"),
    shipped.CASES,
    ids=[f"{n}: {c['name']}" for n, _, c in shipped.CASES],
)
def test_no_answer_of_a_worker_ends_an_execution_otherwise_than_its_author_wrote(
    name, answers, case, odd
):
    for state in answers:
        result = shipped.rehearse(name, answers, with_answer(case, state, {"succeed": odd}))
        assert authored(name, result), (state, result.error, result.cause)
        assert not charged_for_nothing(name, result), state


@pytest.mark.parametrize("odd", ODD, ids=ODD_NAMES)
@pytest.mark.parametrize(
    ("name", "answers", "case"),
    [entry for entry in shipped.CASES if entry[2].get("signals")],
)
def test_no_payload_of_a_signal_ends_an_execution_otherwise_than_its_author_wrote(
    name, answers, case, odd
):
    signals = [{**signal, "payload": odd} for signal in case["signals"]]
    result = shipped.rehearse(name, answers, {**case, "signals": signals})
    assert authored(name, result), (result.error, result.cause)
    assert not charged_for_nothing(name, result)


def with_answer(case, state, answer):
    return {**case, "answers": {**case.get("answers", {}), state: [answer]}}


def charged_for_nothing(name, result):
    """Whether an order ended with a charge that was neither earned nor refunded, and without asking for a person."""
    states = [task.state for task in result.tasks]
    if name != "order-fulfilment" or "ChargeCard" not in states or result.status == "SUCCEEDED":
        return False
    fine = {"PaymentDeclined", "NeedsAttention"}
    return "RefundCharge" not in states and result.error not in fine


def test_a_worker_that_names_no_error_is_undone_like_any_other():
    answers = next(t["answers"] for n, t in shipped.tables() if n == "order-fulfilment")
    for state in ("ChargeCard", "ReserveStock", "CreateLabel"):
        case = with_answer({"sample": "mugs"}, state, {"fail": None})
        assert shipped.rehearse("order-fulfilment", answers, case).error == "OrderCancelled"


def test_the_signing_page_is_told_where_to_send_the_signal():
    result = Rehearsal(
        shipped.machine_of("document-signing"),
        sample_of("document-signing"),
        answers={"SendDocument": [Succeed()]},
        definition="document-signing",
        name="D-1",
    ).run()
    assert result.tasks[0].input.value["execution"] == "document-signing:D-1"
