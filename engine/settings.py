"""Every knob of the server: its environment variable, unit, default, bounds and the reason for the default.

A `Settings` that exists is valid: whatever is wrong is refused at once, all of it in one error. `table()` renders
docs/reference/settings.md, which a test keeps equal to the code.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PREFIX = re.compile(r"[A-Za-z0-9._-]{1,32}")
_REDIS_URL = re.compile(r"(redis|rediss|unix)(\+\w+)?://")
_HTTP_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
_TOKEN = re.compile(r"[\x21-\x7e]{1,1024}")
_MIB = 1024 * 1024
# Variables with our prefix that are no settings of the server: clients', tests' and a parent process's.
_NO_SETTINGS = ("DETENT_PARENT", "DETENT_SHARED", "DETENT_FAILPOINTS", "DETENT_SWEEP")


class InvalidSettings(ValueError):
    """The settings cannot be used; `problems` has one sentence for each that is wrong."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "Settings refused:\n" + "\n".join(f"  - {problem}" for problem in problems)
        )


@dataclass(frozen=True, slots=True)
class Knob:
    """What is known of a setting besides its value. Numbers are in `unit`; bounds are inclusive."""

    unit: str
    reason: str
    read: Callable[[str], Any]
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # other variables that are read when the setting's own is absent


def _text(default: Any, unit: str, reason: str, **more: Any) -> Any:
    return _knob(default, Knob(unit, reason, str, **more))


def _path(default: Any, unit: str, reason: str) -> Any:
    return _knob(default, Knob(unit, reason, lambda text: Path(text).expanduser()))


def _count(default: int, unit: str, reason: str, low: int, high: int) -> Any:
    return _knob(default, Knob(unit, reason, int, low, high))


def _seconds(default: float, reason: str, low: float, high: float) -> Any:
    return _knob(default, Knob("seconds", reason, float, low, high))


def _secret(default: Any, unit: str, reason: str, **more: Any) -> Any:
    return field(default=default, repr=False, metadata={"knob": Knob(unit, reason, str, **more)})


