"""An S3-compatible server on loopback, and Map Runs that read from it or from a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

from engine.core.states.distributed.spec import MapRunSpec, Reader
from engine.tasks.datasets.buckets import Buckets
from engine.tasks.datasets.s3 import S3


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(moto: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The tests' own way to the server; emptied for each of them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    urlopen(Request(f"{moto}/moto-api/reset", method="POST")).close()
    made = boto3.client("s3", endpoint_url=moto, region_name="us-east-1")
    made.create_bucket(Bucket="data")
    return made


@pytest.fixture
def buckets(client: Any, moto: str, tmp_path: Path) -> Iterator[Buckets]:
    """Buckets of the server, and of the folder `tmp_path / "datasets"`."""
    folder = tmp_path / "datasets"
    folder.mkdir()
    made = Buckets(folder, S3(moto, "us-east-1"))
    yield made
    made.close()


@pytest.fixture
def spec() -> Callable[..., MapRunSpec]:
    """A Map Run with a reader of these fields, or with these `items`."""

    def made(items: Any = None, **reader: Any) -> MapRunSpec:
        given = {"action": "getObject", **reader}
        return MapRunSpec(
            "the-run", "p", "d", 1, "Each", "Each", "STANDARD",
            items=items, reader=Reader(**given) if reader else None,
        )  # fmt: skip

    return made
