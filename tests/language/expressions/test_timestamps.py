"""Timestamps: which texts are one, and which instant they name."""

from __future__ import annotations

import pytest

from engine.language.expressions.timestamps import (
    is_timestamp,
    parse_instant,
    parse_timestamp,
    parse_timestamp_seconds,
)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.5Z", 500),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T18:30:00-05:30", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2016-03-14T01:59:00Z", 1_457_920_740_000),
        ("2024-02-29T12:00:00.123456789Z", 1_709_208_000_123),
        ("9999-12-31T23:59:59Z", 253_402_300_799_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),
    ],
)
def test_a_timestamp_is_milliseconds_since_the_epoch(text, milliseconds):
    assert parse_timestamp(text) == milliseconds
    assert is_timestamp(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "2023-02-24",
        "2012-10-09T19:00:55",
        "2023-02-24 12:15:56.832957",
        "2023-02-24 12:15:56Z",
        "2012-10-09t19:00:55Z",
        "2012-10-09T19:00:55z",
        "2012-10-09T19:00Z",
        "2012-10-09T19:00:55.Z",
        "2012-10-09T19:00:55+0100",
        "2012-10-09T19:00:55+01",
        "2012-10-09T24:00:00Z",
        "2012-10-09T19:60:00Z",
        "2012-10-09T19:00:60Z",
        "2012-10-09T19:00:55+24:00",
        "2012-13-09T19:00:55Z",
        "2023-02-29T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2012-10-09T19:00:55Z\n",
        " 2012-10-09T19:00:55Z",
        "٢٠١٢-10-09T19:00:55Z",
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError):
        parse_timestamp(text)
    assert not is_timestamp(text)


def test_instants_differ_down_to_the_nanosecond():
    first = parse_instant("2024-01-01T00:00:00.000000001Z")
    assert parse_instant("2024-01-01T00:00:00.000000002Z") - first == 1


def test_a_wait_drops_the_fraction_of_the_second():
    assert parse_timestamp_seconds("2024-01-01T00:00:00.999Z") == parse_timestamp(
        "2024-01-01T00:00:00Z"
    )