def _knob(default: Any, knob: Knob) -> Any:
    return field(default=default, metadata={"knob": knob})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The server's settings. Secrets are left out of `repr`. Raises InvalidSettings naming every problem."""

    redis_url: str | None = _secret(
        None,
        "URL",
        "Absent, `detent serve` starts and owns an embedded server, so that one command is enough.",
        also=("REDIS_URL",),
    )
    data: Path = _path(  # noqa: RUF009 - it returns a field
        Path(".detent"),
        "folder",
        "Of the embedded server. Beside the project that uses it: seen, needing no rights, never shared by "
        "two projects by accident. A service sets an absolute path.",
    )
    redis_bin: Path | None = _path(  # noqa: RUF009 - it returns a field
        None,
        "file",
        "The embedded server's program. Absent: the one that came with the installation (its version is "
        "tested), else `valkey-server` or `redis-server` on PATH.",
    )
    host: str = _text(
        "127.0.0.1",
        "address",
        "Loopback: nothing is open to a network unless somebody asks for it.",
    )
    port: int = _count(
        8083, "port", "The one Step Functions Local uses; 0 lets the system choose.", 0, 65535
    )
    token: str | None = _secret(
        None,
        "secret",
        "The bearer token callers must present. Absent, everybody on this machine may call; any address but "
        "loopback is then refused.",
    )
    prefix: str = _text(
        "detent",
        "name",
        "Opens every key, so that a Redis can be shared; letters, digits and `._-`.",
    )
    partitions: int = _count(
        64,
        "partitions",
        "Fixed when a Redis is first used, so chosen for the largest cluster that it may become.",
        1,
        1024,
    )
    engines: int = _count(
        1, "processes", "One process uses one core; more help only where Redis has room.", 1, 256
    )
    lease_ms: int = _count(
        5000,
        "milliseconds",
        "How long an execution stays with a process that went silent: long enough for a pause of the "
        "process, short enough that a crash is felt for about five seconds.",
        500,
        600_000,
    )
    concurrency: int = _count(
        256,
        "executions",
        "Advanced at once by one engine process. Their commits share round trips and disk flushes; beyond a "
        "few hundred only memory and latency grow.",
        1,
        100_000,
    )
    task_lease_seconds: float = _seconds(
        30,
        "How long a worker holds a task unless it asks otherwise; a vanished worker's task is handed out "
        "again after this.",
        1,
        3600,
    )
    payload_bytes_max: int = _count(
        262_144, "bytes", "UTF-8, per input, output or signal; as on AWS.", 1024, 64 * _MIB
    )
    history_records_max: int = _count(
        25_000, "records", "Per execution that keeps all; as AWS Step Functions.", 100, 10_000_000
    )
    payload_inline_bytes_max: int = _count(
        8192, "bytes", "Larger documents are stored once and referred to.", 16, 64 * _MIB
    )
    definition_bytes_max: int = _count(
        1_048_576, "bytes", "Of one definition's text; as AWS Step Functions.", 1024, 64 * _MIB
    )
    request_bytes_max: int = _count(
        2 * _MIB,
        "bytes",
        "Of one HTTP request's body, enforced while it arrives: a definition of the largest size quoted "
        "inside JSON must fit.",
        1024,
        256 * _MIB,
    )
    retention_hours: float = _knob(
        90 * 24,
        Knob(
            "hours", "Closed executions are kept 90 days; as AWS Step Functions.", float, 0, 87_600
        ),
    )
    tombstone_hours: float = _knob(
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
    open_executions_max: int = _count(
        10_000_000,
        "executions",
        "A runaway caller is stopped before Redis is full; 0 is no limit.",
        0,
        10**12,
    )
    express_executions_max: int = _count(
        1000,
        "executions",
        "Express executions running at once in one process, whose memory holds them.",
        1,
        100_000,
    )
    express_seconds_max: float = _seconds(
        300, "From an Express execution's start to its time-out; as AWS Step Functions.", 0.1, 3600
    )
    inbox_max: int = _count(
        10_000,
        "events",
        "Not yet applied, per execution: one execution cannot fill the store.",
        10,
        10**7,
    )
    buffered_signals_max: int = _count(
        1000, "signals", "Sent before a state waits for them, per execution.", 1, 10**6
    )
    changes_kept: int = _count(
        0, "changes", "For `GET /v1/events`; 0 keeps none, for it costs some 7 %.", 0, 10**8
    )
    deciders: int = _count(
        1,
        "processes",
        "In each engine process, started when first needed: they decide transitions whose expressions take "
        "longer than others can wait for, and are killed after about a second.",
        1,
        64,
    )
    drain_seconds: float = _seconds(
        10, "What is in flight may end after SIGTERM; orchestrators send SIGKILL after 30.", 0, 3600
    )
    http_timeout_seconds: float = _seconds(
        60, "A whole HTTP call, from resolving to the last byte; as AWS Step Functions.", 0.1, 3600
    )
    http_response_bytes_max: int = _count(
        262_144,
        "bytes",
        "Of an HTTP task's answer after decompression: more could not become an output anyway.",
        1,
        64 * _MIB,
    )
    http_calls_max: int = _count(
        256,
        "calls",
        "HTTP tasks performed at once by one engine process; each holds a socket.",
        1,
        10_000,
    )
    http_private: Literal["allow", "deny"] = _text(
        "allow",
        "allow or deny",
        "HTTP tasks to loopback and private addresses. Self-hosted services live there; deny where the "
        "authors of definitions are not trusted with that network. Metadata and link-local addresses are "
        "always refused.",
        choices=("allow", "deny"),
    )
    connections: Path | None = _path(  # noqa: RUF009 - it returns a field
        None,
        "file",
        "YAML with the credentials of `http:invoke`, by connection name. A file of its own, so that secrets "
        "stand in no definition; read once at start.",
    )
    lambda_endpoint: str | None = _text(
        None,
        "URL",
        "Where the engine invokes Lambda functions, by the Invoke API and unsigned. Absent, workers of the "
        "function's queue perform it. The same for all engines of one Redis.",
    )
    log: Literal["text", "json"] = _text(
        "text",
        "text or json",
        "People read text first; collectors want json.",
        choices=("text", "json"),
    )
    log_level: Literal["debug", "info", "warning", "error"] = _text(
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
        return self.host in _LOOPBACK

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
    return found + _rules(values)


def _rules(values: Mapping[str, Any]) -> list[str]:
    """The rules that a range cannot express."""
    found: list[str] = []
    url = values.get("redis_url")
    if url is not None and not _REDIS_URL.match(url):
        found.append("DETENT_REDIS_URL must begin with redis://, rediss:// or unix://")
    endpoint = values.get("lambda_endpoint")
    if endpoint is not None and not _HTTP_URL.fullmatch(endpoint):
        found.append("DETENT_LAMBDA_ENDPOINT must be a URL such as https://HOST:PORT/PATH")
    if not _PREFIX.fullmatch(values.get("prefix", "detent")):
        found.append("DETENT_PREFIX must be 1 to 32 letters, digits or ._-")
    token = values.get("token")
    if token is not None and not _TOKEN.fullmatch(token):
        found.append("DETENT_TOKEN must be 1 to 1,024 visible ASCII characters without spaces")
    host = values.get("host", "127.0.0.1")
    if host not in _LOOPBACK and token is None:
        found.append(
            f"DETENT_HOST is {host!r}, which others can reach: set DETENT_TOKEN as well, or keep to 127.0.0.1"
        )
    return found
