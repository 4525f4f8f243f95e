"""Random workflows and orders under faults, and a verdict over what is left.

    python -m tests.chaos.workflows --seed 1

Writes its files into --folder (a temporary one by default) and the verdict to verdict.json there. Exit code: 0 pass,
1 fail, 2 invalid (too little was provoked to prove anything).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from tests.chaos.rig.verdicts import show
from tests.chaos.workflows import checks
from tests.chaos.workflows.plan import Plan
from tests.chaos.workflows.run import run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("executions", "orders", "kills", "seed", "engines", "workers", "lease_ms"):
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=int, default=getattr(Plan, name))
    for name in ("settle_seconds", "stuck_seconds", "loss"):
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=float, default=getattr(Plan, name))
    parser.add_argument("--calm", action="store_true", help="kills only")
    parser.add_argument("--strict-times", action="store_true", help="slowness is a finding too")
    parser.add_argument("--mutant", default="", help="of tests/chaos/broken/program.py")
    parser.add_argument("--check", type=Path, help="judge the files of an earlier run again")
    parser.add_argument("--folder", type=Path)
    given = vars(parser.parse_args())
    logging.getLogger("detent").setLevel(logging.ERROR)
    earlier, folder = given.pop("check"), given.pop("folder")
    if earlier is not None:
        return show(checks.verdict(earlier))
    folder = folder or Path(tempfile.mkdtemp(prefix="detent-chaos-"))
    print(f"The files of the run are in {folder}.", file=sys.stderr)
    return show(asyncio.run(run(Plan(**given), folder)))


if __name__ == "__main__":
    sys.exit(main())
