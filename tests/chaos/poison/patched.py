"""An engine that some executions are poison to: what it does when it decides them is said by their definition's name.

    python -m tests.chaos.poison.patched engine

starts Detent's own command line in a process whose decisions fall over executions of `poison-<kind>`. Nothing of this is
in the product; the same executions run through a sound engine without harm.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

PREFIX = "poison-"


def raises() -> None:
    raise RuntimeError("a test has asked for a failure here")


def recurses() -> None:
    recurses()


def exhausts() -> None:
    raise MemoryError


def is_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def exits() -> None:
    os._exit(3)


KINDS: dict[str, Callable[[], None]] = {
    "raises": raises,
    "recurses": recurses,
    "exhausts": exhausts,
    "killed": is_killed,
    "exits": exits,
}
DEADLY = ("killed", "exits")


def main() -> None:
    from cli.main import main as run
    from engine.runtime.deciding import Deciding

    true = Deciding.at_once

    def at_once(self: Any, machine: Any, execution: Any, *rest: Any) -> Any:
        act = KINDS.get(execution.definition.removeprefix(PREFIX))
        if act is not None:
            act()
        return true(self, machine, execution, *rest)

    Deciding.at_once = at_once  # type: ignore[method-assign]
    run()


if __name__ == "__main__":
    main()
