"""The small values of the core: tokens, chance, failures, retries, records, limits."""

from __future__ import annotations

import base64
import uuid

import pytest

from engine.core.effects import Record
from engine.core.entropy import SeededEntropy, derive, secret
from engine.core.failures import Failure, timed_out
from engine.core.flow.retry import catcher_for, next_attempt
from engine.core.limits import Limits
from engine.core.records import DETAILS, iso, render
from engine.core.tokens import TaskToken, parse_task_token, task_token
from engine.documents import Document
from engine.language.machine import Catcher, Retrier


@pytest.mark.parametrize("execution", ["d:n", "a@b:c@d", "déf:ñ"])
@pytest.mark.parametrize("frame", ["0", "0/2/17"])
def test_a_task_token_can_be_taken_apart(execution, frame):
    token = task_token(execution, frame, 12, "s-e_c")
    assert parse_task_token(token) == TaskToken(execution, frame, 12, "s-e_c")
    assert token.isascii()
    assert "/" not in token


def encoded(text):
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        ".secret",
        "abc.",
        "é.secret",
        "####.secret",
        encoded(b"no place") + ".secret",
        encoded(b"d:n/0@x") + ".secret",
        encoded(b"/0@1") + ".secret",
        encoded(b"d:n/0@01") + ".secret",
        encoded(b"d:n/0@18446744073709551616") + ".secret",
        encoded(b"d:n/0|x@1") + ".secret",
        "ZDpuLzBAMR.secret",  # spells the bytes of "d:n/0@1" another way
        encoded(b"\xff\xfe/0@1") + ".secret",
    ],
)
def test_what_is_no_task_token_is_refused(text):
    with pytest.raises(ValueError, match="not a task token"):
        parse_task_token(text)


def test_chance_is_the_same_for_the_same_seed_and_revision_only():
    first = [SeededEntropy(b"seed", 3).uuid() for _ in range(2)]
    assert first[0] == first[1]
    assert SeededEntropy(b"seed", 4).uuid() != first[0]
    assert SeededEntropy(b"deed", 3).uuid() != first[0]


def test_chance_goes_on_with_every_call():
    chance = SeededEntropy(b"seed", 1)
    drawn = [chance.uuid() for _ in range(50)]
    assert len(set(drawn)) == 50
    assert all(uuid.UUID(each).version == 4 for each in drawn)
    assert all(uuid.UUID(each).variant == uuid.RFC_4122 for each in drawn)


def test_numbers_of_chance_lie_in_their_bounds():
    chance = SeededEntropy(b"seed", 1)
    assert all(0 <= chance.uniform() < 1 for _ in range(200))
    assert {chance.below(3) for _ in range(200)} == {0, 1, 2}


def test_secrets_differ_by_purpose_and_by_every_part():
    assert len(derive(b"s", "a")) == 32
    assert len(secret(b"s", "a", 1)) == 24
    assert secret(b"s", "a", 1, 11) != secret(b"s", "a", 11, 1)
    assert secret(b"s", "a", 1) != secret(b"s", "b", 1)


@pytest.mark.parametrize(
    ("failure", "names", "matches"),
    [
        (Failure("Busy", None), {"Busy"}, True),
        (Failure("Busy", None), {"Bus"}, False),
        (Failure("Busy", None), {"States.ALL"}, True),
        (Failure("Busy", None), {"States.TaskFailed"}, True),
        (Failure(None, None), {"States.TaskFailed"}, True),
        (Failure(None, None), {"Busy"}, False),
        (timed_out(), {"States.TaskFailed"}, False),
        (timed_out(), {"States.HeartbeatTimeout"}, False),
        (timed_out(heartbeat=True), {"States.HeartbeatTimeout"}, True),
        (timed_out(heartbeat=True), {"States.Timeout"}, True),
        (Failure("States.DataLimitExceeded", ""), {"States.TaskFailed"}, False),
        (Failure("States.DataLimitExceeded", ""), {"States.ALL"}, True),
        (Failure("States.Runtime", ""), {"States.ALL", "States.Runtime"}, False),
    ],
)
def test_which_names_match_a_failure(failure, names, matches):
    assert failure.is_matched_by(frozenset(names)) is matches


def retrier(**given):
    return Retrier(error_equals=frozenset({"Busy"}), **given)


def test_jitter_lies_between_nothing_and_the_whole_delay():
    rule = retrier(interval_seconds=10, jitter_full=True)
    chance = SeededEntropy(b"seed", 1)
    again = [next_attempt((rule,), Failure("Busy", None), (), chance) for _ in range(100)]
    delays = [each.delay_ms for each in again if each is not None]
    assert len(delays) == 100
    assert all(0 <= delay < 10_000 for delay in delays)
    assert len(set(delays)) > 50


def test_a_backoff_that_grows_beyond_every_number_ends_at_the_longest_delay():
    rule = retrier(backoff_rate=1e300, attempts_max=10**6)
    again = next_attempt((rule,), Failure("Busy", None), (5,), SeededEntropy(b"s", 1))
    assert again is not None
    assert again.delay_ms == 99_999_999_000


def test_attempts_of_a_version_with_fewer_or_more_retriers_are_counted_by_position():
    rule = retrier(attempts_max=3)
    for used, expected in (((2, 9), (3,)), ((), (1,))):
        again = next_attempt((rule,), Failure("Busy", None), used, SeededEntropy(b"s", 1))
        assert again is not None
        assert again.retries == expected
    both = next_attempt((rule, rule), Failure("Busy", None), (2,), SeededEntropy(b"s", 1))
    assert both is not None
    assert both.retries == (3, 0)


def test_no_catcher_takes_what_none_names():
    catchers = (Catcher(error_equals=frozenset({"Other"}), next="A"),)
    assert catcher_for(catchers, Failure("Busy", None)) is None


def test_times_are_iso_with_milliseconds():
    assert iso(1_767_225_600_007) == "2026-01-01T00:00:00.007Z"


def test_payloads_are_shown_as_json_strings_told_to_be_whole():
    record = Record(3, 2, "PassStateExited", 0, {"name": "A", "output": Document.of({"a": []})})
    assert render(record) == {
        "id": 3,
        "previousEventId": 2,
        "timestamp": "1970-01-01T00:00:00.000Z",
        "type": "PassStateExited",
        "stateExitedEventDetails": {
            "name": "A",
            "output": '{"a":[]}',
            "outputDetails": {"truncated": False},
        },
    }


def test_details_that_are_empty_are_shown_only_where_aws_shows_them():
    assert render(Record(1, 0, "ExecutionFailed", 0, {}))["executionFailedEventDetails"] == {}
    assert set(render(Record(1, 0, "LambdaFunctionStarted", 0, {}))) == {
        "id",
        "previousEventId",
        "timestamp",
        "type",
    }


def test_keys_of_details_are_spelled_as_aws_spells_them():
    assert DETAILS["ChoiceStateEntered"] == "stateEnteredEventDetails"
    assert DETAILS["LambdaFunctionTimedOut"] == "lambdaFunctionTimedOutEventDetails"
    assert DETAILS["MapIterationAborted"] == "mapIterationAbortedEventDetails"
    assert DETAILS["SignalReceived"] == "signalReceivedEventDetails"


def test_a_payload_fits_up_to_the_last_byte_of_its_text():
    assert Limits(payload_bytes_max=4).fits(Document.of("éé"[:1]))
    assert not Limits(payload_bytes_max=5).fits(Document.of("éé"))
