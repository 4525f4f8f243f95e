"""The Lua scripts: one atomic deed each, with its contract on top. Shared parts are `--- @include NAME` lines."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Script(NamedTuple):
    name: str
    text: str
    sha: str


def _expand(match: re.Match[str]) -> str:
    return (files(__package__) / "include" / f"{match[1]}.lua").read_text()


@cache
def load(name: str) -> Script:
    """The script of that name with its includes put in. Raises FileNotFoundError for a name that is none."""
    text = (files(__package__) / f"{name}.lua").read_text()
    text = re.sub(r"^--- @include (\w+)$", _expand, text, flags=re.MULTILINE)
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


@cache
def names() -> tuple[str, ...]:
    """Every script, by file name."""
    return tuple(
        sorted(p.name[:-4] for p in files(__package__).iterdir() if p.name.endswith(".lua"))
    )
