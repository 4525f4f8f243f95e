"""What a Redis lets Detent promise: nothing, dev, durable or ha; and for each thing missing, a sentence.

    none     a crash of Redis may lose anything
    dev      a crash of Redis or a power cut may lose the last seconds of what was acknowledged
    durable  neither loses anything while the disk is intact; a lost server stops the work until it is back
    ha       as durable, and a lost primary loses nothing that was acknowledged, as far as Redis' WAIT goes

Judging is pure; fetching the facts is two commands per node. What cannot be found out counts as unfulfilled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from redis.exceptions import ResponseError

from engine.errors import StoreRefused, StoreUnavailable

Mode = Literal["none", "dev", "durable", "ha"]
MODES: tuple[Mode, ...] = ("none", "dev", "durable", "ha")
VERSION_MIN = (7, 0)
REPLICAS_MIN = (
    2  # with one, its loss would stop every write, for min-replicas-to-write is then unfulfilled.
)
REPLICA_LAG_SECONDS_MAX = (
    2  # of min-replicas-max-lag: how long a cut-off primary goes on acknowledging.
)

_CONFIG = (
    "appendfsync",
    "no-appendfsync-on-rewrite",
    "min-replicas-to-write",
    "min-replicas-max-lag",
)


class Asks(Protocol):
    """A client of one node; redis-py's fits, with and without decoded answers."""

    def execute_command(self, *args: Any) -> Awaitable[Any]: ...


