"""Text to a document with places: strict JSON, YAML 1.2 with JSON values only, and what is refused before it costs anything."""

from __future__ import annotations

import json
import time
import tracemalloc

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from language_cases import places

from engine.language.limits import ALIAS_VALUES_MAX, ALIASES_MAX, DEPTH_MAX, TEXT_BYTES_MAX
from engine.language.text import read_source
from engine.language.text.source import path_of, pointer_of


def findings(text: str | bytes, notation: str | None = None) -> list[tuple[str, str, int, int]]:
    source = read_source(text, notation)
    return [(f.code, pointer_of(f.path), *source.lines.place(f.offset)) for f in source.findings]


JSON_REFUSED = [
    ('{"a":1,}', ("invalid_json", "", 1, 8)),
    ("{'a':1}", ("invalid_json", "", 1, 2)),
    ('{"a":[1,2', ("invalid_json", "/a/1", 1, 10)),
    ('{"a":\n tru}', ("invalid_json", "/a", 2, 2)),
    ('{"a" 1}', ("invalid_json", "/a", 1, 6)),
    ('{"a":1 "b":2}', ("invalid_json", "/a", 1, 8)),
    ("[1,2]x", ("invalid_json", "", 1, 6)),
    ("[1,]", ("invalid_json", "/1", 1, 4)),
    ('{"a":01}', ("invalid_json", "/a", 1, 6)),
    ('{"a":1.}', ("invalid_json", "/a", 1, 6)),
    ('{"a":.5}', ("invalid_json", "/a", 1, 6)),
    ('{"a":+1}', ("invalid_json", "/a", 1, 6)),
    ('{"a":1//x\n}', ("invalid_json", "/a", 1, 7)),
    ('{"a":"x\ny"}', ("invalid_json", "/a", 1, 8)),
    ('{"a":"x\ty"}', ("invalid_json", "/a", 1, 8)),
    ('{"a":"\\q"}', ("invalid_json", "/a", 1, 7)),
    ('{"a":"\\u12"}', ("invalid_json", "/a", 1, 7)),
    ('{"a":"x', ("invalid_json", "/a", 1, 8)),
    ("[[[", ("invalid_json", "/0/0/0", 1, 4)),
    ('{"a":NaN}', ("not_json_value", "/a", 1, 6)),
    ('{"a":-Infinity}', ("not_json_value", "/a", 1, 6)),
    ('{"a":1e999}', ("not_json_value", "/a", 1, 6)),
    ('{"a":1' + "0" * 5000 + "}", ("not_json_value", "/a", 1, 6)),
    ('{"a":{"b":1,\n "b":2}}', ("duplicate_key", "/a/b", 2, 2)),
    ('{"a":1,"\\u0061":2}', ("duplicate_key", "/a", 1, 8)),
    ('{"a":"\\ud800x"}', ("control_character", "/a", 1, 6)),
    (b'{"a":"\xed\xa0\x80"}', ("not_utf8", "", 1, 7)),
    ('{"a":"\x00"}', ("control_character", "", 1, 7)),
    ("\ud800", ("control_character", "", 1, 1)),
    ("", ("empty_definition", "", 1, 1)),
    ("[" * 100_000, ("too_deep", "/0" * DEPTH_MAX, 1, DEPTH_MAX + 1)),
]

