"""Executions as the protocol shows them."""

from __future__ import annotations

import pytest
from msgspec import structs

from api.aws.rendering import description, event, summary, synchronous
from engine.arns import Place
from engine.core.control.redrivable import Standing
from engine.core.effects import Record
from engine.core.records import render
from engine.documents import Document
from engine.queries.records import shown
from engine.store.codec import Static
from engine.views.described import DescribedExecution

HERE = Place("eu-west-1", "111122223333")
ASKED = Place("us-east-1", "000000000000")
ROLE = "arn:aws:iam::111122223333:role/r"
ENDED = DescribedExecution(
    id="orders:42",
    definition="orders",
    name="42",
    status="FAILED",
    started_ms=1_700_000_000_250,
    stopped_ms=1_700_000_000_451,
    names=HERE.names("orders:42", ROLE),
    published=0,
    alias="",
    redrives=0,
    redriven_ms=0,
    version=3,
    input=Document.from_text(b'{"a":  1}'),
    output=None,
    error="No",
    cause=None,
    redrive=Standing("REDRIVABLE"),
)


def test_an_execution_is_described_by_the_arns_that_it_was_started_with():
    assert description(ENDED, ASKED, with_data=True) == {
        "executionArn": "arn:aws:states:eu-west-1:111122223333:execution:orders:42",
        "stateMachineArn": "arn:aws:states:eu-west-1:111122223333:stateMachine:orders",
        "name": "42",
        "status": "FAILED",
        "startDate": 1_700_000_000.25,
        "stopDate": 1_700_000_000.451,
        "input": '{"a":  1}',
        "inputDetails": {"included": True},
        "error": "No",
        "redriveCount": 0,
        "redriveStatus": "REDRIVABLE",
    }


def test_one_that_goes_by_no_arn_gets_those_of_the_place_that_asks():
    found = summary(structs.replace(ENDED, names=None), ASKED)
    assert found["executionArn"] == "arn:aws:states:us-east-1:000000000000:execution:orders:42"


def test_the_child_of_a_map_run_is_called_by_its_label():
    child = structs.replace(ENDED, id="orders~items:7", definition="orders~items", names=None)
    found = summary(child, HERE)
    assert found["executionArn"].endswith(":execution:orders/items:7")
    assert found["stateMachineArn"].endswith(":stateMachine:orders/items")


def test_members_that_do_not_apply_are_left_out():
    fresh = structs.replace(ENDED, status="RUNNING", stopped_ms=None, error=None)
    left = {"stopDate", "error", "output", "outputDetails", "redriveDate"}
    assert not left & description(fresh, ASKED, with_data=True).keys()


def test_what_started_it_is_told_by_version_and_alias():
    found = summary(structs.replace(ENDED, published=2, alias="live"), ASKED)
    assert found["stateMachineVersionArn"].endswith(":stateMachine:orders:2")
    assert found["stateMachineAliasArn"].endswith(":stateMachine:orders:live")


def test_without_data_it_is_told_that_data_is_left_out():
    done = structs.replace(ENDED, status="SUCCEEDED", output=Document.of(1), error=None)
    found = description(done, ASKED, with_data=False)
    assert "input" not in found
    assert "output" not in found
    assert found["inputDetails"] == found["outputDetails"] == {"included": False}


@pytest.mark.parametrize(("lasted", "billed"), [(0, 100), (100, 100), (101, 200), (201, 300)])
def test_a_synchronous_execution_is_billed_by_tenths_of_a_second(lasted, billed):
    run = structs.replace(ENDED, stopped_ms=ENDED.started_ms + lasted)
    found = synchronous(run, ASKED, with_data=True)["billingDetails"]
    assert found == {"billedDurationInMilliseconds": billed, "billedMemoryUsedInMB": 64}


def test_whoever_waits_for_an_execution_that_was_stopped_is_told_that_it_failed():
    stopped = structs.replace(ENDED, status="ABORTED")
    assert synchronous(stopped, ASKED, with_data=True)["status"] == "FAILED"


STARTED = Record(1, 0, "ExecutionStarted", 1_700_000_000_250, {"input": Document.of({})})
SCHEDULED = Record(
    3,
    2,
    "TaskScheduled",
    1_700_000_000_300,
    {"resourceType": "states", "resource": "startExecution", "parameters": Document.of({"p": 1})},
)
STATIC = Static("orders:42", "orders", "42", b"", names=ENDED.names)


def test_records_are_told_with_the_role_the_version_the_alias_and_the_region():
    static = structs.replace(STATIC, published=2, alias="live")
    started, scheduled = shown([STARTED, SCHEDULED], static)
    machine = "arn:aws:states:eu-west-1:111122223333:stateMachine:orders"
    assert started["executionStartedEventDetails"] == {
        "input": "{}",
        "inputDetails": {"truncated": False},
        "roleArn": ROLE,
        "stateMachineVersionArn": f"{machine}:2",
        "stateMachineAliasArn": f"{machine}:live",
    }
    assert scheduled["taskScheduledEventDetails"]["region"] == "eu-west-1"


@pytest.mark.parametrize("static", [None, structs.replace(STATIC, names=None)])
def test_records_of_an_execution_without_arns_are_told_as_they_are(static):
    assert shown([STARTED, SCHEDULED], static) == [render(STARTED), render(SCHEDULED)]


def test_an_event_has_its_time_in_seconds():
    assert event(render(STARTED), with_data=True)["timestamp"] == 1_700_000_000.25


def test_an_event_without_data_keeps_all_else():
    (scheduled,) = shown([SCHEDULED], STATIC)
    assert event(scheduled, with_data=False)["taskScheduledEventDetails"] == {
        "resourceType": "states",
        "resource": "startExecution",
        "region": "eu-west-1",
    }
    (started,) = shown([STARTED], STATIC)
    details = event(started, with_data=False)["executionStartedEventDetails"]
    assert details == {"roleArn": ROLE}
