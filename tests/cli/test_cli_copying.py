"""`export` and `import`: pages into lines, lines into requests."""

from __future__ import annotations

import json

from cli import copying

EXPORT = "/v1/executions%3Aexport"
IMPORT = "/v1/executions%3Aimport"


def copy(number):
    return {"format": 1, "id": f"o:{number}", "input": '{"text":"\\u00e9"}'}


def lines(*documents):
    return b"".join(json.dumps(each).encode() + b"\n" for each in documents)


def test_an_export_writes_every_page_and_nothing_but_executions(detent, server):
    server.answer("GET", EXPORT, lines(copy(1), copy(2), {"next": "c1"}))
    server.answer("GET", EXPORT, lines(copy(3), {"next": None}))
    shown = detent("export", "--definition", "o", "--status", "FAILED")
    assert [json.loads(line) for line in shown.stdout.splitlines()] == [copy(1), copy(2), copy(3)]
    assert shown.stderr == "3 executions written\n"
    first, second = (request["query"] for request in server.requests)
    assert (first["definition"], first["status"], first.get("cursor")) == ("o", "FAILED", None)
    assert (second["definition"], second["cursor"]) == ("o", "c1")


def test_an_execution_left_out_is_said_and_the_export_fails(detent, server):
    server.answer(
        "GET", EXPORT, lines({"id": "o:1", "skipped": "too large"}, copy(2), {"next": None})
    )
    shown = detent("export")
    assert (shown.exit_code, json.loads(shown.stdout)) == (1, copy(2))
    assert "left out: too large" in shown.stderr


def test_a_refused_export_shows_the_servers_problem(detent, server):
    server.problem("GET", EXPORT, 400, "invalid_request")
    assert detent("export").exit_code == 1


def test_an_import_sends_lines_as_they_are_in_bounded_requests(
    detent, server, tmp_path, monkeypatch
):
    monkeypatch.setattr(copying, "BATCH", 2)
    file = tmp_path / "f.jsonl"
    file.write_bytes(lines(copy(1), copy(2)) + b"\n" + lines(copy(3)))
    for sent in (("o:1", "o:2"), ("o:3",)):
        results = [{"id": each, "status": "imported"} for each in sent]
        server.answer("POST", IMPORT, {"results": results})
    shown = detent("import", str(file))
    assert (shown.exit_code, shown.stdout) == (0, "3 imported, 0 there already, 0 refused\n")
    bodies = [json.loads(request["body"]) for request in server.requests]
    assert bodies == [{"executions": [copy(1), copy(2)]}, {"executions": [copy(3)]}]


def test_what_is_refused_is_said_with_its_reason_and_exits_1(detent, server, tmp_path):
    file = tmp_path / "f.jsonl"
    file.write_bytes(lines(copy(1), copy(2)))
    refused = {"id": "o:1", "status": "refused", "reason": "it was running"}
    server.answer("POST", IMPORT, {"results": [refused, {"id": "o:2", "status": "exists"}]})
    shown = detent("import", str(file))
    assert (shown.exit_code, shown.stdout) == (1, "0 imported, 1 there already, 1 refused\n")
    assert "refused: o:1: it was running" in shown.stderr


def test_a_file_that_is_not_json_is_wrong_usage_and_names_the_line(detent, server, tmp_path):
    file = tmp_path / "f.jsonl"
    file.write_bytes(lines(copy(1)) + b"half a li")
    shown = detent("import", str(file))
    assert shown.exit_code == 2
    assert "line 2" in shown.stderr
    assert server.requests == []


def test_one_that_is_too_large_does_not_hold_up_the_others(detent, server, tmp_path):
    file = tmp_path / "f.jsonl"
    file.write_bytes(lines(copy(1), copy(2)))
    for _ in range(2):  # the two together, and the first by itself
        server.problem("POST", IMPORT, 413, "payload_too_large")
    server.answer("POST", IMPORT, {"results": [{"id": "o:2", "status": "imported"}]})
    shown = detent("import", str(file))
    assert shown.stdout == "1 imported, 0 there already, 1 refused\n"
    assert "refused: o:1: it is too large" in shown.stderr
