"""`alias`, and starting by one."""

import json

ALIASES = "/v1/definitions/order/aliases"


def alias(*routes):
    return {
        "definition": "order",
        "alias": "live",
        "routing": [{"version": version, "weight": weight} for version, weight in routes],
        "created": "2026-11-22T10:00:00.000Z",
        "updated": "2026-11-22T10:00:30.000Z",
    }


def test_an_alias_is_set_and_said_to_be_new_or_changed(detent, server):
    server.answer("PUT", f"{ALIASES}/live", alias((3, 100)), 201)
    server.answer("PUT", f"{ALIASES}/live", alias((4, 100)))
    made = detent("alias", "set", "order", "live", "3")
    changed = detent("alias", "set", "order", "live", "4")
    assert made.stdout == "order  live  version 3  new\n"
    assert changed.stdout == "order  live  version 4  changed\n"
    assert json.loads(server.requests[0]["body"]) == {"version": 3}


def test_a_canary_gets_its_share_and_the_version_the_rest(detent, server):
    server.answer("PUT", f"{ALIASES}/live", alias((3, 90), (4, 10)))
    done = detent("alias", "set", "order", "live", "3", "--canary", "4", "10")
    assert "version 3 (90 %), version 4 (10 %)" in done.stdout
    assert json.loads(server.requests[0]["body"]) == {
        "routing": [{"version": 3, "weight": 90}, {"version": 4, "weight": 10}]
    }


def test_aliases_are_listed(detent, server):
    server.answer("GET", ALIASES, {"aliases": [alias((3, 100))]})
    lines = detent("alias", "list", "order").stdout.splitlines()
    assert lines[0].split() == ["ALIAS", "VERSION", "CHANGED"]
    assert lines[1].startswith("live   version 3  2026-11-22 10:00:30")


def test_no_aliases_are_said_to_be_none(detent, server):
    server.answer("GET", ALIASES, {"aliases": []})
    assert detent("alias", "list", "order").stdout == "No aliases.\n"


def test_an_alias_is_removed(detent, server):
    server.answer("DELETE", f"{ALIASES}/live", alias((3, 100)))
    done = detent("alias", "remove", "order", "live")
    assert (done.exit_code, done.stdout) == (0, "order  live  removed; it led to version 3\n")


def test_an_alias_that_there_is_not_is_refused(detent, server):
    server.problem("DELETE", f"{ALIASES}/live", 404, "alias_not_found")
    assert detent("alias", "remove", "order", "live").exit_code == 1


def test_a_start_goes_by_an_alias_or_a_version_and_not_by_both(detent, server):
    started = {"id": "order:1", "definition": "order", "version": 3, "status": "RUNNING"}
    server.answer("POST", "/v1/definitions/order/executions", started, 201)
    assert detent("start", "order", "--alias", "live").exit_code == 0
    assert json.loads(server.requests[0]["body"]) == {"alias": "live"}
    assert detent("start", "order", "--alias", "live", "--version", "3").exit_code == 2
    assert len(server.requests) == 1
