"""`start --batch`."""

from __future__ import annotations

import json

import pytest

PATH = "/v1/definitions/order/executions:batch"
STARTED = {"result": "started", "execution": {}}
REFUSED = {
    "result": "refused",
    "problem": {"code": "invalid_name", "title": "No.", "detail": "execution: 'a b'"},
}


def test_each_line_is_a_start_and_goes_as_it_was_written(detent, server, tmp_path):
    file = tmp_path / "starts.jsonl"
    file.write_text('{"name": "1", "input": 1.0}\n\n {"name": "2"}\n')
    server.answer("POST", PATH, {"results": [STARTED, STARTED]})
    result = detent("start", "order", "--batch", str(file))
    assert (result.exit_code, result.stdout) == (0, "2 started, 0 existed, 0 refused\n")
    [request] = server.requests
    assert request["body"] == b'{"starts":[{"name": "1", "input": 1.0},{"name": "2"}]}'


def test_a_line_that_is_refused_is_named_and_the_command_fails(detent, server, tmp_path):
    file = tmp_path / "starts.jsonl"
    file.write_text('\n{"name": "1"}\n{"name": "a b"}\n')
    server.answer("POST", PATH, {"results": [STARTED, REFUSED]})
    result = detent("start", "order", "--batch", str(file))
    assert result.exit_code == 1
    assert "line 3: invalid_name: execution: 'a b'" in result.stderr
    told = json.loads(detent("start", "order", "--batch", str(file), "--json").stdout)
    assert (told["started"], told["refused"][0]["line"]) == (1, 3)


def test_a_long_file_goes_a_thousand_at_a_time(detent, server, tmp_path):
    file = tmp_path / "starts.jsonl"
    file.write_text("{}\n" * 2500)
    for count in (1000, 1000, 500):
        server.answer("POST", PATH, {"results": [STARTED] * count})
    assert "2500 started" in detent("start", "order", "--batch", str(file)).stdout
    assert [len(json.loads(r["body"])["starts"]) for r in server.requests] == [1000, 1000, 500]


@pytest.mark.parametrize("text", ["{}\n[1]\n", "{}\n{\n"])
def test_a_line_that_is_no_object_is_named(detent, server, tmp_path, text):
    file = tmp_path / "starts.jsonl"
    file.write_text(text)
    result = detent("start", "order", "--batch", str(file))
    assert result.exit_code == 2
    assert "line 2 is not" in result.stderr


def test_a_batch_goes_with_no_other_option(detent, tmp_path):
    file = tmp_path / "starts.jsonl"
    file.write_text("{}")
    assert detent("start", "order", "--batch", str(file), "--name", "a").exit_code == 2
