"""The settings, the clock and the telemetry: what stands beneath everything else."""

import asyncio
import io
import json
import logging
from dataclasses import fields, replace
from pathlib import Path

import pytest

from engine.clock import ManualClock, RedisClock, iso, parse_iso
from engine.settings import InvalidSettings, Settings, knobs, table, unknown_variables, variable
from engine.telemetry import EVENTS, METRICS, Counters, emit, plain, set_up

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "settings.md"


def test_every_setting_is_on_the_settings_page_as_it_is_in_the_code():
    assert table() in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [item.name for item in fields(Settings)])
def test_every_setting_has_a_unit_and_a_reason(name):
    assert knobs()[name].unit
    assert knobs()[name].reason.endswith(".")


def test_an_empty_environment_gives_the_defaults():
    assert Settings.from_env({"DETENT_PORT": " ", "HOME": "/x"}) == Settings()


def test_values_are_read_in_their_units():
    settings = Settings.from_env(
        {"DETENT_PORT": "0", "DETENT_DRAIN_SECONDS": "2.5", "DETENT_DATA": "/var/lib/x"}
    )
    assert (settings.port, settings.drain_seconds, settings.data) == (0, 2.5, Path("/var/lib/x"))


def test_redis_url_is_read_where_detent_redis_url_is_absent():
    both = {"REDIS_URL": "redis://a", "DETENT_REDIS_URL": "redis://b"}
    assert Settings.from_env({"REDIS_URL": "redis://a"}).redis_url == "redis://a"
    assert Settings.from_env(both).redis_url == "redis://b"


def test_all_bad_values_are_reported_in_one_error():
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_env(
            {
                "DETENT_PORT": "http",
                "DETENT_LEASE_MS": "1",
                "DETENT_LOG": "xml",
                "DETENT_REDIS_URL": "http://redis",
                "DETENT_PREFIX": "a{b}",
                "DETENT_DRAIN_SECONDS": "nan",
                "DETENT_HOST": "0.0.0.0",
            }
        )
    text = str(caught.value)
    assert len(caught.value.problems) == 7
    for name in ("PORT", "LEASE_MS", "LOG", "REDIS_URL", "PREFIX", "DRAIN_SECONDS", "HOST"):
        assert f"DETENT_{name}" in text


def test_an_open_address_is_refused_without_a_token():
    with pytest.raises(InvalidSettings, match="DETENT_TOKEN"):
        Settings(host="0.0.0.0")
    assert not Settings(host="0.0.0.0", token="t0ken").is_loopback


def test_changing_a_copy_is_checked_too():
    with pytest.raises(InvalidSettings, match=variable("port")):
        replace(Settings(), port=70_000)


def test_secrets_show_neither_in_repr_nor_in_the_address():
    settings = Settings(
        token="s3cret", redis_url="rediss://me:p@ss/w0rd@host:6379/0?password=s3cret"
    )
    assert "s3cret" not in repr(settings)
    assert "w0rd" not in repr(settings)
    assert settings.redis_url_shown == "rediss://host:6379/0"
    assert Settings().redis_url_shown == "embedded"


def test_redis_time_goes_on_by_the_monotonic_clock_and_never_back(monkeypatch):
    clock = RedisClock()
    seconds = 100.0
    monkeypatch.setattr(clock, "monotonic", lambda: seconds)
    clock.observe(5_000)
    seconds = 100.25
    assert clock.now_ms() == 5_250
    clock.observe(5_100)
    assert clock.now_ms() == 5_250
    seconds = 101.25
    assert clock.now_ms() == 6_100


def test_the_first_redis_time_wins_over_this_machines():
    clock = RedisClock()
    assert clock.now_ms() > 1_600_000_000_000
    assert not clock.is_set
    clock.observe(1_000)
    assert clock.is_set
    assert clock.now_ms() < 100_000


