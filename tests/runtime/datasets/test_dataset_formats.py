"""From bytes to items: every format, with what it holds to and what it refuses."""

from __future__ import annotations

import codecs
import gzip
import io
import json
from typing import Any

import pytest
import zstandard

from engine.tasks.datasets.faults import ItemReaderFailed
from engine.tasks.datasets.formats import decoding, entries, json_items, manifests, parquet, tables
from engine.tasks.datasets.formats.columns import in_order
from engine.tasks.datasets.formats.decoding import content
from engine.tasks.datasets.formats.json_items import json_entries
from engine.tasks.datasets.formats.json_lines import json_line_entries
from engine.tasks.datasets.formats.tables import table_entries


def read(data: bytes | str) -> io.BufferedReader:
    raw = data.encode() if isinstance(data, str) else data
    return content(io.BufferedReader(io.BytesIO(raw)))


def json_of(data: bytes | str, pointer: str | None = None) -> list[Any]:
    return [
        entry.value if entry.key is None else (entry.key, entry.value)
        for entry in json_entries(read(data), pointer)
    ]


def rows(data: bytes | str, delimiter: str = "COMMA", headers: Any = None) -> list[dict[str, str]]:
    return [entry.value for entry in table_entries(read(data), delimiter, headers)]


def lines_of(data: bytes | str) -> list[Any]:
    return [entry.value for entry in json_line_entries(read(data))]


# JSON


@pytest.mark.parametrize(
    "value",
    [
        [],
        [1, -2.5, 1e300, "x", True, False, None],
        [[], {}, [[1, [2]], {"a": {"b": [{}, None]}}]],
        [{"": "empty", 'ü\n"': "\\"}, 12345678901234567890123],
    ],
)
def test_the_elements_of_an_array_are_the_items(value):
    assert json_of(json.dumps(value)) == value
    assert json_of(json.dumps(value, indent=2)) == value


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("/items", [1, {"a": []}]),
        ("/deep/x~1y/1/0", ["found"]),
        ("/deep/~0t", [("k", [1]), ("l", None)]),
        ("/empty", []),
    ],
)
def test_a_pointer_leads_to_an_array_or_to_an_object(pointer, expected):
    document = {
        "skipped": [{"items": ["no"]}, {"deep": 1}],
        "items": [1, {"a": []}],
        "deep": {"x/y": ["no", [["found"], []]], "~t": {"k": [1], "l": None}},
        "empty": {},
    }
    assert json_of(json.dumps(document), pointer) == expected


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ('{"Hello": "world"}', None),
        ('"text"', None),
        ("7", None),
        ('{"a": 1}', "/a"),
        ('{"a": []}', "/b"),
        ("[[1]]", "/1"),
        ("[[1]]", "/x"),
        ('{"a": "b"}', "/a/b"),
    ],
)
def test_what_has_no_items_is_refused_in_the_recorded_words(data, pointer):
    with pytest.raises(ItemReaderFailed) as failed:
        json_of(data, pointer)
    assert failed.value.cause == "Attempting to map over non-iterable node."


@pytest.mark.parametrize("data", ["", "[1,", "[1 2]", "nonsense", '["\xff"]'.encode("latin-1")])
def test_what_is_no_json_is_refused(data):
    with pytest.raises(ItemReaderFailed, match="not valid JSON"):
        json_of(data)


def test_a_number_out_of_range_and_an_item_too_deep_or_too_large_are_refused(monkeypatch):
    with pytest.raises(ItemReaderFailed, match="out of range"):
        json_of("[1e999]")
    with pytest.raises(ItemReaderFailed, match="nested deeper"):
        json_of("[" * 150 + "]" * 150)
    monkeypatch.setattr(json_items, "ENTRY_BYTES_MAX", 100)
    with pytest.raises(ItemReaderFailed, match="larger than 100"):
        json_of(json.dumps([["x" * 10] * 10]))


def test_an_item_comes_before_the_file_is_read_to_its_end():
    class Endless(io.RawIOBase):
        taken = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            part = (b"[" if not self.taken else b"") + b'{"a":1},' * 1000
            part = part[: len(buffer)]
            buffer[: len(part)] = part
            self.taken += len(part)
            return len(part)

    file = Endless()
    stream = json_entries(io.BufferedReader(file), None)
    assert [next(stream).value for _ in range(3)] == [{"a": 1}] * 3
    assert file.taken < 10 * json_items.BUFFER_BYTES


# JSON Lines


def test_each_line_that_is_not_empty_is_an_item():
    assert lines_of('{"a": 1}\n\n  \r\n[2]\r\nnull\n"last"') == [{"a": 1}, [2], None, "last"]


def test_a_line_that_is_no_json_is_named():
    with pytest.raises(ItemReaderFailed, match="Line 3 is not valid JSON"):
        lines_of('1\n\n{"a"}\n')


def test_a_line_without_end_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(decoding, "ENTRY_BYTES_MAX", 100)
    with pytest.raises(ItemReaderFailed, match="longer than 100"):
        lines_of("1" * 1000)


# CSV


