"""The guides to boto3 and the aws CLI, played as they stand against a server process; and what Terraform's provider calls."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.store.server.server_program import end_with_parent
from tests.conformance.served import free_ports, served
from tests.conformance.stepwise import client

GUIDES = Path(__file__).parents[2] / "docs" / "step-functions"
SHOWN = "http://127.0.0.1:8083"
SECONDS = 120.0
_BLOCK = re.compile(r"^```(\w+) ?([\w.]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[tuple[str, str, str]]:
    """(kind, name, text) of everything that a page shows, in order."""
    return _BLOCK.findall((GUIDES / page).read_text())


@pytest.fixture(scope="module")
def fresh() -> Iterator[str]:
    """A server of this module's own: the guides name what they make."""
    with served() as url:
        yield url


class Guide:
    """The programs of the guide to workers, in a folder of their own, against one server."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        shown = blocks("boto3-workers.md")
        self.printed = [text for kind, _, text in shown if kind == "text"]
        for kind, name, text in shown:
            if kind == "python":
                assert SHOWN in text
                (folder / name).write_text(text.replace(SHOWN, url))

    def run(self, name: str) -> str:
        """What a program prints, which must end well."""
        done = subprocess.run(
            (sys.executable, name),
            cwd=self._folder,
            capture_output=True,
            check=False,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def working(self) -> Iterator[list[str]]:
        """The worker runs meanwhile; afterwards the list holds what it has printed."""
        told: list[str] = []
        worker = subprocess.Popen(
            (sys.executable, "worker.py"),
            cwd=self._folder,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=end_with_parent(os.getpid()),  # noqa: PLW1509 - one system function, no locks
        )
        try:
            yield told
        finally:
            worker.terminate()
            told += worker.communicate(timeout=SECONDS)[0].splitlines()


def test_the_guide_to_workers_prints_what_it_shows(fresh, tmp_path):
    guide = Guide(tmp_path, fresh)
    assert guide.run("setup.py") == guide.printed[0]
    assert guide.run("setup.py") == guide.printed[0]  # "Creating twice is harmless"
    with guide.working() as told:
        assert guide.run("start.py") == guide.printed[1]
    assert told == ["done: o-1", "done: o-2"]


@pytest.mark.slow
def test_the_worker_of_the_guide_goes_on_through_a_restart_of_the_server(tmp_path):
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="dtw") as folder:
        same = {"DETENT_DATA": f"{folder}/d", "DETENT_PORT": str(port)}
        guide = Guide(tmp_path, f"http://127.0.0.1:{port}")
        again = (tmp_path / "start.py").read_text().replace('"o-', '"p-')
        (tmp_path / "again.py").write_text(again)
        with served(**same):
            guide.run("setup.py")
        with guide.working() as told:  # at first there is no server at all
            with served(**same):
                guide.run("start.py")
            with served(**same):
                guide.run("again.py")
    assert told == ["done: o-1", "done: o-2", "done: p-1", "done: p-2"]


@pytest.mark.slow
def test_the_guide_to_moving_prints_what_it_shows(fresh):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_PAGER": "",
    }
    settings, *commands = _commands()
    assert len(commands) >= 6
    for command, printed in commands:
        script = f"{settings[0].replace(SHOWN, fresh)}\n{command}"
        done = subprocess.run(
            ("bash", "-eu", "-c", script),
            env=environment,
            capture_output=True,
            check=False,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert done.stdout == printed, command


def _commands() -> list[tuple[str, str]]:
    """The settings, then each command of the page, with what is shown below it ("" for nothing)."""
    found: list[tuple[str, str]] = []
    for kind, _, text in blocks("move-to-detent.md"):
        if kind == "sh" and "DETENT_TOKEN" not in text:
            found.append((text, ""))
        elif kind in {"json", "text"}:
            found[-1] = (found[-1][0], text)
    return found


def test_what_terraforms_provider_calls_for_a_state_machine_is_answered(fresh):
    sfn = client(fresh)

    def definition(result: int) -> str:
        return json.dumps(
            {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": result, "End": True}}}
        )

    def read(machine: str) -> dict[str, object]:
        seen = sfn.describe_state_machine(stateMachineArn=machine)
        versions = sfn.list_state_machine_versions(stateMachineArn=machine, maxResults=1)
        tags = sfn.list_tags_for_resource(resourceArn=machine)["tags"]
        newest = versions["stateMachineVersions"][0]["stateMachineVersionArn"]
        return {
            "status": seen["status"],
            "text": seen["definition"],
            "newest": newest,
            "tags": tags,
        }

    made = sfn.create_state_machine(
        name="planned",
        definition=definition(1),
        roleArn="arn:aws:iam::000000000000:role/unused",
        type="STANDARD",
        publish=True,
        loggingConfiguration={"level": "OFF", "includeExecutionData": False},
        tracingConfiguration={"enabled": False},
        encryptionConfiguration={"type": "AWS_OWNED_KEY"},
        tags=[{"key": "team", "value": "red"}],
    )
    machine = made["stateMachineArn"]
    first = {"status": "ACTIVE", "text": definition(1), "newest": f"{machine}:1"}
    assert read(machine) == first | {"tags": [{"key": "team", "value": "red"}]}
    assert sfn.validate_state_machine_definition(definition=definition(2))["result"] == "OK"
    sfn.update_state_machine(
        stateMachineArn=machine,
        definition=definition(2),
        roleArn="arn:aws:iam::000000000000:role/unused",
        publish=True,
        loggingConfiguration={"level": "OFF", "includeExecutionData": False},
        tracingConfiguration={"enabled": False},
    )
    sfn.untag_resource(resourceArn=machine, tagKeys=["team"])
    sfn.tag_resource(resourceArn=machine, tags=[{"key": "cost", "value": "7"}])
    second = {"status": "ACTIVE", "text": definition(2), "newest": f"{machine}:2"}
    assert read(machine) == second | {"tags": [{"key": "cost", "value": "7"}]}
    alias = sfn.create_state_machine_alias(
        name="live",
        routingConfiguration=[{"stateMachineVersionArn": f"{machine}:2", "weight": 100}],
    )["stateMachineAliasArn"]
    assert sfn.describe_state_machine_alias(stateMachineAliasArn=alias)["name"] == "live"
    sfn.delete_state_machine_alias(stateMachineAliasArn=alias)
    sfn.delete_state_machine(stateMachineArn=machine)
    with pytest.raises(sfn.exceptions.StateMachineDoesNotExist):
        sfn.describe_state_machine(stateMachineArn=machine)


def test_with_a_token_boto3_passes_that_signs_with_it_and_no_other():
    with served(DETENT_TOKEN="t0ken") as url:
        right = client(url, aws_access_key_id="billing", aws_secret_access_key="t0ken")
        assert right.list_activities()["activities"] == []
        wrong = client(url, aws_secret_access_key="t0kem")
        with pytest.raises(wrong.exceptions.ClientError) as refused:
            wrong.list_activities()
        assert refused.value.response["Error"]["Code"] == "InvalidSignatureException"