async def test_a_manual_clock_wakes_sleepers_when_it_is_moved_past_them():
    clock = ManualClock(0)
    woken = []

    async def sleeper(seconds):
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (2, 1, 9)]
    await asyncio.sleep(0)
    clock.advance(2_000)
    await asyncio.gather(*tasks[:2])
    assert woken == [1, 2]
    assert clock.monotonic() == 2
    tasks[2].cancel()


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-22T10:00:00.000Z", 1_795_341_600_000),
        ("2026-11-22T11:30:00.5+01:30", 1_795_341_600_500),
        ("2026-11-22T09:00:00-01:00", 1_795_341_600_000),
        ("2026-11-22T10:00:00.000000001Z", 1_795_341_600_001),
        ("1969-12-31T23:59:59.999Z", -1),
    ],
)
def test_a_time_is_read_to_the_millisecond_and_never_early(text, ms):
    assert parse_iso(text) == ms
    assert parse_iso(iso(ms)) == ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-22",
        "2026-11-22T10:00:00",
        "2026-11-22t10:00:00z",
        "2026-13-22T10:00:00Z",
        "2026-11-22T10:00:00+24:00",
        "2026-11-22T10:00:00Z\n",
        "２026-11-22T10:00:00Z",
    ],
)
def test_what_is_no_rfc_3339_time_is_refused(text):
    with pytest.raises(ValueError):
        parse_iso(text)


@pytest.fixture
def log():
    """What is logged while the test runs; afterwards logging is as it was."""
    loggers = [logging.getLogger(n) for n in ("detent", "uvicorn", "asyncio", "py.warnings")]
    before = [(logger.handlers, logger.level, logger.propagate) for logger in loggers]
    yield io.StringIO()
    for logger, (handlers, level, propagates) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagates
        logger.setLevel(level)


def test_what_the_http_server_logs_by_itself_has_our_form(log):
    set_up("json", "info", log)
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    logging.getLogger("uvicorn.error").info("not ours to tell")
    line = json.loads(log.getvalue())
    assert (line["level"], line["event"]) == ("warning", "Invalid HTTP request received.")


def test_variables_that_nothing_reads_are_named_with_what_may_have_been_meant():
    environment = {variable(name): "" for name in knobs()} | {
        "DETENT_URL": "",
        "DETENT_SHARED": "",
        "REDIS_URL": "",
        "DETENT_PROT": "1",
        "DETENT_COLOUR_OF_THE_SKY": "blue",
    }
    assert unknown_variables(environment) == [
        "DETENT_COLOUR_OF_THE_SKY",
        "DETENT_PROT (did you mean DETENT_PORT?)",
    ]


def test_a_log_line_of_hostile_text_is_one_line_without_control_characters(log):
    set_up("text", "info", log)
    emit("execution.quarantined", execution="a\nERROR b\x1b[2J\x9b\u202e", cause="x" * 5000)
    line, rest = log.getvalue().split("\n", 1)
    assert rest == ""
    assert "a\\x0aERROR b\\x1b[2J\\x9b\\u202e" in line
    assert len(line) < 2_200


def test_a_json_log_line_holds_time_level_event_fields_and_traceback(log):
    set_up("json", "info", log)
    emit("loop.failed", loop="timekeeper", cause="x", error=ValueError("a\x1bb"))
    line = json.loads(log.getvalue())
    assert line["event"] == "loop.failed"
    assert (line["level"], line["loop"]) == ("error", "timekeeper")
    assert line["time"].endswith("Z")
    assert line["traceback"].endswith("ValueError: a\\x1bb")


def test_a_lone_surrogate_does_not_break_a_log_line(log):
    set_up("json", "info", log)
    emit("store.lost", cause="\ud800")
    assert json.loads(log.getvalue())["cause"] == "\\ud800"


def test_an_event_that_is_not_in_the_contract_cannot_be_logged():
    with pytest.raises(KeyError):
        emit("something.happened")
    with pytest.raises(TypeError):
        emit("store.found", colour="red")


def test_every_event_and_metric_says_what_it_means():
    assert all(event.meaning.endswith(".") for event in EVENTS.values())
    assert all(metric.help.endswith(".") for metric in METRICS.values())
    assert all(name.endswith("_total") == (m.kind == "counter") for name, m in METRICS.items())


def test_counters_render_as_prometheus_text():
    counters = Counters()
    counters.add("detent_transitions_total", 3)
    counters.put("detent_executions_active", 2)
    lines = counters.render().splitlines()
    assert "detent_transitions_total 3" in lines
    assert "# TYPE detent_executions_active gauge" in lines
    assert len(lines) == 3 * len(METRICS)
    with pytest.raises(KeyError):
        counters.add("detent_unknown_total")
    with pytest.raises(KeyError):
        counters.put("detent_unknown", 1)


def test_plain_text_stays_as_it_is():
    assert plain("Größe 日本 🙂") == "Größe 日本 🙂"
