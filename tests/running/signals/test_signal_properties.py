"""Whatever comes when and for how long: each state takes the oldest signal that is still good, and each signal has one fate."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.events import SignalReceived
from engine.documents import Document
from engine.rehearsal import Given
from tests.core.machines import run

# A second apart from the moments at which states are entered, so that no two things happen at once.
MOMENTS = st.integers(0, 30).map(lambda second: second * 1000 + 500)
SIGNALS = st.lists(
    st.tuples(MOMENTS, st.none() | st.integers(1, 40).map(lambda n: n * 250 + 1)),
    max_size=12,
    unique_by=lambda each: each[0],
)
STEPS = st.lists(st.none() | st.integers(1, 8), min_size=1, max_size=8)  # listen, or wait so long


def machine_of(steps):
    states = {}
    for number, seconds in enumerate(steps):
        waits = {"Type": "Wait", "Seconds": seconds}
        listens = {"Type": "Task", "Resource": "signal:go", "ResultPath": None}
        states[f"S{number}"] = (waits if seconds else listens) | {"Next": f"S{number + 1}"}
    return states | {f"S{len(steps)}": {"Type": "Succeed"}}


def expected(steps, signals):
    """Who is taken, as somebody with a list and a watch would do it."""
    now, taken = 0, []
    left = dict(enumerate(sorted(signals)))
    for seconds in steps:
        if seconds:
            now += seconds * 1000
            continue
        good = [n for n, (at, ttl) in left.items() if at > now or ttl is None or at + ttl > now]
        if not good:
            return taken, False
        first = good[0]
        now = max(now, left.pop(first)[0])
        taken.append(f"s{first}")
    return taken, True


@settings(max_examples=150, deadline=None)
@given(STEPS, SIGNALS)
def test_each_state_takes_the_oldest_signal_that_is_still_good(steps, signals):
    sent = [
        Given(SignalReceived("go", f"s{n}", Document.of(n), ttl), at)
        for n, (at, ttl) in enumerate(sorted(signals))
    ]
    result = run(machine_of(steps), given=sent, evict=True)
    taken, ends = expected(steps, signals)
    records = [r for r in result.records if r.type in {"SignalConsumed", "SignalExpired"}]
    assert [r.details["id"] for r in records if r.type == "SignalConsumed"] == taken
    assert (result.status == "SUCCEEDED") is ends
    fates = [r.details["id"] for r in records]
    assert len(fates) == len(set(fates))
    received = {r.details["id"] for r in result.records if r.type == "SignalReceived"}
    kept = sum(buffer.count for buffer in result.execution.signals.values())
    assert len(received) == len(fates) + kept
