"""Every knob of the server: its environment variable, unit, default, bounds and the reason for the default.

A `Settings` that exists is valid: whatever is wrong is refused at once, all of it in one error. `table()` renders
docs/reference/settings.md, which a test keeps equal to the code.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, Self

from engine.settings.knobs import (
    InvalidSettings,
    Knob,
    count_knob,
    made,
    path_knob,
    seconds_knob,
    secret_knob,
    text_knob,
)
from engine.settings.rules import LOOPBACK, broken_rules

__all__ = ["InvalidSettings", "Knob", "Settings", "knobs", "table", "unknown_variables", "variable"]

_MIB = 1024 * 1024
# Variables with our prefix that are no settings of the server: clients', tests' and a parent process's.
_NO_SETTINGS = ("DETENT_PARENT", "DETENT_SHARED", "DETENT_FAILPOINTS", "DETENT_SWEEP")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The server's settings. Secrets are left out of `repr`. Raises InvalidSettings naming every problem."""

    redis_url: str | None = secret_knob(
        None,
        "URL",
        "`redis://`, `rediss://`, `unix://`, or `redis+sentinel://HOST:PORT,HOST:PORT/SERVICE`. Absent, `detent serve` "
        "starts and owns an embedded server, so that one command is enough.",
        also=("REDIS_URL",),
    )
    wait_replicas: int = count_knob(
        0,
        "replicas",
        "Whatever is told or acknowledged has reached this many replicas of its Redis node (by WAIT). 1, with two replicas, "
        "is what `ha` needs; 0 waits for none: what a lost primary alone had is then lost.",
        0,
        10,
    )
    promise_min: Literal["none", "dev", "durable", "ha"] = text_knob(
        "none",
        "promise",
        "Refuse to start on a Redis that lets Detent promise less.",
        choices=("none", "dev", "durable", "ha"),
    )
    data: Path = path_knob(  # noqa: RUF009 - it returns a field
        Path(".detent"),
        "folder",
        "Of the embedded server. Beside the project that uses it: seen, needing no rights, never shared by "
        "two projects by accident. A service sets an absolute path.",
    )
    redis_bin: Path | None = path_knob(  # noqa: RUF009 - it returns a field
        None,
        "file",
        "The embedded server's program. Absent: the one that came with the installation (its version is "
        "tested), else `valkey-server` or `redis-server` on PATH.",
    )
    host: str = text_knob(
        "127.0.0.1",
        "address",
        "Loopback: nothing is open to a network unless somebody asks for it.",
    )
    port: int = count_knob(
        8083, "port", "The one Step Functions Local uses; 0 lets the system choose.", 0, 65535
    )
    token: str | None = secret_knob(
        None,
        "secret",
        "The token callers must present: as a bearer token, or over the Step Functions protocol also as the secret access "
        "key that they sign with. Absent, everybody on this machine may call; any address but "
        "loopback is then refused.",
    )
    prefix: str = text_knob(
        "detent",
        "name",
        "Opens every key, so that a Redis can be shared; letters, digits and `._-`.",
    )
    partitions: int = count_knob(
        64,
        "partitions",
        "Fixed when a Redis is first used, so chosen for the largest cluster that it may become.",
        1,
        1024,
    )
    engines: int = count_knob(
        1, "processes", "One process uses one core; more help only where Redis has room.", 1, 256
    )
    lease_ms: int = count_knob(
        5000,
        "milliseconds",
        "How long an execution stays with a process that went silent: long enough for a pause of the "
        "process, short enough that a crash is felt for about five seconds.",
        500,
        600_000,
    )
    concurrency: int = count_knob(
        256,
        "executions",
        "Advanced at once by one engine process. Their commits share round trips and disk flushes; beyond a "
        "few hundred only memory and latency grow.",
        1,
        100_000,
    )
    task_lease_seconds: float = seconds_knob(
        30,
        "How long a worker holds a task unless it asks otherwise; a vanished worker's task is handed out "
        "again after this.",
        1,
        3600,
    )
    payload_bytes_max: int = count_knob(
        262_144, "bytes", "UTF-8, per input, output or signal; as on AWS.", 1024, 64 * _MIB
    )
    history_records_max: int = count_knob(
        25_000, "records", "Per execution that keeps all; as AWS Step Functions.", 100, 10_000_000
    )
    payload_inline_bytes_max: int = count_knob(
        8192, "bytes", "Larger documents are stored once and referred to.", 16, 64 * _MIB
    )
    definition_bytes_max: int = count_knob(
        1_048_576, "bytes", "Of one definition's text; as AWS Step Functions.", 1024, 64 * _MIB
    )
    request_bytes_max: int = count_knob(
        2 * _MIB,
        "bytes",
        "Of one HTTP request's body, enforced while it arrives: a definition of the largest size quoted "
        "inside JSON must fit.",
        1024,
        256 * _MIB,
    )
    retention_hours: float = made(
        90 * 24,
        Knob(
            "hours", "Closed executions are kept 90 days; as AWS Step Functions.", float, 0, 87_600
        ),
    )
    tombstone_hours: float = made(
        90 * 24,
        Knob(
            "hours",
            "A closed execution's name stays taken this long, counted from its close, also when its details "
            "are pruned earlier; as AWS Step Functions.",
            float,
            0,
            87_600,
        ),
    )
    open_executions_max: int = count_knob(
        10_000_000,
        "executions",
        "A runaway caller is stopped before Redis is full; 0 is no limit.",
        0,
        10**12,
    )
    express_executions_max: int = count_knob(
        1000,
        "executions",
        "Express executions running at once in one process, whose memory holds them.",
        1,
        100_000,
    )
    express_seconds_max: float = seconds_knob(
        300, "From an Express execution's start to its time-out; as AWS Step Functions.", 0.1, 3600
    )
    inbox_max: int = count_knob(
        10_000,
        "events",
        "Not yet applied, per execution: one execution cannot fill the store.",
        10,
        10**7,
    )
    buffered_signals_max: int = count_knob(
        1000, "signals", "Sent before a state waits for them, per execution.", 1, 10**6
    )
    changes_kept: int = count_knob(
        0, "changes", "For `GET /v1/events`; 0 keeps none, for it costs some 7 %.", 0, 10**8
    )
    deciders: int = count_knob(
        1,
        "processes",
        "In each engine process, started when first needed: they decide transitions whose expressions take "
        "longer than others can wait for, and are killed after about a second.",
        1,
        64,
    )
    drain_seconds: float = seconds_knob(
        10, "What is in flight may end after SIGTERM; orchestrators send SIGKILL after 30.", 0, 3600
    )
    http_timeout_seconds: float = seconds_knob(
        60, "A whole HTTP call, from resolving to the last byte; as AWS Step Functions.", 0.1, 3600
    )
    http_response_bytes_max: int = count_knob(
        262_144,
        "bytes",
        "Of an HTTP task's answer after decompression: more could not become an output anyway.",
        1,
        64 * _MIB,
    )
    http_calls_max: int = count_knob(
        256,
        "calls",
        "HTTP tasks performed at once by one engine process; each holds a socket.",
        1,
        10_000,
    )
    http_private: Literal["allow", "deny"] = text_knob(
        "allow",
        "allow or deny",
        "HTTP tasks to loopback and private addresses. Self-hosted services live there; deny where the "
        "authors of definitions are not trusted with that network. Metadata and link-local addresses are "
        "always refused.",
        choices=("allow", "deny"),
    )
    connections: Path | None = path_knob(  # noqa: RUF009 - it returns a field
        None,
        "file",
        "YAML with the credentials of `http:invoke`, by connection name. A file of its own, so that secrets "
        "stand in no definition; read once at start.",
    )
    lambda_endpoint: str | None = text_knob(
        None,
        "URL",
        "Where the engine invokes Lambda functions, by the Invoke API and unsigned. Absent, workers of the "
        "function's queue perform it. The same for all engines of one Redis.",
    )
    aws_account: str = text_knob(
        "000000000000",
        "account",
        "12 digits in the ARNs that this server makes. ARNs of any account are understood.",
    )
    aws_region: str = text_knob(
        "us-east-1",
        "region",
        "In the ARNs of what is made by a request that names none; a signed request names its own.",
    )
    s3_endpoint: str | None = text_knob(
        None,
        "URL",
        "Of the S3-compatible store that a Map reads items from and writes results to. Absent, AWS itself; "
        "credentials and region are found as boto3 finds them.",
    )
    datasets: Path | None = path_knob(  # noqa: RUF009 - it returns a field
        None,
        "folder",
        "Its sub-folders are buckets too: a Map that names one reads and writes files there, and no S3. Absent, "
        "authors of definitions reach no files of the server.",
    )
    map_concurrency: int = count_knob(
        1000,
        "executions",
        "Children of one Map Run that run at once where its definition sets no limit: enough to keep several "
        "engines busy, and memory small.",
        1,
        10_000,
    )
    map_children_kept: int = count_knob(
        1000,
        "executions",
        "Successful children that one Map Run keeps, the first ones; later ones leave nothing when they end, so that a "
        "million items take no more memory than a thousand. Those that did not succeed are kept as all executions are.",
        0,
        10_000_000,
    )
    log: Literal["text", "json"] = text_knob(
        "text",
        "text or json",
        "People read text first; collectors want json.",
        choices=("text", "json"),
    )
    log_level: Literal["debug", "info", "warning", "error"] = text_knob(
        "info",
        "level",
        "A quiet engine logs its start, its stop and what an operator must act on.",
        choices=("debug", "info", "warning", "error"),
    )

    def __post_init__(self) -> None:
        problems = _problems({item.name: getattr(self, item.name) for item in fields(self)})
        if problems:
            raise InvalidSettings(problems)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read `DETENT_<NAME>` for every field; an empty variable counts as absent.

        Raises InvalidSettings with every problem there is, not only the first.
        """
        values: dict[str, Any] = {}
        problems: list[str] = []
        for name, knob in knobs().items():
            text = _lookup(environ, name, knob)
            if text is None:
                continue
            try:
                values[name] = knob.read(text)
            except ValueError:
                problems.append(f"{variable(name)} must be a number ({knob.unit}), not {text!r}")
        problems += _problems(values)
        if problems:
            raise InvalidSettings(problems)
        return cls(**values)

    @property
    def is_loopback(self) -> bool:
        """Whether the HTTP face can only be reached from this machine."""
        return self.host in LOOPBACK

    @property
    def redis_url_shown(self) -> str:
        """The Redis address for logs and health pages: no user, no password, no query."""
        if self.redis_url is None:
            return "embedded"
        scheme, _, rest = self.redis_url.partition("://")
        # By the last @ and not by a parser: a password may hold any of the characters parsers split at.
        return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


def variable(name: str) -> str:
    """The environment variable of a field."""
    return f"DETENT_{name.upper()}"


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """The `DETENT_` variables that nothing reads, each with what may have been meant."""
    # Compared without the prefix, in which all names are alike.
    known = [name.upper() for name in (*knobs(), "url")]
    found = []
    for full in sorted(environ):
        name = full.removeprefix("DETENT_")
        if name == full or name in known or full in _NO_SETTINGS:
            continue
        meant = difflib.get_close_matches(name, known, 1)
        found.append(f"{full} (did you mean {variable(meant[0])}?)" if meant else full)
    return found


def knobs() -> dict[str, Knob]:
    """Every field's knob, in order."""
    return {item.name: item.metadata["knob"] for item in fields(Settings)}


