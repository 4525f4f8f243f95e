"""Where no more versions can be published, an update that is to be published changes nothing."""

import json

import pytest

from engine.commands.state_machines import Attributes, rules
from engine.errors import QuotaExceeded
from engine.views import Caller

ME = Caller()


def text(comment):
    states = {"Only": {"Type": "Pass", "End": True}}
    return json.dumps({"Comment": comment, "StartAt": "Only", "States": states}).encode()


async def test_an_update_that_could_not_be_published_changes_nothing(engine, monkeypatch):
    monkeypatch.setattr(rules, "PUBLISHED_MAX", 1)
    machines = engine.state_machines
    nothing = Attributes()
    await machines.create(ME, "full", text("one"), "STANDARD", nothing, tags={}, publish=True)
    with pytest.raises(QuotaExceeded):
        await machines.update(ME, "full", text("two"), nothing, publish=True)
    revision, _, _ = await machines.described(ME, "full", "")
    assert revision.text == text("one").decode()
    # What is published already needs no room, and neither does what is not to be published.
    same = await machines.update(ME, "full", text("one"), nothing, publish=True)
    assert same.published.number == 1
    assert (await machines.update(ME, "full", text("two"), nothing, publish=False)).is_new
