"""Map Runs that read from a real S3-compatible server and export to it, on a running engine."""

from __future__ import annotations

import json
from typing import Any

import pytest
from desk import Desk


def each(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A distributed Map over the object that the input names, whose children do this one state."""
    return {
        "Each": {
            "Type": "Map",
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSONL"},
                "Parameters": {"Bucket": "data", "Key.$": "$.key"},
            },
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Do",
                "States": {"Do": {"End": True, **state}},
            },
            "End": True,
            **more,
        }
    }


@pytest.fixture
async def s3_desk(engines, client, moto) -> Desk:
    return Desk(await engines(s3_endpoint=moto))


async def test_the_lines_of_an_object_become_children_and_their_outputs_files(s3_desk, client):
    client.put_object(Bucket="data", Key="in.jsonl", Body="".join(f"{n}\n" for n in range(25)))
    exporting = {
        "ItemBatcher": {"MaxItemsPerBatch": 10},
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "data", "Prefix": "out"},
            "WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSON"},
        },
    }
    await s3_desk.publish(each({"Type": "Pass", "OutputPath": "$.Items"}, **exporting))
    closed = await s3_desk.end(await s3_desk.start("s3", {"key": "in.jsonl"}))
    assert closed.status == "SUCCEEDED"
    told = json.loads(closed.output.text)
    manifest = read(client, told["ResultWriterDetails"]["Key"])
    assert manifest["MapRunArn"] == told["MapRunArn"]
    assert manifest["ResultFiles"]["FAILED"] == []
    (file,) = manifest["ResultFiles"]["SUCCEEDED"]
    assert read(client, file["Key"]) == list(range(25))


async def test_what_cannot_be_read_fails_the_map_and_can_be_caught(s3_desk):
    caught = {"Catch": [{"ErrorEquals": ["States.ItemReaderFailed"], "Next": "Tell"}]}
    states = each({"Type": "Pass"}, **caught) | {"Tell": {"Type": "Succeed"}}
    await s3_desk.publish(states)
    closed = await s3_desk.end(await s3_desk.start("absent", {"key": "absent"}))
    assert closed.status == "SUCCEEDED"
    cause = json.loads(closed.output.text)["Cause"]
    assert cause.startswith("The specified key does not exist. (Service: S3, Status Code: 404, ")


async def test_what_cannot_be_written_fails_the_map(s3_desk, client):
    client.put_object(Bucket="data", Key="in.jsonl", Body="1\n")
    exporting = {
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "no-such-bucket", "Prefix": "out"},
        }
    }
    await s3_desk.publish(each({"Type": "Pass"}, **exporting))
    closed = await s3_desk.end(await s3_desk.start("nowhere", {"key": "in.jsonl"}))
    assert (closed.status, closed.error) == ("FAILED", "States.ResultWriterFailed")


@pytest.mark.parametrize("is_replaced", [False, True])
async def test_a_run_that_another_engine_takes_over_reads_what_it_began_with_or_fails(
    engines, s3_desk, client, moto, is_replaced
):
    client.put_object(Bucket="data", Key="in.jsonl", Body="1\n2\n")
    task = {"Type": "Task", "Resource": "activity:pay"}
    await s3_desk.publish(each(task, MaxConcurrency=1))
    execution = await s3_desk.start("moved", {"key": "in.jsonl"})
    (first,) = await s3_desk.lease()
    await s3_desk.engine.stop()
    if is_replaced:
        client.put_object(Bucket="data", Key="in.jsonl", Body="3\n4\n")
    desk = Desk(await engines(s3_endpoint=moto))
    await desk.succeed(first, "one")
    if is_replaced:
        closed = await desk.end(execution)
        assert (closed.status, closed.error) == ("FAILED", "States.ItemReaderFailed")
        assert closed.cause == "s3://data/in.jsonl was replaced while the Map Run was reading it."
    else:
        (second,) = await desk.lease()
        assert second.input.value == 2
        await desk.succeed(second, "two")
        closed = await desk.end(execution)
        assert closed.output.value == ["one", "two"]


def read(client: Any, key: str) -> Any:
    return json.loads(client.get_object(Bucket="data", Key=key)["Body"].read())