class AsksEachNode(Protocol):
    """A client that asks every node that owns data and returns their answers as a list, and any server by its address.

    `replicas`: that many have what it acknowledges.
    """

    replicas: int

    async def ask_at(self, address: tuple[str, int], *commands: Sequence[Any]) -> list[Any]: ...

    def each_node(self, *args: Any) -> Awaitable[list[Any]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one node says of itself. None: it does not tell, as managed servers refuse CONFIG."""

    version: str
    server: str = "redis"
    role: str = "master"
    aof: bool = False
    aof_write_ok: bool = True
    appendfsync: str | None = None
    no_appendfsync_on_rewrite: str | None = None
    maxmemory: int = 0
    maxmemory_policy: str = "noeviction"
    replicas_online: int = 0
    min_replicas_to_write: int | None = None
    min_replicas_max_lag: int | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """The mode, why it is not a higher one, and the facts it rests on."""

    mode: Mode
    reasons: tuple[str, ...]
    facts: dict[str, Any]


async def check(redis: Asks, *, replicas: Sequence[Asks] = (), waits: bool = False) -> Promise:
    """Ask one node and judge it. `waits` says whether every acknowledgement awaits WAIT on two nodes or more.

    Raises StoreRefused for a Redis that must not be used; connection errors come through as they are.
    """
    examined = [await _fetch(replica) for replica in replicas]
    return judge(await _fetch(redis), replicas=examined, waits=waits)


async def check_nodes(redis: AsksEachNode) -> Promise:
    """Ask every node that owns data, and their replicas where it awaits them; the weakest speaks for all.

    Raises as `check`.
    """
    # Both at once: between two questions one after the other, nodes may join and leave.
    answers: list[Any] = await asyncio.gather(
        redis.each_node("INFO"),
        redis.each_node("CONFIG", "GET", *_CONFIG),
        return_exceptions=True,
    )
    infos, configs = answers
    if isinstance(infos, BaseException):
        raise infos
    if isinstance(configs, ResponseError | StoreRefused):
        configs = [None] * len(infos)
    elif isinstance(configs, BaseException):
        raise configs
    waits = redis.replicas > 0
    examined = [await _examined(redis, info) if waits else [] for info in infos]
    return weakest(
        judge(read_facts(info, config), replicas=replicas, waits=waits)
        for info, config, replicas in zip(infos, configs, examined, strict=True)
    )


async def _examined(redis: AsksEachNode, info: Any) -> list[Facts]:
    """What the replicas say that a node's INFO names; one that does not answer is left out."""
    asked = [
        redis.ask_at(address, ("INFO",), ("CONFIG", "GET", *_CONFIG))
        for address in replica_addresses(info)
    ]
    found = []
    for answers in await asyncio.gather(*asked, return_exceptions=True):
        if isinstance(answers, BaseException) or isinstance(answers[0], ResponseError):
            continue
        refused = isinstance(answers[1], ResponseError)
        found.append(read_facts(answers[0], None if refused else answers[1]))
    return found


def replica_addresses(info: Any) -> list[tuple[str, int]]:
    """Host and port of each replica that is online, by a primary's answer to INFO, as it sees them."""
    found = []
    for name, value in _info(info).items():
        if _is_online_replica(name, value):
            fields = dict(part.split("=", 1) for part in value.split(","))
            found.append((fields["ip"], int(fields["port"])))
    return found


def weakest(promises: Iterable[Promise]) -> Promise:
    """The promise of a Redis of several nodes: the lowest mode, with everybody's reasons."""
    ordered = sorted(promises, key=lambda promise: MODES.index(promise.mode))
    reasons = dict.fromkeys(reason for promise in ordered for reason in promise.reasons)
    return Promise(ordered[0].mode, tuple(reasons), ordered[0].facts | {"nodes": len(ordered)})


def refuse_below(promise: Promise, least: Mode) -> None:
    """Raises StoreRefused for a promise lower than `least`, with every reason."""
    if MODES.index(promise.mode) < MODES.index(least):
        raise StoreRefused(
            f"It lets Detent promise {promise.mode}, and DETENT_PROMISE_MIN asks for {least}: "
            f"{'; '.join(promise.reasons)}.",
            promise=promise.mode,
        )


def refuse_alone(promise: Promise, wait_replicas: int) -> None:
    """Raises StoreUnavailable where fewer replicas are online than each answer is to await: none would ever come."""
    online = promise.facts["replicas_online"]
    if online < wait_replicas:
        raise StoreUnavailable(
            f"{online} replicas are online, and DETENT_WAIT_REPLICAS is {wait_replicas}: nothing would be acknowledged."
        )


def judge(facts: Facts, *, replicas: Sequence[Facts] = (), waits: bool = False) -> Promise:
    """The highest mode whose conditions all hold, these of the lower ones included.

    Raises StoreRefused for a version before 7.0 and for a policy that evicts.
    """
    _refuse(facts)
    lacking: dict[Mode, list[str]] = {
        "dev": _lacking_for_dev(facts),
        "durable": _lacking_for_durable(facts),
        "ha": _lacking_for_ha(facts, replicas, waits=waits),
    }
    mode: Mode = "none"
    for candidate in MODES[1:]:
        if lacking[candidate]:
            break
        mode = candidate
    reasons = tuple(f"not {name}: {text}" for name, texts in lacking.items() for text in texts)
    return Promise(mode, reasons, asdict(facts))


def _refuse(facts: Facts) -> None:
    if _numbers(facts.version) < VERSION_MIN:
        raise StoreRefused(
            f"It is version {facts.version}; Detent needs Redis 7.0 or later, or Valkey.",
            version=facts.version,
        )
    if facts.maxmemory_policy != "noeviction":
        raise StoreRefused(
            f"Its maxmemory-policy is {facts.maxmemory_policy}: it would delete executions to make room. Set "
            "maxmemory-policy noeviction.",
            maxmemory_policy=facts.maxmemory_policy,
        )


def _lacking_for_dev(facts: Facts) -> list[str]:
    found = []
    if facts.role != "master":
        found.append(f"this node is a {facts.role}, which refuses writes")
    if not facts.aof:
        found.append("appendonly is no")
    if not facts.aof_write_ok:
        found.append("the last write to the append-only file failed; see Redis' log and its disk")
    if facts.appendfsync == "no":
        found.append("appendfsync is no: the system may keep half a minute of writes in memory")
    return found


def _lacking_for_durable(facts: Facts) -> list[str]:
    found = []
    if facts.appendfsync is None:
        found.append("appendfsync is unknown, for this Redis does not answer CONFIG GET")
    elif facts.appendfsync != "always":
        found.append(f"appendfsync is {facts.appendfsync}; it must be always")
    if facts.no_appendfsync_on_rewrite == "yes":
        found.append("no-appendfsync-on-rewrite is yes; it must be no")
    elif facts.no_appendfsync_on_rewrite is None and facts.appendfsync is not None:
        found.append("no-appendfsync-on-rewrite is unknown")
    return found


def _lacking_for_ha(facts: Facts, replicas: Sequence[Facts], *, waits: bool) -> list[str]:
    found = []
    if facts.replicas_online < REPLICAS_MIN:
        found.append(f"{facts.replicas_online} replicas are online; {REPLICAS_MIN} are needed")
    if not facts.min_replicas_to_write:
        found.append("min-replicas-to-write is 0 or unknown; it must be 1 or more")
    # A lag of 0 switches the condition off.
    if not 0 < (facts.min_replicas_max_lag or 0) <= REPLICA_LAG_SECONDS_MAX:
        found.append(f"min-replicas-max-lag must be 1 to {REPLICA_LAG_SECONDS_MAX}")
    if len(replicas) < REPLICAS_MIN:
        found.append(
            f"the configuration of {len(replicas)} replicas was examined, not of {REPLICAS_MIN}"
        )
    for number, replica in enumerate(replicas, 1):
        texts = _lacking_for_durable(replica) + ([] if replica.aof else ["appendonly is no"])
        found += [f"on replica {number}, {text}" for text in texts]
    if not waits:
        found.append("acknowledgements do not await replicas; DETENT_WAIT_REPLICAS is 0")
    return found


async def _fetch(redis: Asks) -> Facts:
    info = await redis.execute_command("INFO")
    try:
        config = await redis.execute_command("CONFIG", "GET", *_CONFIG)
    except ResponseError:  # managed servers rename or forbid it.
        config = None
    return read_facts(info, config)


def read_facts(info: Any, config: Any) -> Facts:
    """Facts from the answers to INFO and CONFIG GET, as text, bytes, pairs or dicts; `config` None if refused."""
    said, configured = _info(info), _pairs(config)
    return Facts(
        version=said.get("redis_version", "0"),
        server="valkey" if "valkey_version" in said else "redis",
        role=said.get("role", "master"),
        aof=said.get("aof_enabled") == "1",
        aof_write_ok=said.get("aof_last_write_status", "ok") == "ok",
        appendfsync=configured.get("appendfsync"),
        no_appendfsync_on_rewrite=configured.get("no-appendfsync-on-rewrite"),
        maxmemory=int(said.get("maxmemory", "0")),
        maxmemory_policy=said.get("maxmemory_policy", "noeviction"),
        replicas_online=sum(_is_online_replica(name, value) for name, value in said.items()),
        min_replicas_to_write=_number(configured.get("min-replicas-to-write")),
        min_replicas_max_lag=_number(configured.get("min-replicas-max-lag")),
    )


def _is_online_replica(name: str, value: str) -> bool:
    number = name.removeprefix("slave")
    return number != name and number.isdigit() and "online" in value


def _info(answer: Any) -> dict[str, str]:
    if isinstance(answer, Mapping):
        return {_text(name): str(value) for name, value in answer.items()}
    lines = _text(answer).splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))


def _pairs(answer: Any) -> dict[str, str]:
    if answer is None:
        return {}
    if isinstance(answer, Mapping):
        return {_text(name): _text(value) for name, value in answer.items()}
    parts = [_text(part) for part in answer]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
