"""What the engine tells its operator: log events and counters. The names, fields and help texts are a contract.

Text from outside (names, causes, addresses) may hold anything; nothing of it reaches a terminal or a log line as a
control character.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from dataclasses import dataclass
from typing import Any, Literal, TextIO

import msgspec

TEXT_CHARACTERS_MAX = 2000  # per logged value; a payload in a log is a leak and a cost.

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSAFE_BUT_NEWLINE = re.compile(_UNSAFE.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))
_logger = logging.getLogger("detent")
# Libraries that speak up by themselves. Only their warnings: what they tell besides is not for our operator.
_OTHERS = tuple(map(logging.getLogger, ("uvicorn", "asyncio", "py.warnings")))


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One kind of log line: how grave it is, what it means, and the fields it carries."""

    level: int
    meaning: str
    fields: tuple[str, ...] = ()


EVENTS: dict[str, LogEvent] = {
    "engine.started": LogEvent(
        logging.INFO,
        "Executions are being advanced. `holder` opens the nonces of this process's claims.",
        ("promise", "redis", "holder"),
    ),
    "engine.stopped": LogEvent(logging.INFO, "Claims were released and connections closed.", ()),
    "api.started": LogEvent(
        logging.INFO,
        "Redis answers a process that serves callers and advances nothing itself.",
        ("promise", "redis"),
    ),
    "api.stopped": LogEvent(logging.INFO, "Its connections were closed.", ()),
    "http.listening": LogEvent(logging.INFO, "Requests are accepted at this address.", ("url",)),
    "settings.unknown": LogEvent(
        logging.WARNING,
        "These variables look like settings and are none; they have no effect.",
        ("variables",),
    ),
    "promise.changed": LogEvent(
        logging.WARNING,
        "What this Redis lets Detent promise is not what it was.",
        ("promise", "reasons"),
    ),
    "primary.changed": LogEvent(
        logging.WARNING,
        "The sentinels name another primary; connections to the old one were ended.",
        ("service", "primary"),
    ),
    "store.lost": LogEvent(
        logging.ERROR, "Redis cannot be reached; work stands still.", ("cause",)
    ),
    "store.rolled_back": LogEvent(
        logging.ERROR,
        "Redis lacks writes that it had acknowledged to this process: at least `missing` of the last `checked`, the oldest "
        "of them made `seconds` before the newest. `run` is the run id of the server that lacks them.",
        ("missing", "checked", "seconds", "run"),
    ),
    "execution.missing": LogEvent(
        logging.ERROR,
        "An execution was ready and is not there: its keys were deleted by hand, or evicted.",
        ("execution",),
    ),
    "store.found": LogEvent(logging.INFO, "Redis can be reached again.", ()),
    "loop.failed": LogEvent(
        logging.ERROR, "A loop's turn failed; it is repeated later.", ("loop", "cause")
    ),
    "task.unreadable": LogEvent(
        logging.ERROR,
        "A task's row cannot be read; it is left out of what is handed out.",
        ("task", "cause"),
    ),
    "decider.lost": LogEvent(
        logging.WARNING,
        "A process for transitions whose expressions take long was lost; another takes its place.",
        ("cause",),
    ),
    "execution.quarantined": LogEvent(
        logging.ERROR, "An execution is set aside and needs a person.", ("execution", "cause")
    ),
    "express.stopped": LogEvent(
        logging.WARNING,
        "The process ended while Express executions ran in its memory; so many ended as ABORTED.",
        ("count",),
    ),
    "redis.started": LogEvent(
        logging.INFO,
        "The embedded server answers.",
        ("pid", "version", "binary", "data", "seconds"),
    ),
    "redis.stopped": LogEvent(logging.INFO, "The embedded server ended as asked.", ("pid",)),
    "redis.refused": LogEvent(
        logging.ERROR,
        "The embedded server does not start; it is tried again. The cause holds the end of its log.",
        ("cause",),
    ),
    "redis.exited": LogEvent(
        logging.ERROR, "The embedded server ended by itself and is started again.", ("pid", "code")
    ),
    "process.exited": LogEvent(
        logging.ERROR, "An engine process ended by itself and is started again.", ("pid", "code")
    ),
    "redis.orphan": LogEvent(
        logging.WARNING,
        "An embedded server had outlived its owner and was asked to end.",
        ("data",),
    ),
    "http.blocked": LogEvent(
        logging.WARNING,
        "An HTTP task named an address that the policy refuses.",
        ("execution", "cause"),
    ),
}


def emit(name: str, *, error: BaseException | None = None, **facts: Any) -> None:
    """Log an event of `EVENTS` with its facts; `error` adds a traceback.

    Raises KeyError for a name that is not in the table and TypeError for a field it does not list.
    """
    event = EVENTS[name]
    strangers = set(facts) - set(event.fields)
    if strangers:
        raise TypeError(f"log event {name} has no field {', '.join(sorted(strangers))}")
    _logger.log(event.level, name, extra={"facts": facts}, exc_info=error)


