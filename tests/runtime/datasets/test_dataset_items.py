"""The items of a Map Run, from state data, a folder, and a real S3-compatible server."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest

from engine.core.states.distributed.selecting import Item
from engine.core.states.distributed.spec import MapRunSpec
from engine.tasks.datasets import dataset, s3
from engine.tasks.datasets.buckets import Buckets
from engine.tasks.datasets.dataset import Dataset
from engine.tasks.datasets.faults import ItemReaderFailed

ROWS = "".join(f"{n},{n * n}\n" for n in range(1000))


async def items(spec: MapRunSpec, buckets: Buckets, start: int = 0, pin: str = "") -> list[Item]:
    return [item async for item in Dataset(spec, buckets, pin=pin).items(start)]


async def values(spec: MapRunSpec, buckets: Buckets, start: int = 0) -> list[Any]:
    return [item.value for item in await items(spec, buckets, start)]


async def failure(spec: MapRunSpec, buckets: Buckets, pin: str = "") -> str:
    with pytest.raises(ItemReaderFailed) as failed:
        await items(spec, buckets, pin=pin)
    return failed.value.cause


def put(client: Any, **objects: Any) -> None:
    for key, body in objects.items():
        client.put_object(Bucket="data", Key=key, Body=body)


def at(key: str, **more: Any) -> dict[str, Any]:
    return {"parameters": {"Bucket": "data", "Key": key}, **more}


# State data


async def test_state_data_is_an_array_or_the_entries_of_an_object(spec, buckets):
    assert await items(spec(["a", None]), buckets) == [
        Item(0, "a", None, "STATE_DATA"),
        Item(1, None, None, "STATE_DATA"),
    ]
    assert await items(spec({"k": 1, "l": [2]}), buckets, start=1) == [
        Item(1, [2], "l", "STATE_DATA")
    ]
    assert await failure(spec("text"), buckets) == "Attempting to map over non-iterable node."


# Objects


@pytest.mark.parametrize(
    ("body", "reader"),
    [
        ('[{"a":1},{"a":2}]', {"input_type": "JSON"}),
        ('{"x":[{"a":1},{"a":2}]}', {"input_type": "JSON", "items_pointer": "/x"}),
        ('{"a":1}\n{"a":2}\n', {"input_type": "JSONL"}),
        (gzip.compress(b'{"a":1}\n{"a":2}\n', mtime=0), {"input_type": "JSONL"}),
    ],
)
async def test_an_object_of_s3_and_a_file_of_a_folder_give_the_same_items(
    spec, buckets, client, tmp_path, body, reader
):
    put(client, f=body)
    folder = tmp_path / "datasets" / "local"
    folder.mkdir()
    (folder / "f").write_bytes(body if isinstance(body, bytes) else body.encode())
    for bucket in ("data", "local"):
        found = await items(spec(**reader, parameters={"Bucket": bucket, "Key": "f"}), buckets)
        source = f"s3://{bucket}/f"
        assert found == [Item(0, {"a": 1}, None, source), Item(1, {"a": 2}, None, source)]


async def test_a_large_object_is_read_in_pieces(spec, buckets, client, monkeypatch):
    monkeypatch.setattr(s3, "PIECE_BYTES", 1000)
    put(client, f=ROWS)
    reader = at("f", input_type="CSV", csv_headers=("n", "square"))
    found = await items(spec(**reader), buckets)
    assert [item.value for item in found] == [
        {"square": str(n * n), "n": str(n)} for n in range(1000)
    ]
    assert await items(spec(**reader), buckets, start=990) == found[990:]


async def test_an_empty_object_has_no_lines_and_is_no_json(spec, buckets, client):
    put(client, f=b"")
    assert await values(spec(**at("f", input_type="JSONL")), buckets) == []
    assert "not valid JSON" in await failure(spec(**at("f", input_type="JSON")), buckets)


@pytest.mark.parametrize(
    ("most", "count"), [(None, 4), (0, 4), (2, 2), (100_000_000, 4), (100_000_001, 4)]
)
async def test_max_items_bounds_the_items_and_zero_does_not(spec, buckets, client, most, count):
    put(client, f="h\n1\n2\n3\n4\n")
    assert len(await values(spec(**at("f", input_type="CSV", items_max=most)), buckets)) == count


async def test_a_negative_max_items_is_refused_in_the_recorded_words(spec, buckets):
    given = spec(**at("f", input_type="CSV", items_max=-1))
    assert await failure(given, buckets) == "field MaxItems must be positive"


# Versions


async def test_a_dataset_that_was_replaced_is_not_mixed_with_the_new_one(spec, buckets, client):
    put(client, f="1\n2\n")
    given = spec(**at("f", input_type="JSONL"))
    first = Dataset(given, buckets)
    async for _ in first.items():
        break
    assert len(await items(given, buckets, 1, first.pin)) == 1
    put(client, f="3\n4\n")
    told = "s3://data/f was replaced while the Map Run was reading it."
    assert await failure(given, buckets, first.pin) == told


async def test_an_object_that_is_replaced_between_two_pieces_fails_the_run(
    spec, buckets, client, monkeypatch
):
    monkeypatch.setattr(s3, "PIECE_BYTES", 300_000)
    monkeypatch.setattr(dataset, "TURN_ITEMS", 1)
    put(client, f=b"1\n" * 500_000)
    stream = Dataset(spec(**at("f", input_type="JSONL")), buckets).items()
    await anext(stream)
    put(client, f=b"2\n" * 500_000)
    monkeypatch.setattr(dataset, "TURN_ITEMS", 100_000)
    with pytest.raises(ItemReaderFailed, match="was replaced"):
        [item async for item in stream]


async def test_a_version_goes_on_being_read_after_it_was_replaced(spec, buckets, client):
    client.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    put(client, f="1\n2\n")
    given = spec(**at("f", input_type="JSONL"))
    first = Dataset(given, buckets)
    found = [item async for item in first.items()]
    version = client.head_object(Bucket="data", Key="f")["VersionId"]
    put(client, f="3\n")
    assert await items(given, buckets, 1, first.pin) == found[1:]
    asked = {"Bucket": "data", "Key": "f", "VersionId": version}
    assert await values(spec(input_type="JSONL", parameters=asked), buckets) == [1, 2]


# Listings


async def test_a_listing_gives_what_s3_tells_of_each_object(spec, buckets, client):
    for n in range(3):
        put(client, **{f"in/{n}": "x" * n})
    put(client, other="")
    listing = {"action": "listObjectsV2", "parameters": {"Bucket": "data", "Prefix": "in/"}}
    found = await items(spec(**listing), buckets)
    assert [item.source for item in found] == ["s3://data"] * 3
    about = client.head_object(Bucket="data", Key="in/2")
    assert found[2].value == {
        "Etag": about["ETag"],
        "Key": "in/2",
        "LastModified": int(about["LastModified"].timestamp()),
        "Size": 2,
        "StorageClass": "STANDARD",
    }


async def test_a_listing_goes_over_its_pages(spec, buckets, client, monkeypatch):
    monkeypatch.setattr(s3, "PAGE_KEYS", 3)
    keys = [f"{n:02}" for n in range(10)]
    put(client, **dict.fromkeys(keys, b""))

    async def listed(start: int = 0, **parameters: str) -> list[str]:
        given = spec(action="listObjectsV2", parameters={"Bucket": "data", **parameters})
        return [value["Key"] for value in await values(given, buckets, start)]

    assert await listed() == keys
    assert await listed(5) == keys[5:]
    assert await listed(StartAfter="06") == keys[7:]


async def test_load_and_flatten_opens_every_object(spec, buckets, client):
    put(
        client,
        **{"in/": b"", "in/1": "1\n2\n", "in/2": b"", "in/3": gzip.compress(b"3\n", mtime=0)},
    )
    found = await items(
        spec(
            action="listObjectsV2",
            parameters={"Bucket": "data", "Prefix": "in/"},
            transformation="LOAD_AND_FLATTEN",
            input_type="JSONL",
        ),
        buckets,
    )
    assert [(i.index, i.value, i.source) for i in found] == [
        (0, 1, "s3://data/in/1"),
        (1, 2, "s3://data/in/1"),
        (2, 3, "s3://data/in/3"),
    ]


# Manifests


@pytest.mark.parametrize("reader", [{"input_type": "MANIFEST"}, {"manifest_type": "S3_INVENTORY"}])
async def test_an_inventory_gives_the_rows_of_its_files(spec, buckets, client, reader):
    manifest = {
        "destinationBucket": "arn:aws:s3:::data", "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size", "files": [{"key": "d/1.csv.gz"}, {"key": "d/2.csv.gz"}],
    }  # fmt: skip
    put(client, **{
        "manifest.json": json.dumps(manifest),
        "d/1.csv.gz": gzip.compress(b'"b","k1","10"\n"b","k2","20"\n', mtime=0),
        "d/2.csv.gz": gzip.compress(b'"b","k3","30"\n', mtime=0),
    })  # fmt: skip
    found = await values(spec(**at("manifest.json", **reader)), buckets)
    assert found == [{"Bucket": "b", "Key": f"k{n}", "Size": f"{n}0"} for n in (1, 2, 3)]


async def test_an_athena_manifest_gives_the_items_of_its_files(spec, buckets, client):
    put(client, m="s3://data/1\ns3://data/2\n", **{"1": '{"a":1}\n', "2": '{"a":2}\n'})
    given = spec(**at("m", manifest_type="ATHENA_DATA", input_type="JSONL"))
    found = await items(given, buckets)
    assert [(item.value, item.source) for item in found] == [
        ({"a": 1}, "s3://data/1"),
        ({"a": 2}, "s3://data/2"),
    ]


# Refusals


async def test_a_store_that_refuses_is_told_as_step_functions_tells_it(spec, buckets):
    told = await failure(spec(**at("absent", input_type="CSV")), buckets)
    assert told.startswith("The specified key does not exist. (Service: S3, Status Code: 404, ")
    missing = {"Bucket": "no-such-bucket", "Key": "k"}
    told = await failure(spec(input_type="CSV", parameters=missing), buckets)
    assert told.startswith("The specified bucket does not exist (Service: S3, Status Code: 404, ")
    listing = {"action": "listObjectsV2", "parameters": {"Bucket": "no-such-bucket"}}
    assert (await failure(spec(**listing), buckets)).startswith(
        "The specified bucket does not exist"
    )


@pytest.mark.parametrize(
    "bucket",
    [
        "",
        "..",
        ".",
        "a/../b",
        "host/",
        "a?x=",
        "x@host",
        "a",
        "a..b",
        "arn:aws:s3:us-east-1:1:accesspoint/x",
        7,
    ],
)
async def test_only_names_of_buckets_are_taken_for_one(spec, buckets, bucket):
    told = await failure(spec(input_type="CSV", parameters={"Bucket": bucket, "Key": "k"}), buckets)
    assert "bucket is not valid" in told or "names no Bucket" in told


async def test_bytes_that_cannot_be_read_are_the_readers_failure(spec, buckets, client):
    put(client, f=gzip.compress(b"1\n" * 100, mtime=0)[:-10], g="h\nx\xff\n".encode("latin-1"))
    for key, form in (("f", "JSONL"), ("g", "CSV")):
        told = await failure(spec(**at(key, input_type=form)), buckets)
        assert told.startswith(f"s3://data/{key} cannot be read: ")


async def test_a_server_that_knows_no_ranges_is_read_all_the_same(spec, monkeypatch):
    body = ROWS.encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: {len(body)}\r\n'
        writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    monkeypatch.setattr(s3, "PIECE_BYTES", 3000)
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        buckets = Buckets(None, s3.S3(f"http://127.0.0.1:{port}", "us-east-1"))
        given = spec(**at("f", input_type="CSV", csv_headers=("n", "square")))
        found = await values(given, buckets)
        buckets.close()
    assert [value["n"] for value in found] == [str(n) for n in range(1000)]


async def test_a_connection_that_breaks_in_the_middle_is_made_again(spec, monkeypatch):
    body, asked = ROWS.encode(), []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        head = f'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: {len(body)}\r\n\r\n'
        sent = body[:100] if len(asked) == 1 else body
        writer.write(head.encode() + sent)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        buckets = Buckets(None, s3.S3(f"http://127.0.0.1:{port}", "us-east-1"))
        given = spec(**at("f", input_type="CSV", csv_headers=("n", "square")))
        found = await values(given, buckets)
        buckets.close()
    assert len(found) == 1000
    assert len(asked) == 2
    assert b'If-Match: "e"' in asked[1]


async def test_a_stream_that_is_closed_early_lets_go_of_its_file(spec, buckets, tmp_path):
    folder = tmp_path / "datasets" / "local"
    folder.mkdir()
    (folder / "f").write_text("1\n" * 10_000)
    given = spec(input_type="JSONL", parameters={"Bucket": "local", "Key": "f"})
    stream = Dataset(given, buckets).items()
    await anext(stream)
    opened = len(list(_open_files(folder)))
    await stream.aclose()
    await buckets.run(lambda: None)
    for _ in range(100):
        if not list(_open_files(folder)):
            break
        await asyncio.sleep(0.01)
    assert (opened, list(_open_files(folder))) == (1, [])


def _open_files(folder: Any) -> Any:
    from pathlib import Path

    for each in Path("/proc/self/fd").iterdir():
        try:
            target = str(each.readlink())
        except OSError:
            continue
        if target.startswith(str(folder)):
            yield target
