"""`list` and `count` with filters, and search attributes in what is shown."""

from __future__ import annotations

import json

FOUND = {
    "id": "loan:a",
    "definition": "loan",
    "name": "a",
    "version": 2,
    "status": "FAILED",
    "started": "2026-11-22T10:00:00.000Z",
    "stopped": "2026-11-22T10:00:01.000Z",
    "error": "Refused",
    "attributes": {"customer": "ann\x1b[2J", "granted": False, "sum": 1.5},
}
PLAIN = {key: FOUND[key] for key in ("id", "definition", "name", "version", "started")} | {
    "status": "RUNNING"
}
ASKED = (
    "--definition", "loan", "--attribute", "customer=a=b", "--attribute", "sum=1.5", "--error", "Refused",
    "--started-after", "2026-11-22T10:00:00Z",
)  # fmt: skip
SENT = [
    ("definition", "loan"),
    ("error", "Refused"),
    ("attribute", "customer:a=b"),
    ("attribute", "sum:1.5"),
    ("started_after", "2026-11-22T10:00:00Z"),
]


def test_filters_reach_the_server_each_attribute_for_itself(detent, server):
    server.answer("GET", "/v1/executions", {"executions": [], "next": None})
    server.answer("GET", "/v1/executions:count", {"count": 7, "exact": True})
    assert detent("list", *ASKED).stdout == "No executions.\n"
    assert sorted(server.requests[0]["pairs"]) == sorted([*SENT, ("limit", "100")])
    assert detent("count", *ASKED).stdout == "7\n"
    assert sorted(server.requests[1]["pairs"]) == sorted(SENT)


def test_a_count_that_is_not_exact_says_so(detent, server):
    server.answer("GET", "/v1/executions:count", {"count": 4000, "exact": False})
    assert detent("count", "--version", "2").stdout == "at least 4000\n"
    shown = detent("count", "--version", "2", "--json").stdout
    assert json.loads(shown) == {"count": 4000, "exact": False}


def test_errors_and_attributes_have_columns_where_there_are_any(detent, server):
    server.answer("GET", "/v1/executions", {"executions": [FOUND, PLAIN], "next": None})
    server.answer("GET", "/v1/executions", {"executions": [PLAIN], "next": None})
    heading, first, second = detent("list").stdout.splitlines()
    assert heading.split()[-2:] == ["ERROR", "ATTRIBUTES"]
    assert first.split()[-4:] == ["Refused", "customer=ann\\u001b[2J", "granted=false", "sum=1.5"]
    assert second.split()[-2:] == ["-", "-"]
    assert detent("list").stdout.splitlines()[0].split()[-1] == "STOPPED"


def test_the_command_to_go_on_repeats_every_attribute(detent, server):
    server.answer("GET", "/v1/executions", {"executions": [PLAIN], "next": "c"})
    listed = detent("list", *ASKED, "--limit", "1")
    words = listed.stderr.splitlines()[1].split()
    assert words[:2] == ["detent", "list"]
    assert words.count("--attribute") == 2
    assert {"customer=a=b", "sum=1.5", "--cursor", "--started-after"} <= {*words}


def test_an_attribute_without_a_value_is_wrong_usage(detent, server):
    refused = detent("list", "--definition", "loan", "--attribute", "customer")
    assert refused.exit_code == 2
    assert "write NAME=VALUE" in refused.stderr
    assert server.requests == []


def test_describe_shows_the_search_attributes(detent, server):
    view = FOUND | {"revision": 3, "input": {}, "frames": []}
    server.answer("GET", "/v1/executions/loan%3Aa", view)
    lines = detent("describe", "loan:a").stdout.splitlines()
    [line] = [line for line in lines if line.startswith("attributes")]
    assert line.split()[1:] == ["customer=ann\\u001b[2J", "granted=false", "sum=1.5"]
