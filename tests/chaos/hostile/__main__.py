"""`python -m tests.chaos.hostile [--seed N] [--share 0.2]`: exit code 0 pass, 1 fail, 2 invalid."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.chaos.hostile.attack import Plan, run
from tests.chaos.rig.verdicts import show


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=1.0, help="of every kind of piece (1.0)")
    parser.add_argument("--folder", type=Path, help="kept; a temporary one by default")
    options = parser.parse_args()
    plan = Plan(seed=options.seed, share=options.share)
    with tempfile.TemporaryDirectory(prefix="dth") as temporary:
        return show(asyncio.run(run(plan, options.folder or Path(temporary))))


if __name__ == "__main__":
    sys.exit(main())