@pytest.mark.parametrize(
    ("data", "headers", "expected"),
    [
        ("a,b\n1,2\n3,4", None, [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
        ("a,b\r\n1,2\r\n", None, [{"a": "1", "b": "2"}]),
        ("1,2\n", ("a", "b"), [{"a": "1", "b": "2"}]),
        ("a,b\n1\n,\n  \n1,2,3\n", None, [
            {"a": "1", "b": ""}, {"a": "", "b": ""}, {"a": "  ", "b": ""}, {"a": "1", "b": "2"},
        ]),
        ("a,\n1,2,3\n", None, [{"": "2", "a": "1"}]),
        ("a,b\n\n1,2\n\n", None, [{"a": "1", "b": "2"}]),
        ('a,b\n"x,""y""\nz",2\n', None, [{"a": 'x,"y"\nz', "b": "2"}]),
        ("a,b\n'x',true\n", None, [{"a": "'x'", "b": "true"}]),
        ("ä\n€\n", None, [{"ä": "€"}]),
        ("a,b\n", None, []),
        ("", None, []),
        ("", ("a",), []),
    ],
)  # fmt: skip
def test_a_row_is_an_object_of_text_by_header(data, headers, expected):
    assert rows(data, headers=headers) == expected


@pytest.mark.parametrize(
    ("delimiter", "mark"),
    [("COMMA", ","), ("PIPE", "|"), ("SEMICOLON", ";"), ("SPACE", " "), ("TAB", "\t")],
)
def test_a_delimiter_divides_cells_and_the_others_do_not(delimiter, mark):
    other = "," if mark != "," else ";"
    assert rows(f"a{mark}b\n1{other}{mark}2\n", delimiter) == [{"a": f"1{other}", "b": "2"}]


@pytest.mark.parametrize(("data", "headers"), [("a,a\n1,2\n", None), ("1,2,3\n", ("a", "b", "a"))])
def test_headers_that_repeat_are_refused_in_the_recorded_words(data, headers):
    with pytest.raises(ItemReaderFailed) as failed:
        rows(data, headers=headers)
    assert failed.value.cause == "CSV headers cannot contain duplicates."


def test_headers_longer_than_ten_kibibytes_are_refused():
    with pytest.raises(ItemReaderFailed, match="CSV headers are longer than 10240"):
        rows(f"{'x' * 10_241}\n1\n")


def test_a_quotation_mark_that_is_never_closed_is_refused_at_the_limit(monkeypatch):
    monkeypatch.setattr(tables.csv, "field_size_limit", tables.csv.field_size_limit)
    before = tables.csv.field_size_limit(100)
    try:
        with pytest.raises(ItemReaderFailed, match="not valid CSV: field larger"):
            rows('a\n"' + "x\n" * 1000)
    finally:
        tables.csv.field_size_limit(before)
    assert before == entries.ENTRY_BYTES_MAX


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["0", "True", "{}"], ["0", "{}", "True"]),  # recorded on AWS
        (["H1", ""], ["", "H1"]),  # recorded on AWS
        (["Col1", "Col2", "Col3"], ["Col1", "Col2", "Col3"]),  # recorded on AWS
        (["Aa", "BB"], ["Aa", "BB"]),  # of one hash code
        (["BB", "Aa"], ["BB", "Aa"]),
        ([f"c{n}" for n in range(13)], ["c11", "c10", "c12", *(f"c{n}" for n in range(10))]),
    ],
)  # fmt: skip
def test_members_of_a_row_come_in_the_order_of_a_java_hash_map(names, expected):
    assert in_order(names) == expected


# Bytes


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(b"a\n1\n2\n", mtime=0),
        gzip.compress(b"a\n1\n", mtime=0) + gzip.compress(b"2\n", mtime=0),
        zstandard.compress(b"a\n1\n2\n"),
        zstandard.compress(b"a\n1\n") + zstandard.compress(b"2\n"),
        codecs.BOM_UTF8 + b"a\n1\n2\n",
        gzip.compress(codecs.BOM_UTF8 + b"a\n1\n2\n", mtime=0),
    ],
)
def test_what_is_compressed_or_begins_with_a_byte_order_mark_is_read_as_what_it_holds(packed):
    assert rows(packed) == [{"a": "1"}, {"a": "2"}]


# Manifests


def test_an_inventory_names_its_files_and_their_columns():
    text = json.dumps({
        "sourceBucket": "s", "destinationBucket": "arn:aws:s3:::there", "version": "2016-11-30",
        "fileFormat": "CSV", "fileSchema": "Bucket, Key, Size",
        "files": [{"key": "data/1.csv.gz", "size": 9, "MD5checksum": "x"}],
    })  # fmt: skip
    found = manifests.inventory(read(text))
    assert found == ("there", ("data/1.csv.gz",), ("Bucket", "Key", "Size"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "not the manifest of an S3 inventory"),
        ('{"files": []}', "not the manifest of an S3 inventory"),
        (
            '{"destinationBucket":"b","fileFormat":"ORC","fileSchema":"s","files":[]}',
            "in the format CSV, not ORC",
        ),
    ],
)
def test_what_is_no_inventory_in_csv_is_refused(text, told):
    with pytest.raises(ItemReaderFailed, match=told):
        manifests.inventory(read(text))


def test_an_athena_manifest_has_an_address_in_each_line():
    text = 's3://b/data/1.gz\n"s3://c/2"\n\n'
    assert list(manifests.addresses(read(text))) == [("b", "data/1.gz"), ("c", "2")]
    with pytest.raises(ItemReaderFailed, match="Line 1 of the manifest"):
        list(manifests.addresses(read("https://b/k\n")))


# Parquet


def test_rows_of_parquet_are_items():
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    file = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"a": [1, None], "b": ["x", "y"]}), file)
    file.seek(0)
    found = [entry.value for entry in parquet.parquet_entries(file)]
    assert found == [{"a": 1, "b": "x"}, {"a": None, "b": "y"}]
    with pytest.raises(ItemReaderFailed, match="not valid Parquet"):
        list(parquet.parquet_entries(io.BytesIO(b"PAR1 and no more")))


def test_without_pyarrow_parquet_is_refused_with_what_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ItemReaderFailed, match="need the package pyarrow"):
        list(parquet.parquet_entries(io.BytesIO()))
