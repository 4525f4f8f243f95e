"""Chains of Pass states on whatever speaks the Step Functions protocol, through boto3: one client for all of them."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import boto3
from botocore.config import Config

from bench.peers.system import INPUT, System

ROLE = "arn:aws:iam::000000000000:role/peers"
PAUSE_SECONDS_LEAST = 0.005
PAUSE_SHARE = 0.15  # of the time that an execution has taken so far: few calls, whoever is slow
EXECUTION_SECONDS_MAX = 90.0


def definition(steps: int) -> str:
    states: dict[str, Any] = {
        f"P{number}": {"Type": "Pass", "Next": f"P{number + 1}"} for number in range(steps - 1)
    }
    states[f"P{steps - 1}"] = {"Type": "Pass", "End": True}
    return json.dumps({"StartAt": "P0", "States": states})


class Chain(System):
    """Each caller is a thread: StartExecution, then DescribeExecution until it has succeeded."""

    concurrencies: ClassVar[tuple[int, ...]] = (1, 32)

    def open(self, url: str) -> None:
        """Make the client, its threads and the state machine."""
        self._threads = ThreadPoolExecutor(max(self.concurrencies))
        self._client: Any = boto3.client(
            "stepfunctions",
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(
                inject_host_prefix=False,
                max_pool_connections=max(self.concurrencies),
                parameter_validation=False,
                retries={"total_max_attempts": 1},
            ),
        )
        made = self._client.create_state_machine(
            name=f"chain-{self.steps}", definition=definition(self.steps), roleArn=ROLE
        )
        self._machine = made["stateMachineArn"]

    async def one(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._threads, self._blocking)

    def _blocking(self) -> None:
        began = time.monotonic()
        started = self._client.start_execution(
            stateMachineArn=self._machine, input=json.dumps(INPUT)
        )
        while True:
            seen = self._client.describe_execution(executionArn=started["executionArn"])
            if seen["status"] == "SUCCEEDED":
                return
            taken = time.monotonic() - began
            if seen["status"] != "RUNNING" or taken > EXECUTION_SECONDS_MAX:
                raise RuntimeError(f"{seen['status']} after {taken:.1f} s")
            time.sleep(max(PAUSE_SECONDS_LEAST, taken * PAUSE_SHARE))

    async def stop(self) -> None:
        if hasattr(self, "_threads"):
            self._threads.shutdown()
        await super().stop()
