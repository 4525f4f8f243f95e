"""The Sentinel run: `python -m tests.chaos.sentinel --cuts 20 --seed 1`, and its control, `--no-wait`.

With root and iproute2 in network namespaces of its own, where the primary is cut off together with an engine and
callers beside it; elsewhere, or with --loopback, by SIGKILL and SIGSTOP. Exit code: 0 pass, 1 fail, 2 invalid.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.chaos.rig.verdicts import show
from tests.chaos.sentinel.network import NotPermitted, hub_of, network, within
from tests.chaos.sentinel.run import Plan, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=Plan.cuts)
    parser.add_argument("--executions", type=int, help="30 a cut")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--lease-ms", type=int, default=Plan.lease_ms)
    parser.add_argument(
        "--no-wait", action="store_true", help="the control: it must lose something"
    )
    parser.add_argument("--loopback", action="store_true")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--within", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.loopback and not given.within:
        try:
            with network() as prefix:
                again = [sys.executable, "-m", "tests.chaos.sentinel", *sys.argv[1:]]
                command = [*within(hub_of(prefix)), *again, "--within", prefix]
                return subprocess.run(command, check=False).returncode
        except NotPermitted as error:
            print(f"No namespaces, so nothing is cut off, only killed: {error}", file=sys.stderr)
    logging.getLogger("detent").setLevel(logging.ERROR)
    plan = Plan(
        executions=given.executions or 30 * given.cuts,
        cuts=given.cuts,
        seed=given.seed,
        lease_ms=given.lease_ms,
        waits=not given.no_wait,
        network="namespaces" if given.within else "loopback",
        prefix=given.within,
        settle_seconds=20.0 if given.no_wait else Plan.settle_seconds,
        ports=tuple(range(21200, 21210)) if given.within else (),
    )
    folder = given.folder or Path(tempfile.mkdtemp(prefix="detent-sentinel-"))
    found = asyncio.run(run(plan, folder))
    print(f"The files of the run are in {folder}.", file=sys.stderr)
    return show(found)


if __name__ == "__main__":
    sys.exit(main())
