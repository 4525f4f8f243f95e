"""Whether everything happened as told: each promise of the example, checked against the history and the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cli.demo.ledger import Ledger
from cli.strands import Record

BACKOFF_SECONDS = (
    1.0,
    2.0,
)  # before the second and the third attempt to charge; as in the definition
_ATTEMPT = ("ActivityScheduled", "ActivityFailed")


@dataclass(slots=True)
class Evidence:
    """What the story has seen of its two orders."""

    ledger: Ledger
    order: str = ""
    cancelled: str = ""
    engine_end: int | None = None  # the first server's exit code; minus the signal's number
    before: list[Record] = field(
        default_factory=list
    )  # the order's history as read before the kill
    history: list[Record] = field(default_factory=list)  # and at the end
    view: dict[str, Any] = field(default_factory=dict)
    cancelled_view: dict[str, Any] = field(default_factory=dict)


def checks(evidence: Evidence) -> Iterator[tuple[str, bool]]:
    """Each promise in a sentence, and whether it was kept."""
    ledger, order, cancelled = evidence.ledger, evidence.order, evidence.cancelled
    refusals = ledger.deeds("charge-card", order, "failed")
    yield "the first two charges were refused by the gateway", len(refusals) == len(BACKOFF_SECONDS)
    yield "its retries came after 1 s and then 2 s, never earlier", _backed_off(evidence.history)
    yield "the card was charged once", len(ledger.deeds("charge-card", order, "done")) == 1
    yield "the engine ended by SIGKILL", evidence.engine_end == -9
    labels = ledger.deeds("create-label", order, "began")
    yield "a task was running when the engine was killed", len({deed.pid for deed in labels}) > 1
    yield "its second worker saw the same idempotency key", len({deed.key for deed in labels}) == 1
    yield "one label was made", len(ledger.deeds("create-label", order, "done")) == 1
    kept = evidence.history[: len(evidence.before)] == evidence.before
    yield "no record from before the kill was lost or changed", kept and bool(evidence.before)
    numbers = [record["id"] for record in evidence.history]
    yield "the history has no gap", numbers == list(range(1, len(numbers) + 1)) and bool(numbers)
    yield "the order succeeded", evidence.view.get("status") == "SUCCEEDED"
    yield "its mail was sent once", len(ledger.deeds("send-mail", order, "done")) == 1
    yield "it was not refunded", not ledger.deeds("refund-charge", order)
    ended = evidence.cancelled_view.get("status"), evidence.cancelled_view.get("error")
    yield "the order without stock failed as OrderCancelled", ended == ("FAILED", "OrderCancelled")
    yield "its charge was refunded once", len(ledger.deeds("refund-charge", cancelled, "done")) == 1


def _backed_off(history: list[Record]) -> bool:
    """Whether the first task was scheduled three times, at least the definition's delays after each failure."""
    charge = [record for record in history if record["type"] in _ATTEMPT][:5]
    if [record["type"] for record in charge] != [*_ATTEMPT, *_ATTEMPT, _ATTEMPT[0]]:
        return False
    gaps = [
        _seconds(again) - _seconds(failed)
        for failed, again in zip(charge[1::2], charge[2::2], strict=True)
    ]
    return all(gap >= delay for gap, delay in zip(gaps, BACKOFF_SECONDS, strict=True))


def _seconds(record: Record) -> float:
    return datetime.fromisoformat(record["timestamp"]).timestamp()
