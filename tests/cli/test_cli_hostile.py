"""What the command line is given and shows when somebody means harm, or a system is out of order."""

from __future__ import annotations

import click
import pytest

from cli.authoring.problems import EXCERPT_MAX, render
from cli.output import one_line, visible

ID = "order:42"
PATH = "/v1/executions/order%3A42"


def test_what_an_execution_holds_cannot_steer_the_terminal(detent, server):
    view = {
        "id": ID,
        "definition": "order",
        "version": 1,
        "status": "ABORTED",
        "started": "2026-11-22T10:00:00.000Z",
        "error": "\x1b]0;owned\x07",
        "cause": "a\x9b31m\u202eb\r\nc",
        "input": {"k": "\x9b2J"},
        "revision": 1,
        **dict.fromkeys(("frames", "tasks", "timers", "signals", "waiting_signals"), ()),
    }
    server.answer("GET", PATH, view)
    shown = detent("describe", ID).stdout
    assert "\\u001b]0;owned\\u0007" in shown
    assert "a\\u009b31m\\u202eb\\u000d\nc" in shown
    assert not any(character in shown for character in "\x1b\x07\x9b\u202e\r")


def test_line_breaks_and_tabs_stay_visible():
    assert visible("a\tb\nc") == "a\tb\nc"
    assert one_line("a\x00b") == "a\\u0000b"


def test_of_a_long_line_the_place_is_shown():
    text = "x" * 1_000_000 + "!" + "x" * 1_000_000
    problem = {"code": "c", "line": 1, "column": 1_000_001, "message": "m"}
    _, source, caret = click.unstyle(render("f", text, problem)).splitlines()
    assert len(source) < EXCERPT_MAX + 20
    assert source[caret.index("^")] == "!"


@pytest.mark.parametrize("token", ["a\nb", "ü", "\x7f"])
def test_a_token_that_no_header_can_carry_is_wrong_usage(detent, server, token):
    refused = detent("list", "--token", token)
    assert refused.exit_code == 2
    assert token not in refused.stderr
    assert server.requests == []


@pytest.mark.parametrize("url", ["http://a..b", "http://" + "a" * 300])
def test_a_host_that_cannot_be_one_exits_3(detent, url):
    assert detent("list", "--url", url).exit_code == 4


def test_an_argument_that_is_no_text_is_wrong_usage(detent):
    refused = detent("describe", "order:\udcff")
    assert refused.exit_code == 2
    assert "not UTF-8" in refused.stderr


def test_what_the_system_refuses_is_said_in_a_line(detent, server, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    server.answer("GET", "/v1/executions", {"executions": [], "next": None})
    monkeypatch.setattr("cli.executions.click.echo", full)
    refused = detent("list")
    assert refused.exit_code == 1
    assert not isinstance(refused.exception, OSError)