def table() -> str:
    """The settings as a Markdown table."""
    lines = ["| Variable | Unit | Default | Bounds | Why |", "|---|---|---|---|---|"]
    for item in fields(Settings):
        knob: Knob = item.metadata["knob"]
        names = ", ".join(f"`{name}`" for name in (variable(item.name), *knob.also))
        default = "none" if item.default is None else f"`{item.default}`"
        lines.append(f"| {names} | {knob.unit} | {default} | {_bounds(knob)} | {knob.reason} |")
    return "\n".join(lines) + "\n"


def _bounds(knob: Knob) -> str:
    if knob.choices:
        return ", ".join(knob.choices)
    return "" if knob.low is None else f"{knob.low:,} to {knob.high:,}"


def _lookup(environ: Mapping[str, str], name: str, knob: Knob) -> str | None:
    for key in (variable(name), *knob.also):
        text = environ.get(key, "").strip()
        if text:
            return text
    return None


def _problems(values: Mapping[str, Any]) -> list[str]:
    """What is wrong with these values, one sentence each; fields that are missing have their defaults."""
    found: list[str] = []
    for name, knob in knobs().items():
        if name not in values:
            continue
        value = values[name]
        if knob.choices and value not in knob.choices:
            allowed = ", ".join(knob.choices)
            found.append(f"{variable(name)} must be one of {allowed}, not {value!r}")
        if knob.low is not None and knob.high is not None and not knob.low <= value <= knob.high:
            bounds = f"{knob.low:,} to {knob.high:,} {knob.unit}"
            found.append(f"{variable(name)} must be {bounds}, not {value!r}")
    return found + broken_rules(values)