def set_up(style: Literal["text", "json"], level: str, stream: TextIO | None = None) -> None:
    """Send everything under the logger `detent` to `stream` (standard error by default), once per line.

    The warnings of the libraries beneath go the same way, in the same form. Calling it again replaces what the last
    call set up.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    _logger.handlers = [handler]
    _logger.setLevel(level.upper())
    _logger.propagate = False
    for other in _OTHERS:
        other.handlers = [handler]
        other.setLevel(max(logging.WARNING, _logger.level))
        other.propagate = False


class TextFormatter(logging.Formatter):
    """For people: time, level, event, `key=value` fields; a traceback follows, indented."""

    def format(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "facts", {})
        parts = [_moment(record), f"{record.levelname:<7}", plain(record.getMessage())]
        parts += [f"{key}={plain(value)}" for key, value in facts.items()]
        line = " ".join(parts)
        if record.exc_info:
            trace = _UNSAFE_BUT_NEWLINE.sub(_escaped, self.formatException(record.exc_info))
            line += "\n" + "\n".join(f"    {part}" for part in trace.splitlines())
        return line


class JsonFormatter(logging.Formatter):
    """For collectors: one object per line with `time`, `level`, `logger`, `event`, the fields, and `traceback`."""

    def format(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "facts", {})
        line: dict[str, Any] = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": plain(record.getMessage()),
        }
        line |= {key: _json_safe(value) for key, value in facts.items() if key not in line}
        if record.exc_info:
            line["traceback"] = _UNSAFE_BUT_NEWLINE.sub(
                _escaped, self.formatException(record.exc_info)
            )
        return msgspec.json.encode(line).decode()


def plain(value: Any) -> str:
    """`value` as text of one line: control and direction characters escaped, cut at `TEXT_CHARACTERS_MAX`."""
    text = str(value)
    if len(text) > TEXT_CHARACTERS_MAX:
        text = text[:TEXT_CHARACTERS_MAX] + "…"
    return _UNSAFE.sub(_escaped, text)


def _moment(record: logging.LogRecord) -> str:
    """When the line was logged, by this machine's clock."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z"


def _json_safe(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_json_safe(item) for item in value]
    return plain(value)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


@dataclass(frozen=True, slots=True)
class Metric:
    """A number shown at /metrics. A counter only grows while the process lives; a gauge goes both ways."""

    kind: Literal["counter", "gauge"]
    help: str


METRICS: dict[str, Metric] = {
    "detent_transitions_total": Metric("counter", "Transitions committed by this process."),
    "detent_commits_refused_total": Metric(
        "counter", "Commits refused because another holder came first."
    ),
    "detent_executions_started_total": Metric("counter", "Executions created by this process."),
    "detent_executions_closed_total": Metric(
        "counter", "Executions this process brought to their end."
    ),
    "detent_executions_quarantined_total": Metric(
        "counter", "Executions this process set aside because they cannot go on."
    ),
    "detent_tasks_leased_total": Metric("counter", "Tasks handed out."),
    "detent_tasks_settled_total": Metric("counter", "Task outcomes accepted."),
    "detent_timers_fired_total": Metric("counter", "Timers turned into events."),
    "detent_http_calls_total": Metric("counter", "HTTP tasks performed, whatever their outcome."),
    "detent_http_failures_total": Metric("counter", "HTTP tasks that ended in an error."),
    "detent_loop_failures_total": Metric("counter", "Turns of background loops that failed."),
    "detent_transitions_slow_total": Metric(
        "counter", "Transitions decided in a process of their own, for their expressions take long."
    ),
    "detent_expressions_stopped_total": Metric(
        "counter",
        "Of those, the ones that took too long or too much even there, and whose process was lost.",
    ),
    "detent_express_started_total": Metric("counter", "Express executions begun in this process."),
    "detent_express_closed_total": Metric("counter", "Express executions that ended in it."),
    "detent_express_running": Metric("gauge", "Express executions running in it now."),
    "detent_store_up": Metric("gauge", "1 while Redis answers and holds this store, else 0."),
    "detent_store_unsafe": Metric(
        "gauge",
        "1 while Redis is set up so that it may delete executions, and nothing new is begun.",
    ),
    "detent_store_rollbacks_total": Metric(
        "counter", "How often Redis was seen to lack what it had acknowledged to this process."
    ),
    "detent_store_writes_missing_total": Metric(
        "counter", "Acknowledged writes known to be missing then; there may have been more."
    ),
    "detent_executions_missing_total": Metric(
        "counter", "Executions that were ready and not there: deleted by hand, or evicted."
    ),
    "detent_executions_active": Metric("gauge", "Executions being advanced at this moment."),
}


class Counters:
    """The numbers of one process. Not safe for use from several threads at once."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[str, float] = dict.fromkeys(METRICS, 0)

    def add(self, name: str, amount: float = 1) -> None:
        """Raises KeyError for a name that is not in `METRICS`."""
        self._values[name] += amount

    def put(self, name: str, value: float) -> None:
        """Set a gauge. Raises KeyError for a name that is not in `METRICS`."""
        if name not in self._values:
            raise KeyError(name)
        self._values[name] = value

    def value(self, name: str) -> float:
        return self._values[name]

    def render(self) -> str:
        """Prometheus' text format, version 0.0.4."""
        lines: list[str] = []
        for name, metric in METRICS.items():
            lines.append(f"# HELP {name} {metric.help}")
            lines.append(f"# TYPE {name} {metric.kind}")
            lines.append(f"{name} {self._values[name]:.17g}")
        return "\n".join(lines) + "\n"
