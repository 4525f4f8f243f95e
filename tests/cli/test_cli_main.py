"""The entry point: its table, its start-up, its exit codes."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cli.main import COMMANDS, main


def test_help_lists_every_command_without_importing_one():
    program = (
        "import sys\n"
        "from cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'engine', 'asyncio', 'aiohttp', 'redis', 'msgspec', 'yaml', 'rich', 'cli.http'}\n"
        "sys.exit(repr(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_of_the_table_exists_and_explains_itself(name):
    command = main.get_command(click.Context(main), name)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help


@pytest.mark.parametrize(
    "name", [n for n in COMMANDS if n not in {"serve", "api", "engine", "demo"}]
)
def test_each_command_that_answers_takes_json(name):
    command = main.get_command(click.Context(main), name)
    inner = command.commands.values() if isinstance(command, click.Group) else [command]
    for each in inner:
        assert any("--json" in parameter.opts for parameter in each.params)


def test_an_unknown_command_is_wrong_usage(detent):
    assert detent("lits").exit_code == 2


def test_version_is_the_installed_one(detent):
    from importlib.metadata import version

    assert detent("--version").stdout == f"detent {version('detent-server')}\n"


@pytest.mark.parametrize("half", ["api", "engine"])
def test_a_half_alone_needs_a_redis_to_join(detent, monkeypatch, tmp_path, half):
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("DETENT_REDIS_URL", raising=False)
    refused = detent(half, "--data", str(tmp_path))
    assert refused.exit_code == 2
    assert "REDIS_URL" in refused.stderr


def test_wrong_settings_are_wrong_usage_and_all_are_named(detent):
    refused = detent("serve", "--port", "99999", "--engines", "0")
    assert refused.exit_code == 2
    assert "\nError: --port must" in refused.stderr
    assert "\nError: --engines must" in refused.stderr


def test_a_wrong_setting_is_named_as_it_was_given(detent, monkeypatch):
    assert "Error: --host is '0.0.0.0'" in detent("serve", "--host", "0.0.0.0").stderr
    monkeypatch.setenv("DETENT_HOST", "0.0.0.0")
    assert "Error: DETENT_HOST is '0.0.0.0'" in detent("serve").stderr


def test_a_port_that_is_taken_starts_nothing(detent, tmp_path, monkeypatch):
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("DETENT_REDIS_URL", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = (sys.executable, "-m", "cli", "serve", "--port", str(port))
        done = subprocess.run(
            (*program, "--data", str(tmp_path / "data")),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert f"Error: 127.0.0.1:{port}: Address already in use; --port names another" in done.stderr
    assert not (tmp_path / "data").exists()


def test_the_package_runs_as_the_command(detent):
    program = (sys.executable, "-m", "cli", "--version")
    done = subprocess.run(program, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == detent("--version").stdout


def test_the_reference_page_is_what_the_commands_say():
    from cli.reference import page

    written = Path(__file__).parents[2] / "docs/reference/command-line.md"
    assert written.read_text(encoding="utf-8") == page()
