"""`validate` and `publish`."""

from __future__ import annotations

import json
import re

import pytest

GOOD = "StartAt: A\nStates:\n  A:\n    Type: Succeed\n"
BAD = "StartAt: A\nStates:\n  A:\n    Type: Pass\n    Next: Nowhere\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yml").write_text(BAD)
    (tmp_path / "notes.txt").write_text("not a definition")
    return tmp_path


def test_validate_points_at_the_place_and_exits_1(detent, folder):
    refused = detent("validate", str(folder / "bad.yml"))
    assert refused.exit_code == 1
    assert f"{folder / 'bad.yml'}:5:" in refused.stderr
    assert "error[unknown_target]" in refused.stderr
    assert "  5 |     Next: Nowhere" in refused.stderr
    assert re.fullmatch(r"\d errors?(, \d warnings?)? in 1 file\n", refused.stdout)


def test_validate_shows_on_request_what_aws_says(detent, folder):
    refused = detent("validate", "--aws", str(folder / "bad.yml"))
    assert (
        "  aws: MISSING_TRANSITION_TARGET: Missing 'Next' target: Nowhere at /States/"
        in refused.stderr
    )
    assert "aws:" not in detent("validate", str(folder / "bad.yml")).stderr


def test_validate_takes_folders_and_passes_good_files(detent, folder):
    (folder / "bad.yml").unlink()
    passed = detent("validate", str(folder))
    assert (passed.exit_code, passed.stdout) == (0, "no errors in 1 file\n")


def test_validate_as_json_is_one_document(detent, folder):
    refused = detent("validate", "--json", str(folder))
    document = json.loads(refused.stdout)
    assert refused.exit_code == 1
    assert not document["valid"]
    assert {file["file"].rsplit("/", 1)[1]: file["valid"] for file in document["files"]} == {
        "bad.yml": False,
        "good.yaml": True,
    }
    assert "unknown_target" in {problem["code"] for problem in document["files"][0]["problems"]}


def test_an_empty_folder_is_wrong_usage(detent, tmp_path):
    assert detent("validate", str(tmp_path)).exit_code == 2


def test_publish_sends_the_files_own_text_under_its_name(detent, server, folder):
    answer = {
        "name": "good",
        "version": 1,
        "hash": "h",
        "created": "",
        "changed": True,
        "problems": [],
    }
    server.answer("PUT", "/v1/definitions/good", answer, 201)
    published = detent("publish", str(folder / "good.yaml"))
    assert published.exit_code == 0
    assert published.stdout.splitlines()[1].split() == ["good", "1", "new"]
    assert server.requests[0]["body"] == GOOD.encode()
    assert server.requests[0]["headers"]["Content-Type"] == "application/yaml"


def test_publish_sends_the_type_and_validate_knows_its_rules(detent, server, tmp_path):
    server.answer(
        "PUT", "/v1/definitions/good", {"name": "good", "version": 1, "changed": True}, 201
    )
    (tmp_path / "good.yaml").write_text(GOOD)
    assert detent("publish", "--type", "express", str(tmp_path / "good.yaml")).exit_code == 0
    assert server.requests[0]["query"] == {"type": "EXPRESS"}
    waits = tmp_path / "waits.json"
    waits.write_text(
        '{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "signal:go", "End": true}}}'
    )
    assert detent("validate", str(waits)).exit_code == 0
    refused = detent("validate", "--type", "express", str(waits))
    assert refused.exit_code == 1
    assert "error[express_signal]" in refused.stderr


def test_publish_goes_on_after_an_invalid_definition_and_exits_1(detent, server, folder):
    problems = [
        {"code": "unknown_target", "line": 5, "column": 11, "message": "No.", "severity": "error"}
    ]
    server.problem("PUT", "/v1/definitions/bad", 400, "invalid_definition", problems=problems)
    server.answer("PUT", "/v1/definitions/good", {"name": "good", "version": 3, "changed": False})
    refused = detent("publish", str(folder))
    assert refused.exit_code == 1
    assert "bad.yml:5:11: error[unknown_target]: No." in refused.stderr
    assert "1 error in 2 files" in refused.stderr
    assert refused.stdout.splitlines()[1].split() == ["good", "3", "unchanged"]


