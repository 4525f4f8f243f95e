"""Filters: what they match, how callers write them, and which index answers them."""

from __future__ import annotations

import dataclasses

import pytest

from engine.errors import InvalidName, InvalidRequest
from engine.store.finding.asked import filter_of
from engine.store.finding.entries import entries_of, moved
from engine.store.finding.filter import Filter, text_of, texts_asked
from engine.store.finding.indexes import Span, ways
from engine.store.finding.rows import Row
from engine.store.keys import Keys, versioned

ROW = Row("d:n", 2, "RUNNING", 1000, state="Pay", attributes={"who": "c-7", "sum": 100, "ok": True})
CLOSED = Row("d:n", 2, "FAILED", 1000, 2000, error="Lost")
KEYS = Keys("t", 1)


@pytest.mark.parametrize(
    ("asked", "row", "matches"),
    [
        ({}, ROW, True),
        ({"definition": "d"}, ROW, True),
        ({"definition": "e"}, ROW, False),
        ({"version": 2}, ROW, True),
        ({"version": 1}, ROW, False),
        ({"status": "FAILED"}, ROW, False),
        ({"status": "FAILED"}, CLOSED, True),
        ({"state": "Pay"}, ROW, True),
        ({"state": "Pay"}, CLOSED, False),
        ({"error": "Lost"}, CLOSED, True),
        ({"error": "Lost"}, ROW, False),
        ({"started_from_ms": 1000}, ROW, True),
        ({"started_from_ms": 1001}, ROW, False),
        ({"started_until_ms": 1001}, ROW, True),
        ({"started_until_ms": 1000}, ROW, False),
        ({"attributes": (("who", "c-7"), ("sum", "100"), ("ok", "true"))}, ROW, True),
        ({"attributes": (("who", "c-7"), ("sum", "101"))}, ROW, False),
        ({"attributes": (("who", "c-7"),)}, CLOSED, False),
        ({"attributes": (("sum", "1e2"),)}, ROW, True),
        ({"attributes": (("ok", "True"),)}, ROW, False),
    ],
)
def test_a_row_matches_where_all_that_is_given_holds(asked, row, matches):
    assert Filter(**asked).matches(row) is matches


def test_a_filter_is_a_value():
    assert Filter(definition="d") == Filter(definition="d")
    assert len({Filter(version=1), Filter(version=1), Filter(version=2)}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        Filter().version = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("value", "text"),
    [("c-7", "c-7"), (True, "true"), (100, "100"), (100.0, "100"), (-0.0, "0"), (0.1, "0.1"), (1e300, str(10**300)[:1])],
)  # fmt: skip
def test_values_that_are_equal_are_indexed_under_one_text(value, text):
    assert text_of(value).startswith(text)


@pytest.mark.parametrize(
    ("asked", "texts"),
    [
        ("c-7", ("c-7",)),
        ("100", ("100",)),
        ("100.50", ("100.50", "100.5")),
        ("1e2", ("1e2", "100")),
        ("007", ("007", "7")),
        ("1e999", ("1e999",)),
        ("x" * 200, ("x" * 128,)),
        ("٣", ("٣",)),
    ],
)
def test_a_number_is_found_however_it_is_written_and_so_is_a_text_that_looks_like_one(asked, texts):
    assert texts_asked(asked) == texts


def test_what_callers_write_becomes_a_filter():
    assert filter_of() == Filter()
    assert filter_of(
        definition="d",
        started_after="2026-11-22T10:00:00+01:00",
        started_before="2026-11-22T10:00:00.5Z",
        attributes=["who:a:b", "note:"],
    ) == Filter(
        definition="d",
        started_from_ms=1795338000000,
        started_until_ms=1795341600500,
        attributes=(("who", "a:b"), ("note", "")),
    )


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"definition": "a b"}, InvalidName),
        ({"attributes": ["who:x"]}, InvalidRequest),
        ({"definition": "d", "attributes": ["who"]}, InvalidRequest),
        ({"definition": "d", "attributes": ["Who:x"]}, InvalidRequest),
        ({"definition": "d", "attributes": ["a:1"] * 11}, InvalidRequest),
        ({"started_after": "yesterday"}, InvalidRequest),
        ({"started_before": "2026-13-01T00:00:00Z"}, InvalidRequest),
    ],
)
def test_what_cannot_be_read_is_refused(asked, refusal):
    with pytest.raises(refusal):
        filter_of(**asked)