YAML_REFUSED = [
    ("a: no", ("yaml_ambiguous", "/a", 1, 4)),
    ("a: Yes", ("yaml_ambiguous", "/a", 1, 4)),
    ("a: ON", ("yaml_ambiguous", "/a", 1, 4)),
    ("on: 1", ("yaml_ambiguous", "/on", 1, 1)),
    ("a: 1:30", ("yaml_ambiguous", "/a", 1, 4)),
    ("a: 190:20:30.15", ("yaml_ambiguous", "/a", 1, 4)),
    ("a: 2026-11-22", ("yaml_ambiguous", "/a", 1, 4)),
    ("a: 2026-11-22T10:00:00Z", ("yaml_ambiguous", "/a", 1, 4)),
    ("a: 2026-11-22 10:00:00 +1", ("yaml_ambiguous", "/a", 1, 4)),
    ("a: 017", ("yaml_ambiguous", "/a", 1, 4)),
    ("a: 08", ("yaml_ambiguous", "/a", 1, 4)),
    ("a: 0o17", ("yaml_ambiguous", "/a", 1, 4)),
    ("a: 0b11", ("yaml_ambiguous", "/a", 1, 4)),
    ("a: 1_000", ("yaml_ambiguous", "/a", 1, 4)),
    ("a: 1e3", ("yaml_ambiguous", "/a", 1, 4)),
    ("a: 1.5e3", ("yaml_ambiguous", "/a", 1, 4)),
    ("a: .inf", ("not_json_value", "/a", 1, 4)),
    ("a: -.INF", ("not_json_value", "/a", 1, 4)),
    ("a: .nan", ("not_json_value", "/a", 1, 4)),
    ("a: 1.0e+999", ("not_json_value", "/a", 1, 4)),
    ("a: 1" + "0" * 5000, ("not_json_value", "/a", 1, 4)),
    ("a: 0x" + "f" * 5000, ("not_json_value", "/a", 1, 4)),
    ("b: 1\na: 1\nb: 2", ("duplicate_key", "/b", 3, 1)),
    ("a: !!int 3", ("yaml_tag", "/a", 1, 4)),
    ("a: !!python/object:os.system x", ("yaml_tag", "/a", 1, 4)),
    ("a: !If [x]", ("yaml_tag", "/a", 1, 4)),
    ("a: ! x", ("yaml_tag", "/a", 1, 4)),
    ("a: *x", ("yaml_alias", "/a", 1, 4)),
    ("a: &x [*x]", ("yaml_alias", "/a/0", 1, 8)),
    ("a: &x {b: {c: *x}}", ("yaml_alias", "/a/b/c", 1, 15)),
    ("a: &x 1\nb: [" + "*x, " * (ALIASES_MAX + 1) + "]", ("yaml_alias", f"/b/{ALIASES_MAX}", 2, 405)),
    ("<<: {a: 1}", ("yaml_merge_key", "/<<", 1, 1)),
    ("1: a", ("yaml_key_not_text", "/1", 1, 1)),
    ("~: a", ("yaml_key_not_text", "/~0", 1, 1)),
    ("true: a", ("yaml_key_not_text", "/true", 1, 1)),
    ("[a]: 1", ("yaml_key_not_text", "", 1, 1)),
    ("? {a: 1}\n: 1", ("yaml_key_not_text", "", 1, 3)),
    ("x: &a y\n*a : 1", ("yaml_key_not_text", "", 2, 1)),
    ("a: 1\n---\nb: 1", ("yaml_documents", "", 2, 1)),
    ("a:\n\t- b", ("invalid_yaml", "/a", 2, 1)),
    ("a: b: c", ("invalid_yaml", "", 1, 5)),
    ("a: @x", ("invalid_yaml", "/a", 1, 4)),
    ("a: 1\nb: 'x", ("invalid_yaml", "/b", 2, 4)),
    ("a: [1,\nb: 2", ("invalid_yaml", "/a/2", 2, 5)),
    ('a: "\\q"', ("invalid_yaml", "/a", 1, 5)),
    ("%YAML 3.0\n---\na: 1", ("invalid_yaml", "", 1, 1)),
    ("- " * (DEPTH_MAX + 1), ("too_deep", "/0" * DEPTH_MAX, 1, 2 * DEPTH_MAX + 1)),
    (" # only a comment", ("empty_definition", "", 1, 1)),
    (b"a: \xff", ("not_utf8", "", 1, 4)),
    ("a: \x85", ("control_character", "", 1, 4)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), JSON_REFUSED)
def test_json_that_is_refused_names_the_place(text, expected):
    assert findings(text, "json")[0] == expected


