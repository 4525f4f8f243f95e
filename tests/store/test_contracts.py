"""Scripts and their contracts: what the header says is what the body uses and what callers give."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
from contracts import contract
from world import CheckedRedis

from engine.store import scripts

STORE = Path(str(files("engine.store")))
each_script = pytest.mark.parametrize("name", scripts.names())


@each_script
def test_the_header_names_exactly_the_keys_and_arguments_that_the_script_uses(name):
    found = contract(name)
    assert found.name == name
    assert found.keys_used == found.keys
    assert found.argv_used == found.argv
    assert found.keys == frozenset(range(1, len(found.keys) + 1))
    assert found.argv == frozenset(range(1, len(found.argv) + 1))
    assert found.more == (
        name in {"commit", "create_children", "import_execution", "prune_execution"}
    )


@each_script
def test_every_script_is_called_from_the_store(name):
    callers = [path.name for path in STORE.rglob("*.py") if f'"{name}"' in path.read_text()]
    assert callers


@each_script
def test_a_script_makes_no_key_of_its_own_and_reads_no_document(name):
    text = scripts.load(name).text
    assert "cjson" not in text
    # A key is an entry of KEYS, or a name given to one.
    assert not re.search(r"redis\.p?call\('[A-Z]+', *['\"(]", text.replace("redis.call('TIME'", ""))
    assert not re.search(r"tostring\(", text)


def calls(name, text):
    return len(re.findall(rf"\b{name}\(", text))


@each_script
def test_includes_are_put_in_and_used(name):
    text = scripts.load(name).text
    body = scripts.body(name)
    assert "@include" not in text
    for included in re.findall(r"^--- @include (\w+)$", body, re.MULTILINE):
        part = (STORE / "scripts" / "include" / f"{included}.lua").read_text()
        names = re.findall(r"^local function (\w+)", part, re.MULTILINE)
        assert any(calls(one, text) > calls(one, part) for one in names), included


@each_script
async def test_redis_accepts_it(alone, name):
    script = scripts.load(name)
    assert await alone.redis.call(None, "SCRIPT", "LOAD", script.text) == script.sha.encode()


async def test_keys_of_different_tags_are_noticed_by_this_suite(alone):
    redis = CheckedRedis(alone.redis.url)
    with pytest.raises(AssertionError, match="has keys of"):
        redis.script("release", ["t:{00}:x", "t:{01}:ready"], ["r", "n", "0"])
    with pytest.raises(AssertionError, match="is given"):
        redis.script("release", ["t:{00}:x"], ["r", "n", "0"])
    await redis.close()
