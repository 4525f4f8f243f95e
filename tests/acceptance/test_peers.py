"""bench.peers: what its windows count, what it makes of them, and that it runs."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.peers import chart, loading, report
from bench.peers.detents import DetentWorker

ROOT = Path(__file__).resolve().parents[2]


async def test_a_window_opens_when_every_caller_has_had_an_answer_and_counts_only_what_ends_in_it():
    ended, at_opening = 0, []

    async def one() -> None:
        nonlocal ended
        await asyncio.sleep(0)
        ended += 1

    notes: list[int] = []
    load = await loading.run(
        one, 8, 0.02, lambda: at_opening.append(ended), lambda: notes.append(ended)
    )
    assert at_opening[0] >= 8
    assert 8 <= len(load.seconds) <= notes[0] - at_opening[0] + 8
    assert load.failures == []
    assert load.per_second == len(load.seconds) / (load.ended - load.began)


async def test_a_system_that_only_fails_is_told_of_by_its_words_and_the_load_ends():
    async def one() -> None:
        raise RuntimeError("no room")

    load = await loading.run(one, 60, 0.02, lambda: None, lambda: None)
    line = report.line(DetentWorker, _window(load), 0)
    assert line["failed"] == "RuntimeError: no room"


def _window(load: loading.Load) -> Any:
    return report.Window(load, 0.0, 0.0)


def figure(system: str, concurrency: int, rate: float, p50: float) -> dict[str, Any]:
    keys = {key: 1.0 for _, key, _ in report.COLUMNS}
    return keys | {
        "system": system,
        "concurrency": concurrency,
        "steps_per_second": rate,
        "p50_ms": p50,
    }


def rounds(*rates: float) -> list[dict[str, Any]]:
    return [figure("Restate", 32, rate, 10.0) for rate in rates]


def test_figures_are_medians_and_a_round_that_failed_is_said_beside_them():
    broken = {"system": "Restate", "concurrency": 32, "failed": "TimeoutError: "}
    [found] = report.medians([*rounds(1, 9, 3), broken])
    assert (found["steps_per_second"], found["failed"]) == (3, "TimeoutError: ")
    [nothing] = report.medians([broken])
    assert "steps_per_second" not in nothing


def test_ratios_compare_the_same_callers_and_the_best_of_each():
    figures = [
        figure("Detent, workers", 1, 50, 20.0),
        figure("Detent, workers", 256, 1000, 0.0),
        figure("Restate", 1, 25, 40.0),
        figure("Restate", 32, 200, 0.0),
        {"system": "Restate", "concurrency": 256, "failed": "no answer"},
    ]
    [ratio] = report.ratios(figures)
    assert (ratio["at"], ratio["saturated"], ratio["p50_at_1"]) == ({"1": 2.0}, 5.0, 0.5)
    assert "| failed: no answer |" in report.tables({"figures": figures, "ratios": [ratio]})


def test_the_chart_says_how_many_times_detent_is_the_peer(tmp_path):
    pytest.importorskip("matplotlib")
    figures = [figure("Detent, workers", 1, 50, 20.0), figure("Restate", 1, 25, 40.0)]
    chart.draw({"figures": figures, "ratios": report.ratios(figures)}, tmp_path)
    assert (tmp_path / "peers.png").stat().st_size > 1000
    drawn = (tmp_path / "peers.svg").read_text()
    assert "Restate" in drawn
    assert "Detent 2.0x" in drawn


@pytest.mark.slow
def test_one_system_is_measured_at_every_concurrency():
    asked = ("--only", "Detent, workers", "--rounds", "1", "--seconds", "0.5", "--json")
    done = subprocess.run(
        [sys.executable, "-m", "bench.peers", *asked],
        check=False,
        cwd=ROOT,
        capture_output=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])["figures"]
    assert [found["concurrency"] for found in figures] == [1, 32, 256]
    assert all(found["failures"] == 0 and found["steps_per_second"] > 0 for found in figures)
    assert all(found["cpu_seconds_per_1000_steps"] > 0 for found in figures)
