"""Rules about state machines: values in, values out."""

import pytest
from msgspec import structs

from engine.commands.state_machines.rules import (
    InvalidConfiguration,
    InvalidRouting,
    changed,
    check_routing,
    is_same,
    settled,
    tagged,
)
from engine.commands.state_machines.values import Attributes, pack_attributes, read_attributes
from engine.errors import QuotaExceeded

PLACE = {"cloudWatchLogsLogGroup": {"logGroupArn": "g"}}
WHOLE = settled(Attributes("r"))


def test_what_was_not_said_has_the_defaults():
    assert WHOLE.logging == {"level": "OFF", "includeExecutionData": False}
    assert WHOLE.tracing == {"enabled": False}
    assert WHOLE.encryption == {"type": "AWS_OWNED_KEY"}
    assert settled(WHOLE) == WHOLE
    assert read_attributes(pack_attributes(WHOLE)) == WHOLE
    assert read_attributes(b"") == Attributes()


@pytest.mark.parametrize(
    ("level", "places", "is_one"),
    [
        ("OFF", 0, True),
        ("OFF", 2, True),
        ("ALL", 1, True),
        ("ALL", 0, False),
        ("ERROR", 0, False),
        ("FATAL", 2, False),
    ],
)
def test_what_is_logged_goes_to_exactly_one_place(level, places, is_one):
    given = Attributes("r", logging={"level": level, "destinations": [PLACE] * places})
    if is_one:
        assert (settled(given).logging or {}).get("destinations", []) == [PLACE] * places
    else:
        with pytest.raises(InvalidConfiguration) as caught:
            settled(given)
        assert caught.value.which == "Logging"


@pytest.mark.parametrize(
    "given", [{"type": "CUSTOMER_MANAGED_KMS_KEY"}, {"type": "AWS_OWNED_KEY", "kmsKeyId": "k"}]
)
def test_a_key_goes_with_the_type_of_encryption_that_has_one(given):
    with pytest.raises(InvalidConfiguration):
        settled(Attributes("r", encryption=given))


def test_an_update_keeps_what_it_does_not_speak_of():
    logging = {"level": "ALL", "destinations": [PLACE]}
    before = settled(Attributes("r", logging=logging))
    after = changed(before, Attributes("s", tracing={"enabled": True}))
    assert after == structs.replace(before, role="s", tracing={"enabled": True})
    assert changed(before, Attributes()) == before
    with pytest.raises(InvalidConfiguration):
        changed(WHOLE, Attributes(logging={"level": "ALL"}))


def test_a_creation_is_the_same_to_the_byte_but_for_the_role():
    made = (b"{}", "STANDARD", WHOLE)
    assert is_same(made, (b"{}", "STANDARD", structs.replace(WHOLE, role="s")))
    assert not is_same(made, (b"{} ", "STANDARD", WHOLE))
    assert not is_same(made, (b"{}", "EXPRESS", WHOLE))
    traced = structs.replace(WHOLE, tracing={"enabled": True})
    assert not is_same(made, (b"{}", "STANDARD", traced))


def test_a_routing_names_each_version_once_and_shares_out_a_hundred():
    check_routing([(1, 100)])
    check_routing([(1, 0), (2, 100)])
    for routing, reason in (([(1, 50), (1, 50)], "repeated"), ([(1, 70), (2, 29)], "weights")):
        with pytest.raises(InvalidRouting) as caught:
            check_routing(routing)
        assert caught.value.reason == reason


def test_a_resource_has_fifty_tags_and_replacing_one_adds_none():
    full = {str(n): "" for n in range(50)}
    assert tagged(full, {"0": "x"})["0"] == "x"
    with pytest.raises(QuotaExceeded):
        tagged(full, {"more": ""})
