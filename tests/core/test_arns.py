"""ARNs and ids: one leads to the other and back, whatever account and region a caller believes in."""

from __future__ import annotations

import pytest

from engine.arns import Arn, NoArn, Place, place_of

PLACE = Place("eu-west-1", "123456789012")
HERE = "arn:aws:states:eu-west-1:123456789012"


@pytest.mark.parametrize(
    ("made", "arn"),
    [
        (PLACE.machine("order"), f"{HERE}:stateMachine:order"),
        (PLACE.machine("order", 3), f"{HERE}:stateMachine:order:3"),
        (PLACE.machine("order", "live"), f"{HERE}:stateMachine:order:live"),
        (PLACE.machine("order~each"), f"{HERE}:stateMachine:order/each"),
        (PLACE.execution("order:o-1"), f"{HERE}:execution:order:o-1"),
        (PLACE.execution("quote:q:u-1"), f"{HERE}:express:quote:q:u-1"),
        (PLACE.execution("order~each:c-1"), f"{HERE}:execution:order/each:c-1"),
        (PLACE.activity("pack"), f"{HERE}:activity:pack"),
        (PLACE.map_run("order~each", "r-1"), f"{HERE}:mapRun:order/each:r-1"),
    ],
)
def test_what_has_a_name_has_an_arn(made, arn):
    assert made == arn
    assert Arn.parse(arn).place == PLACE


def test_the_place_of_an_execution_is_the_one_it_was_started_for():
    assert place_of(PLACE.names("order:o-1", "arn:aws:iam::123456789012:role/r")) == PLACE
    assert place_of(None) is None


def test_other_partitions_are_understood_and_given_back():
    place = Arn.parse("arn:aws-cn:states:cn-north-1:123456789012:activity:pack").place
    assert place.activity("pack") == "arn:aws-cn:states:cn-north-1:123456789012:activity:pack"


@pytest.mark.parametrize(
    "text",
    ["", "order", "arn:aws:lambda:eu-west-1:1:function:f", f"{HERE}:stateMachine:", f"{HERE}::x"],
)
def test_what_is_no_arn_of_the_service_is_refused(text):
    with pytest.raises(NoArn):
        Arn.parse(text)
