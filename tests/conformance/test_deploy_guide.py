"""The guide to deploying, played as it stands: its two programs against a server process."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conformance.served import served
from tests.conformance.stepwise import client

GUIDE = Path(__file__).parents[2] / "docs" / "step-functions" / "deploy.md"
SHOWN = "http://127.0.0.1:8083"
SECONDS = 120.0
STATES = "arn:aws:states:us-east-1:000000000000"
# As `cdk synth` writes a function, an activity and a machine of both.
TEMPLATE = {
    "Resources": {
        "ChargeEC43": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "charge"}},
        "PackD3D5": {"Type": "AWS::StepFunctions::Activity", "Properties": {"Name": "pack"}},
        "OrdersRole": {"Type": "AWS::IAM::Role", "Properties": {}},
        "Orders38C9": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "DefinitionString": {
                    "Fn::Join": [
                        "",
                        [
                            '{"StartAt":"Charge","States":{"Charge":{"Type":"Task","Resource":"arn:',
                            {"Ref": "AWS::Partition"},
                            ':states:::lambda:invoke","Parameters":{"FunctionName":"',
                            {"Fn::GetAtt": ["ChargeEC43", "Arn"]},
                            '","Payload.$":"$"},"Next":"Pack"},"Pack":{"Type":"Task","Resource":"',
                            {"Ref": "PackD3D5"},
                            '","End":true}}}',
                        ],
                    ]
                },
                "RoleArn": {"Fn::GetAtt": ["OrdersRole", "Arn"]},
                "StateMachineName": "from-cdk",
            },
        },
    }
}

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def fresh() -> Iterator[str]:
    with served() as url:
        yield url


@pytest.fixture
def run(fresh: str, tmp_path: Path) -> Run:
    """Plays a program of the guide: its exit code and what it prints."""
    for name, text in re.findall(
        r"^```python (\S+)\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL
    ):
        assert SHOWN in text
        (tmp_path / name).write_text(text.replace(SHOWN, fresh))

    def play(*command: str) -> tuple[int, str]:
        done = subprocess.run(
            (sys.executable, *command),
            cwd=tmp_path,
            capture_output=True,
            check=False,
            text=True,
            timeout=SECONDS,
        )
        return done.returncode, done.stdout or done.stderr

    return play


def test_a_file_is_checked_published_and_given_a_tenth_of_the_starts(run, tmp_path):
    first, second, wrong = re.findall(
        r"^```text\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL
    )
    file = tmp_path / "orders.asl.json"

    def deployed(state: dict[str, object]) -> tuple[int, str]:
        file.write_text(json.dumps({"StartAt": "Check", "States": {"Check": state}}))
        return run("deploy.py", "orders", file.name)

    assert deployed({"Type": "Pass", "End": True}) == (0, first)
    assert deployed({"Type": "Pass", "Result": 2, "End": True}) == (0, second)
    assert deployed({"Type": "Pass", "Result": 2, "End": True}) == (0, second)
    assert deployed({"Type": "Pass", "Next": "Pay"}) == (1, wrong)


def test_the_machines_of_a_template_of_cdk_are_made_and_updated(run, fresh, tmp_path):
    (tmp_path / "t.json").write_text(json.dumps(TEMPLATE))
    made = (0, f"{STATES}:activity:pack\n{STATES}:stateMachine:from-cdk\n")
    assert run("from_template.py", "t.json") == made
    changed = json.dumps(TEMPLATE).replace("Charge", "ChargeCard")
    (tmp_path / "t.json").write_text(changed)
    assert run("from_template.py", "t.json") == made
    seen = client(fresh).describe_state_machine(stateMachineArn=f"{STATES}:stateMachine:from-cdk")
    states = json.loads(seen["definition"])["States"]
    function = "arn:aws:lambda:us-east-1:000000000000:function:charge"
    assert states["ChargeCard"]["Parameters"]["FunctionName"] == function
    assert states["Pack"]["Resource"] == f"{STATES}:activity:pack"
