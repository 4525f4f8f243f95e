"""Buckets of an S3-compatible store, by boto3: AWS itself, or the endpoint that the operator names.

An object is read in pieces, each a request of its own: a Map Run may pause for hours between two, longer than a server
keeps a connection. The first answer's version or ETag is asked for ever after, so that pieces of two objects never mix.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError

from engine.tasks.datasets.faults import DatasetFault, replaced
from engine.tasks.datasets.objects import Entry, Opened

PIECE_BYTES = 4 * 1024 * 1024
PIECE_ATTEMPTS = 4  # besides those that boto3 makes before an answer begins
PAGE_KEYS = 1000  # of a listing; the most that S3 gives
CONNECT_SECONDS = 10
READ_SECONDS = 60
CONNECTIONS_MAX = 16

# What reading an answer raises when the connection breaks in the middle of it, which boto3 does not try again.
_BROKEN = (HTTPClientError, IncompleteReadError)

_TOTAL = re.compile(r"bytes \d+-\d+/(\d+)")


class S3:
    """The client, made when it is first needed: finding credentials can take seconds. Threads may share it."""

    def __init__(self, endpoint: str | None, region: str) -> None:
        self._endpoint = endpoint
        self._region = region
        self._client: Any = None
        self._lock = threading.Lock()

    @property
    def client(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._made()
            return self._client

    def _made(self) -> Any:
        session = boto3.session.Session()
        more: dict[str, Any] = {}
        if self._endpoint is not None:
            # With the bucket in the path, every request goes to the very host that was configured. Checksums that S3
            # itself came to know late are not sent to stores that may not know them.
            more["s3"] = {"addressing_style": "path"}
            more["request_checksum_calculation"] = "when_required"
            more["response_checksum_validation"] = "when_required"
        if session.get_credentials() is None:
            more["signature_version"] = botocore.UNSIGNED  # what is public can be read without any
        return session.client(
            "s3",
            endpoint_url=self._endpoint,
            region_name=session.region_name or self._region,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "max_attempts": 5},
                max_pool_connections=CONNECTIONS_MAX,
                **more,
            ),
        )


class S3Bucket:
    """See `buckets.Bucket`."""

    def __init__(self, s3: S3, name: str) -> None:
        self._s3 = s3
        self._name = name

    def open(self, key: str, *, version: str | None = None, pin: str | None = None) -> Opened:
        file = _Object(self._s3.client, self._name, key, version, pin)
        return Opened(io.BufferedReader(file, 256 * 1024), file.pin)

    def listed(self, prefix: str = "", start_after: str = "") -> Iterator[Entry]:
        given: dict[str, Any] = {"Bucket": self._name, "Prefix": prefix, "MaxKeys": PAGE_KEYS}
        if start_after:
            given["StartAfter"] = start_after
        while True:
            page = _asked(self._s3.client.list_objects_v2, given)
            for each in page.get("Contents", ()):
                etag = each.get("ETag", "")
                yield Entry(
                    each["Key"],
                    etag,
                    each.get("Size", 0),
                    int(each["LastModified"].timestamp()),
                    each.get("StorageClass", "STANDARD"),
                    f"etag {etag}" if etag else "",
                )
            if not page.get("IsTruncated"):
                return
            given["ContinuationToken"] = page["NextContinuationToken"]

    def put(self, key: str, body: bytes, content_type: str) -> None:
        _asked(
            self._s3.client.put_object,
            {"Bucket": self._name, "Key": key, "Body": body, "ContentType": content_type},
        )


class _Piece(NamedTuple):
    """Some bytes of an object, from `start` on; `total` is the object's size."""

    start: int
    data: bytes
    total: int


class _Object(io.RawIOBase):
    """An object of one content, read in pieces and seekable."""

    def __init__(
        self, client: Any, bucket: str, key: str, version: str | None, pin: str | None
    ) -> None:
        self._client = client
        self._given = {"Bucket": bucket, "Key": key}
        self._shown = f"s3://{bucket}/{key}"
        self._at = 0
        self.pin = ""
        if version is not None:
            self._hold(f"version {version}")
        if pin:
            self._hold(pin)
        self._piece = self._fetched(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._piece.total}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        piece = self._piece
        if self._at >= piece.total:
            return 0
        if not piece.start <= self._at < piece.start + len(piece.data):
            piece = self._piece = self._fetched(self._at)
        start = self._at - piece.start
        data = piece.data[start : start + len(buffer)]
        if not data:
            raise DatasetFault(f"{self._shown} ended before its end")
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _hold(self, pin: str) -> None:
        self.pin = pin
        kind, _, value = pin.partition(" ")
        self._given["VersionId" if kind == "version" else "IfMatch"] = value

    def _fetched(self, at: int) -> _Piece:
        for attempt in range(1, PIECE_ATTEMPTS + 1):
            try:
                return self._piece_from(at)
            except _BROKEN as error:
                if attempt == PIECE_ATTEMPTS:
                    raise DatasetFault(f"{self._shown}: {error}") from None
        raise AssertionError

    def _piece_from(self, at: int) -> _Piece:
        """Raises DatasetFault where there is no answer, and one of _BROKEN where it breaks off."""
        given = {**self._given, "Range": f"bytes={at}-{at + PIECE_BYTES - 1}"}
        try:
            answer = self._client.get_object(**given)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code == "InvalidRange" and at == 0:
                return _Piece(0, b"", 0)  # an empty object has no first byte
            if code in ("PreconditionFailed", "412"):
                raise replaced(self._shown) from None
            raise fault_of(error) from None
        except BotoCoreError as error:
            raise DatasetFault(str(error)) from None
        if not self.pin:
            version, etag = answer.get("VersionId"), answer.get("ETag")
            if version not in (None, "null"):
                self._hold(f"version {version}")
            elif etag:
                self._hold(f"etag {etag}")
        body = answer["Body"]
        try:
            total = _TOTAL.fullmatch(answer.get("ContentRange") or "")
            if total is not None:
                return _Piece(at, body.read(), int(total[1]))
            skipped = 0  # the server knows no ranges and sends all of it
            while skipped < at and (part := body.read(min(PIECE_BYTES, at - skipped))):
                skipped += len(part)
            return _Piece(at, body.read(PIECE_BYTES), answer["ContentLength"])
        finally:
            body.close()


def _asked(operation: Any, given: dict[str, Any]) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = operation(**given)
    except ClientError as error:
        raise fault_of(error) from None
    except BotoCoreError as error:
        raise DatasetFault(str(error)) from None
    return answer


def fault_of(error: ClientError) -> DatasetFault:
    """What S3 refused, in the form in which Step Functions tells it of its SDK integrations."""
    about, meta = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    told = about.get("Message") or about.get("Code") or str(error)
    request = meta.get("RequestId") or about.get("RequestId") or "null"
    status = meta.get("HTTPStatusCode")
    return DatasetFault(f"{told} (Service: S3, Status Code: {status}, Request ID: {request})")