@pytest.mark.parametrize(("text", "expected"), YAML_REFUSED)
def test_yaml_that_is_refused_names_the_place(text, expected):
    assert findings(text, "yaml")[0] == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1.5", 1.5), ("a: -.5", -0.5), ("a: 1.0e+3", 1000.0), ("a: 0x1F", 31), ("a: +7", 7), ("a: 0", 0),
        ("a: ~", None), ("a:", None), ("a: NULL", None), ("a: True", True), ("a: FALSE", False), ("a: 'no'", "no"),
        ('a: "2026-11-22"', "2026-11-22"), ("a: nope", "nope"), ("a: y", "y"), ("a: 1.2.3", "1.2.3"),
        ("a: 10:00 Uhr", "10:00 Uhr"), ("a: |\n  x\n  y", "x\ny"), ("a: $.b", "$.b"),
        ("a: {b: [1, x]}", {"b": [1, "x"]}), ("a: &x [1]\nb: *x", [1]), ("a: héé😀", "héé😀"), ("a: =", "="),
        ("%YAML 1.2\n---\na: 1", 1), ("---\na: 1\n...\n", 1), ("a: 00:1x", "00:1x"), ("a: tRUE", "tRUE"),
    ],
)  # fmt: skip
def test_yaml_values_are_those_of_the_core_schema(text, value):
    source = read_source(text, "yaml")
    assert source.findings == ()
    assert source.value["a"] == value
    assert type(source.value["a"]) is type(value)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
        max_leaves=30,
    ),
    st.sampled_from([None, 1, 3]),
    st.booleans(),
)
def test_all_json_that_python_writes_reads_back_the_same(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    source = read_source(text, "json")
    if any(f.code == "control_character" for f in source.findings):
        return  # written raw, or half of a pair
    assert source.findings == ()
    assert source.value == value
    assert json.dumps(source.value) == json.dumps(value)


@given(
    st.dictionaries(
        st.sampled_from(["a", "b c", "$x", "é", "no", "1"]),
        st.none()
        | st.booleans()
        | st.integers(-9, 99)
        | st.sampled_from(["no", "1e3", "", "x: y", "a\nb", "2026-01-01"]),
        min_size=1,
    )
)
def test_yaml_that_a_careful_writer_made_reads_back_the_same(value):
    text = yaml.safe_dump({"States": value, "more": [value, value]}, allow_unicode=True)
    source = read_source(text, "yaml")
    flagged = {f.code for f in source.findings}
    assert flagged <= {"yaml_ambiguous"}  # PyYAML quotes by 1.1 rules: 1e3 is text to it
    if not flagged:
        assert source.value == {"States": value, "more": [value, value]}


def test_every_part_knows_its_place_in_json():
    text = '{\r\n  "a": [1, {"b/~": "x"}],\n  "é😀": null}'
    source = read_source(text)
    expected = {
        (): (1, 1), ("a",): (2, 8), ("a", 0): (2, 9), ("a", 1): (2, 12), ("a", 1, "b/~"): (2, 20), ("é😀",): (3, 9),
    }  # fmt: skip
    assert {path: source.place(path) for path in expected} == expected
    assert source.place(("a", 1, "b/~"), key=True) == (2, 13)
    assert source.place(("é😀",), key=True) == (3, 3)


def test_every_part_knows_its_place_in_yaml():
    source = read_source('# é\na:\n  - 1\n  - "b": x\n"é😀": {c: d}\n')
    expected = {
        (): (2, 1), ("a",): (3, 3), ("a", 0): (3, 5), ("a", 1): (4, 5), ("a", 1, "b"): (4, 10), ("é😀", "c"): (5, 11),
    }  # fmt: skip
    assert {path: source.place(path) for path in expected} == expected
    assert source.place(("a",), key=True) == (2, 1)
    assert source.place(("é😀", "c"), key=True) == (5, 8)


def test_a_place_that_is_not_there_is_its_nearest_container():
    source = read_source("a:\n  b: {c: 1}\n")
    assert (
        source.place(("a", "b", "x", "y"), key=True) == source.place(("a", "b"), key=True) == (2, 3)
    )


def test_aliased_parts_stand_at_their_anchor():
    source = read_source("a: &x {k: 1}\nb: *x\n")
    assert source.place(("b",)) == (2, 4)
    assert source.place(("b", "k"), key=True) == (1, 8)


def test_pointers_and_paths_are_each_others_inverse():
    value = {"a/b": [{"~": 1}], "": {"0": 2}}
    for path in ((), ("a/b", 0, "~"), ("", "0")):
        assert path_of(pointer_of(path), value) == path
    assert path_of("/a~1b/7/x", value) == ("a/b",)


def test_all_harmless_findings_are_reported_together():
    found = places("a: no\nb: !x y\na: 017\nb: .nan\n")
    assert [code for code, *_ in found if code.startswith(("yaml", "dup", "not_json"))] == [
        "yaml_ambiguous", "yaml_tag", "duplicate_key", "yaml_ambiguous", "duplicate_key", "not_json_value",
    ]  # fmt: skip


def test_the_notation_is_seen_from_the_first_character():
    assert read_source(' \n{"a": 1}').format == "json"
    assert read_source("\ufeff# c\na: 1").format == "yaml"
    assert read_source(b"\xef\xbb\xbf{}").format == "json"
    assert read_source("{a: 1}", "yaml").value == {"a": 1}


def test_one_byte_more_than_the_limit_is_refused():
    def text(size):
        return '{"a":"' + "x" * (size - 8) + '"}'

    assert read_source(text(TEXT_BYTES_MAX)).readable
    assert findings(text(TEXT_BYTES_MAX + 1)) == [("too_large", "", 1, 1)]
    assert findings("é" * (TEXT_BYTES_MAX // 2 + 1)) == [("too_large", "", 1, 1)]


def laughs(width: int, levels: int) -> str:
    lines = ["a0: &a0 [" + ", ".join(["x"] * width) + "]"]
    lines += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * width) + "]" for n in range(1, levels)]
    return "\n".join(lines)


BOMBS = {
    "laughs": laughs(9, 9),
    "deep laughs": laughs(2, 30),
    "laughs as keys": "a: &a {b: c}\n" + "".join(f"k{n}: {{<<: *a}}\n" for n in range(20)),
    "cycle": "a: &a {b: &b [*a, *b]}",
    "nested flow": "[" * 500,
    "nested mappings": "{a: " * 120,
    "nested sequences": "- " * 250,
    "nested keys": "? " * 250,
    "anchors": "&a " * 160,
    "tags": "! " * 250,
    "digits": "a: 1" + "0" * 500,
    "hex": "a: 0x" + "f" * 500,
    "colons": "1:" * 250,
    "tag handles": "%TAG !e! tag:e,2000:\n---\n!e!x {a: 1}",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_of_half_a_kilobyte_is_refused_and_costs_neither_work_nor_memory(name):
    text = BOMBS[name]
    assert len(text) < 700
    tracemalloc.start()
    begun = time.process_time()  # this process's own work: a busy machine does not count
    found = findings(text, "yaml")
    took = time.process_time() - begun
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found
    assert took < 1
    assert peak < 2_000_000


def test_aliases_within_the_bound_are_read():
    count = ALIAS_VALUES_MAX // 21
    source = read_source(
        "a: &a [" + ", ".join("x" * 20) + "]\nb: [" + ", ".join(["*a"] * count) + "]\n"
    )
    assert source.findings == ()
    assert source.value["b"] == [["x"] * 20] * count


def test_depth_is_counted_through_aliases():
    half = "[" * 33 + "]" * 33
    assert findings(f"a: &a {half}\nb: {'[' * 31}*a{']' * 31}") == [
        ("too_deep", "/b" + "/0" * 31, 2, 35)
    ]
    assert findings(f"a: &a {half}\nb: {'[' * 30}*a{']' * 30}") == []


@pytest.mark.parametrize("notation", ["json", "yaml"])
def test_a_hostile_text_of_a_megabyte_costs_seconds_of_work_not_minutes(notation):
    for text in ("[" + "1," * 500_000, '"' + "\\n" * 500_000, "a" * 1_000_000, "[{" * 300_000):
        begun = time.process_time()  # this process's own work: a busy machine does not count
        read_source(text, notation)
        assert time.process_time() - begun < 30
