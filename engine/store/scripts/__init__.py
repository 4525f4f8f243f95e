"""The Lua scripts: one atomic deed each, with its contract on top, in a folder for what it is about.

Parts that several share are `--- @include NAME` lines.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

INCLUDED = "include"
_INCLUDE = re.compile(r"^--- @include (\w+)$", re.MULTILINE)


class Script(NamedTuple):
    name: str
    text: str
    sha: str


def _expand(text: str) -> str:
    """The text with its includes put in, and theirs."""
    return _INCLUDE.sub(
        lambda match: _expand((files(__package__) / INCLUDED / f"{match[1]}.lua").read_text()), text
    )


@cache
def _folders() -> dict[str, str]:
    """The folder of each script."""
    return {
        file.name.removesuffix(".lua"): folder.name
        for folder in files(__package__).iterdir()
        if folder.is_dir() and folder.name != INCLUDED
        for file in folder.iterdir()
        if file.name.endswith(".lua")
    }


def body(name: str) -> str:
    """A script as it is written, with nothing put in. Raises KeyError for a name that is none."""
    return (files(__package__) / _folders()[name] / f"{name}.lua").read_text()


@cache
def load(name: str) -> Script:
    """The script of that name with its includes put in. Raises KeyError for a name that is none."""
    text = _expand(body(name))
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def names() -> tuple[str, ...]:
    """Every script, by file name."""
    return tuple(sorted(_folders()))