@pytest.mark.parametrize(
    ("asked", "exact"),
    [
        ({}, True),
        ({"status": "FAILED"}, True),
        ({"definition": "d"}, True),
        ({"state": "Pay"}, True),
        ({"state": "Pay", "status": "RUNNING"}, True),
        ({"state": "Pay", "status": "FAILED"}, False),
        ({"error": "Lost"}, True),
        ({"error": "Lost", "status": "FAILED"}, False),
        ({"version": 1}, False),
        ({"definition": "d", "version": 1}, False),
        ({"definition": "d", "version": 1, "status": "RUNNING"}, True),
        ({"definition": "d", "version": 1, "status": "FAILED"}, False),
        ({"definition": "d", "attributes": (("a", "1"),)}, True),
        ({"definition": "d", "attributes": (("a", "1"), ("a", "1"))}, True),
        ({"definition": "d", "attributes": (("a", "1"), ("b", "1"))}, False),
        ({"definition": "d", "attributes": (("a", "1"),), "status": "RUNNING"}, False),
        ({"definition": "d", "attributes": (("a", "1"),), "started_from_ms": 5}, True),
    ],
)
def test_one_index_answers_a_filter_exactly_or_none_does(asked, exact):
    wanted = Filter(**asked)
    definitions = [wanted.definition or ""]
    found = ways(KEYS, "default", wanted, definitions, range(1))
    assert any(way.is_exact for way in found) is exact


def test_entries_of_an_execution_are_where_filters_look_for_it():
    for row, asked in (
        (ROW, {"state": "Pay"}),
        (ROW, {"version": 2, "status": "RUNNING"}),
        (ROW, {"attributes": (("sum", "100.0"),)}),
        (CLOSED, {"error": "Lost"}),
        (CLOSED, {"status": "FAILED"}),
    ):
        entries = entries_of(KEYS, "default", row)
        for way in ways(KEYS, "default", Filter(definition="d", **asked), ["d"], range(1)):
            keys = {index.key for index in way.indexes}
            assert keys & entries.keys(), (row, asked)


def test_only_entries_that_change_are_written():
    before = entries_of(KEYS, "default", ROW)
    gone, come = moved(before, entries_of(KEYS, "default", dataclasses.replace(ROW, version=3)))
    assert gone == {"t:{00}:default:vs:d": ("0", "b2:0000000001000:d:n")}
    assert come == {"t:{00}:default:vs:d": ("0", "b3:0000000001000:d:n")}
    gone, come = moved(before, before)
    assert gone == come == {}
    gone, _ = moved(before, entries_of(KEYS, "default", CLOSED))
    assert {key.rpartition("}:")[2] for key in gone} == {
        "default:ix:d:RUNNING", "default:ix::RUNNING", "default:vs:d", "default:at:d:Pay",
        "default:by:d:who:c-7", "default:by:d:sum:100", "default:by:d:ok:true",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "plain"),
    [("c-7", True), ("a.b@c.org", True), ("", False), ("a b", False), ("#1", False), ("x" * 34, False), ("é", False)],
)  # fmt: skip
def test_a_long_or_odd_value_stands_in_its_key_as_a_hash(value, plain):
    key = KEYS.attribute(0, "default", "d", "who", value)
    if plain:
        assert key == f"t:{{00}}:default:by:d:who:{value}"
    else:
        assert len(key) == len("t:{00}:default:by:d:who:#") + 32
        assert key != KEYS.attribute(0, "default", "d", "who", value + "x")


def test_versions_sort_as_numbers_and_then_by_start_and_id():
    members = [
        versioned(version, ms, name)
        for version in (1, 9, 10, 99, 100, 2**31 - 1)
        for ms in (5, 1_764_000_000_000)
        for name in ("d:a", "d:b")
    ]
    assert members == sorted(members)


def test_a_span_beyond_what_times_have_digits_for_is_cut():
    [way] = ways(KEYS, "default", Filter(definition="d", version=1, status="RUNNING"), ["d"], [0])
    [index] = way.indexes
    assert index.counting(Span(10**14, 10**15))[2:] == ("[b1:9999999999999", "(b1:9999999999999")
    assert index.counting(Span(None, None))[2:] == ("[b1:0000000000000", "(b1:9999999999999")
