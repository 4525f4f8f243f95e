"""What a run leaves in Redis, as files: every execution with its history, and every index of the store.

The checker reads the files only, so that a verdict can be had again from the folder of a run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from engine.core.events import SignalReceived, read_signal
from engine.documents import DIGEST_BYTES, Document
from engine.store import codec
from engine.store.bounds.referring import Payloads
from engine.store.keys import Keys

Snapshot = dict[
    str, Any
]  # key -> {"type": ..., "value": ...}; values as text, bytes that are none escaped


def client_of(url: str) -> redis.asyncio.Redis:
    """A plain client beside the engine's own; it never sends anything twice."""
    return redis.asyncio.Redis.from_url(url, retry=Retry(NoBackoff(), 0))


async def snapshot(client: redis.asyncio.Redis, prefix: str) -> Snapshot:
    """Everything under the prefix. A key that goes while it is read is left out: a broken engine may still be at work."""
    names = sorted([name async for name in client.scan_iter(match=f"{prefix}:*", count=1000)])
    found: Snapshot = {}
    for start in range(0, len(names), 500):
        part = names[start : start + 500]
        pipe = client.pipeline(transaction=False)
        for name in part:
            pipe.type(name)
        kinds = await pipe.execute()
        for name, kind in zip(part, kinds, strict=True):
            _read(pipe, kind.decode(), name)
        # A key that has gone or changed its type since is left out: somebody is at work there.
        answers = await pipe.execute(raise_on_error=False)
        for name, kind, value in zip(part, kinds, answers, strict=True):
            if value and not isinstance(value, Exception):  # Redis keeps nothing empty
                found[name.decode()] = {"type": kind.decode(), "value": _plain(value)}
    return found


def _read(pipe: Any, kind: str, name: bytes) -> None:
    match kind:
        case "hash":
            pipe.hgetall(name)
        case "list":
            pipe.lrange(name, 0, -1)
        case "zset":
            pipe.zrange(name, 0, -1, withscores=True)
        case "set":
            pipe.smembers(name)
        case "stream":
            pipe.xrange(name)
        case _:
            pipe.get(name)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("latin-1")  # every byte is one character, and comes back as it was
    if isinstance(value, dict):
        return {_plain(k): _plain(v) for k, v in value.items()}
    if isinstance(value, set):
        return sorted(map(_plain, value))
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


def executions(found: Snapshot, prefix: str) -> Iterable[dict[str, Any]]:
    """Each execution of a snapshot: what it is, how it ended, its records, its signals that nobody consumed."""
    for name, entry in found.items():
        tag, _, rest = name.partition(":x:")
        if not rest or entry["type"] != "hash" or rest.count(":") != 1:
            continue
        fields = entry["value"]
        if "status" not in fields:
            continue
        meta = codec.unpack_meta(_bytes(fields.get("m", "")))
        inbox = found.get(f"{name}:in", {"value": []})["value"]
        events = [codec.unpack_entry(_bytes(item)) for item in inbox]
        history = found.get(f"{name}:h", {"value": []})["value"]
        values = found.get(f"{name}:v", {"value": {}})["value"]
        payloads = payloads_in(found, name)
        kept = [
            _signal_id(payloads, values.get(f"s:{signal}:{number}"))
            for signal, buffer in meta.signals.items()
            for number in range(buffer.head, buffer.tail)
            if number not in buffer.gaps
        ]
        yield {
            "id": rest,
            "tag": tag.removeprefix(f"{prefix}:"),
            "status": fields["status"],
            "revision": int(fields["rev"]),
            "owner": fields["own"],
            "quarantine": fields.get("quarantine"),
            "output": codec.unpack_value(_bytes(fields["output"]), payloads).value
            if "output" in fields
            else None,
            "error": meta.error,
            "cause": meta.cause,
            "records": [_record(codec.unpack_record(_bytes(i), payloads)) for i in history],
            "buffered": kept,
            "unread": [e.id for e in events if isinstance(e, SignalReceived)],
            "others": [type(e).__name__ for e in events if not isinstance(e, SignalReceived)],
        }


def _signal_id(payloads: Payloads, kept: str | None) -> str | None:
    return None if kept is None else read_signal("", codec.unpack_value(_bytes(kept), payloads)).id


def payloads_in(found: Snapshot, name: str) -> Payloads:
    """The large documents of an execution, by name."""
    fields = found.get(f"{name}:p", {"value": {}})["value"]
    return {
        _bytes(each): Document.from_text(_bytes(text))
        for each, text in fields.items()
        if len(each) == DIGEST_BYTES
    }


def _told(value: Any) -> Any:
    """Documents as the values they hold, however deep."""
    if isinstance(value, Document):
        return value.value
    return {k: _told(v) for k, v in value.items()} if isinstance(value, dict) else value


def _record(record: Any) -> dict[str, Any]:
    details = _told(dict(record.details))
    return {
        "id": record.id,
        "previous": record.previous,
        "type": record.type,
        "at": record.at_ms,
        "details": details,
    }


async def held(client: redis.asyncio.Redis, keys: Keys, holder: str) -> list[str]:
    """Executions whose claim a process (which is dead by now, so that nothing moves) held at its end."""
    pipe = client.pipeline(transaction=False)
    for partition in range(keys.partitions):
        pipe.zrange(keys.ready(partition), 0, -1)
    refs = [ref.decode() for found in await pipe.execute() for ref in found]
    for ref in refs:
        pipe.hmget(keys.of(ref).execution, "status", "own")
    rows = await pipe.execute() if refs else []
    mark = f"{holder}-".encode()
    return [
        ref
        for ref, (status, own) in zip(refs, rows, strict=True)
        if status == b"RUNNING" and own is not None and own.startswith(mark)
    ]


async def running(client: redis.asyncio.Redis, keys: Keys, namespace: str) -> int:
    """How many executions have not ended."""
    pipe = client.pipeline(transaction=False)
    for partition in range(keys.partitions):
        pipe.get(keys.open(partition, namespace))
    return sum(int(count or 0) for count in await pipe.execute())


async def write(client: redis.asyncio.Redis, prefix: str, folder: Path) -> None:
    """Leave executions.jsonl and store.json in the folder."""
    found = await snapshot(client, prefix)
    with (folder / "executions.jsonl").open("w", encoding="utf-8") as out:
        for execution in executions(found, prefix):
            out.write(json.dumps(execution, separators=(",", ":")) + "\n")
    (folder / "store.json").write_text(json.dumps(found), encoding="utf-8")
