"""Files of results: in a folder and on a real S3-compatible server."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from test_map_results import child

from engine.core.states.distributed.spec import Writer
from engine.tasks.datasets.buckets import Buckets
from engine.tasks.datasets.faults import ResultWriterFailed
from engine.tasks.datasets.s3 import S3
from engine.tasks.datasets.sink import ResultSink

RUN = "arn:aws:states:us-east-1:123456789012:mapRun:d/Each:the-run"


@pytest.fixture(params=["data", "local"])
def place(request, client, tmp_path):
    """A bucket of the server, or a folder, and how to read what was written to it."""
    folder = tmp_path / "datasets" / "local"

    def read(key: str) -> str:
        if request.param == "local":
            return (folder / key).read_text()
        return client.get_object(Bucket="data", Key=key)["Body"].read().decode()

    return request.param, read, folder


async def test_results_are_files_that_the_manifest_names(place, buckets):
    bucket, read, folder = place
    if bucket == "local":
        folder.mkdir()
    writer = Writer(bucket=bucket, prefix="out/", transformation="COMPACT")
    sink = ResultSink(writer, "the-run", buckets)
    parts = {
        "SUCCEEDED": [
            await sink.write("SUCCEEDED", 0, [child(1), child(2)]),
            await sink.write("SUCCEEDED", 1, [child(3)]),
        ],
        "FAILED": [await sink.write("FAILED", 0, [child(status="FAILED", error="Bad")])],
    }
    output = await sink.finish(RUN, parts)
    assert output.value == {
        "MapRunArn": RUN,
        "ResultWriterDetails": {"Bucket": bucket, "Key": "out/the-run/manifest.json"},
    }
    manifest = json.loads(read("out/the-run/manifest.json"))
    assert manifest["DestinationBucket"] == bucket
    assert manifest["MapRunArn"] == RUN
    files = manifest["ResultFiles"]
    assert list(files) == ["FAILED", "PENDING", "SUCCEEDED"]
    assert files["SUCCEEDED"] == [
        {"Key": "out/the-run/SUCCEEDED_0.json", "Size": 5},
        {"Key": "out/the-run/SUCCEEDED_1.json", "Size": 3},
    ]
    assert files["PENDING"] == []
    assert [read(each["Key"]) for each in files["SUCCEEDED"]] == ["[1,2]", "[3]"]
    (failed,) = files["FAILED"]
    assert len(read(failed["Key"])) == failed["Size"]
    assert json.loads(read(failed["Key"]))[0]["Error"] == "Bad"


async def test_a_file_written_again_is_the_same_object(client, buckets):
    sink = ResultSink(Writer(bucket="data", output_type="JSONL"), "the-run", buckets)
    first = await sink.write("SUCCEEDED", 0, [child(1)])
    etag = client.head_object(Bucket="data", Key="the-run/SUCCEEDED_0.jsonl")["ETag"]
    assert await sink.write("SUCCEEDED", 0, [child(1)]) == first
    assert client.head_object(Bucket="data", Key=first.key)["ETag"] == etag
    assert client.list_objects_v2(Bucket="data")["KeyCount"] == 1


async def test_without_children_there_is_a_manifest_alone(client, buckets):
    sink = ResultSink(Writer(bucket="data"), "the-run", buckets)
    await sink.finish(RUN, {})
    keys = [each["Key"] for each in client.list_objects_v2(Bucket="data")["Contents"]]
    assert keys == ["the-run/manifest.json"]


async def test_a_place_that_cannot_be_written_to_is_the_writers_failure(buckets, monkeypatch):
    sink = ResultSink(Writer(bucket="no-such-bucket"), "the-run", buckets)
    with pytest.raises(ResultWriterFailed) as failed:
        await sink.write("SUCCEEDED", 0, [])
    assert failed.value.error == "States.ResultWriterFailed"
    assert failed.value.cause.startswith("The specified bucket does not exist (Service: S3, ")
    monkeypatch.setattr("engine.tasks.datasets.s3.CONNECT_SECONDS", 1)
    nowhere = Buckets(None, S3("http://127.0.0.1:9", "us-east-1"))
    with pytest.raises(ResultWriterFailed, match="Could not connect to the endpoint"):
        await ResultSink(Writer(bucket="data"), "the-run", nowhere).finish(RUN, {})
    nowhere.close()


async def test_a_file_is_made_beside_the_event_loop_whose_others_have_a_turn_meanwhile(
    client, buckets
):
    turned, loop = threading.Event(), asyncio.get_running_loop()

    def results():
        loop.call_soon_threadsafe(turned.set)
        assert turned.wait(30), "the loop had no turn"
        yield child(1)

    sink = ResultSink(Writer(bucket="data"), "the-run", buckets)
    assert (await sink.write("SUCCEEDED", 0, results())).size > 0
