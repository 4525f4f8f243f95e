"""The rules of the Step Functions API, as cases: api_cases/*.yaml, played with boto3 against a server process."""

from __future__ import annotations

from typing import Any

import pytest

from api.aws.model import operations
from tests.conformance.stepwise import cases, client, play

CASES = cases()


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES])
def test_api_case(case: dict[str, Any], server_process: str) -> None:
    play(case, client(server_process))


def test_every_operation_has_a_case():
    called = {step["call"] for _, case in CASES for step in case["steps"]}
    assert operations() - called == set()