def test_publish_under_another_name_takes_one_file(detent, server, folder):
    assert detent("publish", "--name", "x", str(folder)).exit_code == 2
    server.answer("PUT", "/v1/definitions/x", {"name": "x", "version": 1, "changed": True})
    assert detent("publish", "--name", "x", str(folder / "good.yaml")).exit_code == 0


def test_a_file_whose_name_cannot_be_a_definitions_is_told_of_the_option(detent, server, folder):
    (folder / "bad.yml").unlink()
    (folder / "a b.yaml").write_text(GOOD)
    server.problem("PUT", "/v1/definitions/a%20b", 400, "invalid_name", detail="definition: 'a b'")
    server.answer("PUT", "/v1/definitions/good", {"name": "good", "version": 1, "changed": True})
    refused = detent("publish", str(folder))
    assert refused.exit_code == 1
    assert f"hint: `detent publish --name NAME '{folder / 'a b.yaml'}'`" in refused.stderr
    assert refused.stdout.splitlines()[1].split() == ["good", "1", "new"]


def test_definitions_are_listed_over_every_page(detent, server):
    updated = {"version": 3, "updated": "2026-11-22T10:00:00.000Z", "type": "EXPRESS"}
    one, two = ({"name": name, **updated} for name in "ab")
    server.answer("GET", "/v1/definitions", {"definitions": [one], "next": "c"})
    server.answer("GET", "/v1/definitions", {"definitions": [two], "next": None})
    lines = detent("definitions").stdout.splitlines()
    assert lines[1].split() == ["a", "3", "EXPRESS", "2026-11-22", "10:00:00"]
    assert lines[2].split()[0] == "b"
    assert server.requests[1]["query"]["cursor"] == "c"


def test_a_definitions_versions_and_texts_are_shown(detent, server):
    created = "2026-11-22T10:00:00.000Z"
    version = {"version": 2, "hash": "h", "created": created}
    server.answer("GET", "/v1/definitions/good/versions", {"versions": [version]})
    found = version | {"name": "good", "format": "yaml", "text": GOOD, "type": "STANDARD"}
    server.answer("GET", "/v1/definitions/good", found)
    listed = detent("definitions", "good").stdout.splitlines()
    assert listed[1].split() == ["2", "2026-11-22", "10:00:00", "h"]
    shown = detent("definitions", "good", "--version", "2").stdout
    assert shown.endswith(f"\n\n{GOOD}")
    assert server.requests[-1]["query"] == {"version": "2"}
    assert detent("definitions", "good", "--text").stdout == GOOD
    assert server.requests[-1]["query"] == {}
    assert json.loads(detent("definitions", "good", "--text", "--json").stdout) == found


def test_a_version_without_a_name_is_wrong_usage(detent, server):
    assert detent("definitions", "--text").exit_code == 2
    assert server.requests == []


def test_a_definition_is_deleted_by_name_and_with_nothing_else(detent, server):
    was = {"name": "order", "version": 3, "updated": "2026-11-22T10:00:00.000Z", "type": "STANDARD"}
    server.answer("DELETE", "/v1/definitions/order", was)
    done = detent("definitions", "order", "--delete")
    assert (done.exit_code, done.stdout) == (0, "order  deleted; it was at version 3\n")
    assert detent("definitions", "--delete").exit_code == 2
    assert detent("definitions", "order", "--delete", "--text").exit_code == 2
    server.problem("DELETE", "/v1/definitions/none", 404, "definition_not_found")
    assert detent("definitions", "none", "--delete").exit_code == 1
