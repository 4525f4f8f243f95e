"""Plays the shared recordings, executions and API calls, over boto3 against one real server.

`python -m tests.conformance.wire FOLDER` reads the ids to play from FOLDER/ids and writes FOLDER/<id's hash>.json for each
as it is done. Playing and comparing are the shared runner's own; it is also the Lambda service that the server calls.
Cases wait more than they work, so a few of them run at a time.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import json
import os
import sys
import traceback
from functools import cache, lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from moto.server import ThreadedMotoServer

from tests.conformance.recorded import CONFORMANCE, Verdict, cases, runner
from tests.conformance.served import free_ports, served

AT_A_TIME = 8
S3_AREA = "itemreader-s3"  # played against an S3 server of their own
CASE_SECONDS_MAX = 240.0


@lru_cache(maxsize=1)
def all_cases() -> dict[str, dict[str, Any]]:
    """Every shared case, by id: executions, lists of API calls, and those that read objects of S3.

    None where the shared material is not there.
    """
    if not cases():
        return {}
    wanted = {line.split("#")[0].strip() for line in (CONFORMANCE / "shared.txt").open()}
    paths = (*CONFORMANCE.glob("apicases/*/*.json"), *CONFORMANCE.glob(f"cases/{S3_AREA}/*.json"))
    found = [json.loads(path.read_text()) for path in paths]
    return cases() | {
        case["id"]: case for case in found if case["id"] in wanted or case["area"] == S3_AREA
    }


@cache
def asked(name: str) -> frozenset[str]:
    """The columns that a case says something about, by the shared runner's rules."""
    case = all_cases()[name]
    if "steps" in case:
        told = json.dumps(
            [[step.get("expect_error"), step.get("expect")] for step in case["steps"]]
        )
        return frozenset({"result", "events"} | ({"cause"} if '"message"' in told else set()))
    columns = {"result"}
    for given in case["inputs"]:
        expected = given["expected"]
        if "start_error" in expected:
            continue
        if expected["status"] != "SUCCEEDED":
            columns.add("cause")
        if not case.get("sync") and expected.get("events"):
            columns |= {"types", "events"}
        if not case.get("sync") and expected.get("describe"):
            columns.add("events")
    return frozenset(columns)


def result_of(folder: Path, name: str) -> Path:
    """Where the verdict on a case is written."""
    return folder / (hashlib.sha256(name.encode()).hexdigest()[:32] + ".json")


def play(names: list[str], folder: Path) -> None:
    """Play these cases, the long ones first, and write each verdict."""
    address, objects = (f"http://127.0.0.1:{port}" for port in free_ports(2))
    ThreadedMotoServer(ip_address="127.0.0.1", port=int(objects.rpartition(":")[2])).start()
    shared = runner()
    chosen = sorted(
        (all_cases()[name] for name in names), key=lambda case: -case.get("time_bound", 60)
    )
    settings = {
        "DETENT_LAMBDA_ENDPOINT": address,
        "DETENT_S3_ENDPOINT": objects,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    with served(**settings) as url:
        arguments = SimpleNamespace(
            endpoint_url=url,
            region="us-east-1",
            account=shared.CASE_ACCOUNT,
            access_key="test",
            max_time=CASE_SECONDS_MAX,
            s3_upload=objects,
            verbose=False,
        )
        context = shared.Ctx(arguments)
        context.lam = shared.LambdaServer(address, context.client, context.log)

        def one(case: dict[str, Any]) -> None:
            verdict = shared.run_one(context, case)
            place = result_of(folder, case["id"])
            unfinished = place.with_suffix(".part")
            unfinished.write_text(json.dumps(_columns(verdict)))
            unfinished.rename(place)

        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            list(pool.map(one, chosen))


def _columns(verdict: dict[str, Any]) -> Verdict:
    """Differences by column: [] where it passes, None where the case says nothing."""
    return {
        column: None if passed is None else verdict["diffs"].get(column, [])
        for column, passed in verdict["pass"].items()
    }


if __name__ == "__main__":
    place = Path(sys.argv[1])
    try:
        play(json.loads((place / "ids").read_text()), place)
    except BaseException:
        traceback.print_exc()
    (place / "done").touch()
    sys.stderr.flush()
    os._exit(0)  # threads of cases that poll an activity may still wait for their answer
