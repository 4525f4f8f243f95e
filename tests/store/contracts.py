"""Reads the contract that a script opens with: which KEYS and ARGV it names."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from engine.store import scripts


class Contract(NamedTuple):
    """Numbers explained in the header and used in the body; `more`: KEYS go on beyond the last one explained."""

    name: str
    keys: frozenset[int]
    argv: frozenset[int]
    keys_used: frozenset[int]
    argv_used: frozenset[int]
    more: bool


@cache
def contract(name: str) -> Contract:
    text = scripts.body(name)
    opening = re.match(r"(?:#!lua[^\n]*\n)?--\[\[ (\w+)\n(.*?)\]\]", text, re.DOTALL)
    assert opening is not None, f"{name} does not open with its contract"
    explained: dict[str, set[int]] = {"KEYS": set(), "ARGV": set()}
    more, array = False, ""
    for token in re.finditer(r"\b(KEYS|ARGV)\b|\[(\d+)(\.\.\.)?\]", opening[2]):
        if token[1]:
            array = token[1]
        elif token[3]:
            more = True
        else:
            explained[array].add(int(token[2]))
    used = {
        array: frozenset(map(int, re.findall(rf"{array}\[(\d+)\]", text[opening.end() :])))
        for array in explained
    }
    return Contract(
        opening[1],
        frozenset(explained["KEYS"]),
        frozenset(explained["ARGV"]),
        used["KEYS"],
        used["ARGV"],
        more,
    )
