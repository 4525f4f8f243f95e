import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

from sdk_script import TaskScript, problem, until

from detent import Worker

SDK = Path(__file__).parent.parent


async def test_stop_leases_no_more_finishes_what_runs_and_reports_it(tasks):
    worker = Worker(tasks.url, concurrency=2)
    begun, release = asyncio.Event(), asyncio.Event()

    @worker.task("charge")
    async def act(value):
        begun.set()
        await release.wait()
        return value

    tasks.add("running")
    await worker.start()
    await begun.wait()
    stopping = asyncio.create_task(worker.stop())
    await asyncio.sleep(0.02)
    tasks.add("later")
    release.set()
    await stopping
    assert [result["output"] for result in tasks.results] == ["running"]
    assert len(tasks.tasks) == 1


async def test_an_idle_worker_stops_at_once(tasks):
    worker = Worker(tasks.url)
    worker.task("charge")(lambda _: None)
    await worker.start()
    await until(lambda: tasks.polls == 1)
    async with asyncio.timeout(10):  # its poll would wait for longer
        await worker.stop()
    await worker.stop()


async def test_a_worker_may_start_again(tasks):
    worker = Worker(tasks.url)
    worker.task("charge")(lambda value: value)
    for value in (1, 2):
        tasks.add(value)
        async with worker:
            await tasks.settled(value)


async def test_handlers_that_outlast_the_drain_are_cancelled_and_their_tasks_handed_back(tasks):
    worker = Worker(tasks.url, concurrency=2, drain_seconds=0.1)
    begun, cancelled = asyncio.Event(), []

    @worker.task("charge")
    async def act(_, task):
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.append(task.cancelled)

    tasks.add(1)
    beat = f"POST /v1/tasks/{tasks.tasks[0]['token']}/heartbeat"
    tasks.script.on(beat, {})
    await worker.start()
    await begun.wait()
    await worker.stop()
    assert cancelled == [True]
    assert tasks.script.requests(beat)[-1].body["lease_seconds"] == 1
    assert tasks.results == []


async def test_a_hanging_sync_handler_does_not_keep_the_worker(tasks):
    worker = Worker(tasks.url, drain_seconds=0.1)
    begun, hang = threading.Event(), threading.Event()

    @worker.task("charge")
    def act(_):
        begun.set()
        hang.wait(30)

    tasks.add(1)
    await worker.start()
    await until(begun.is_set)
    await worker.stop()
    assert tasks.results == []
    hang.set()


async def test_outcomes_are_still_reported_when_the_server_fails_during_the_drain(tasks):
    worker = Worker(tasks.url)
    begun = asyncio.Event()

    @worker.task("charge")
    async def act(value):
        begun.set()
        await asyncio.sleep(0.05)
        return value

    tasks.refusals.extend([problem(503, "store_unavailable")] * 3)
    tasks.add("precious")
    await worker.start()
    await begun.wait()
    await worker.stop()
    assert [result["output"] for result in tasks.results] == ["precious"]


async def test_outcomes_the_server_could_not_be_told_are_named_in_the_log(tasks, caplog):
    worker = Worker(tasks.url, drain_seconds=0.1)
    worker.task("charge")(lambda value: value)
    tasks.refusals.extend([problem(503, "store_unavailable")] * 1000)
    tasks.add(1)
    token = tasks.tasks[0]["token"]
    await worker.start()
    await until(lambda: len(tasks.refusals) < 1000)
    await worker.stop()
    assert f"task {token}: outcome not delivered" in caplog.text


PROGRAM = """
import asyncio, sys, time
from detent import Worker
worker = Worker(sys.argv[1], drain_seconds=float(sys.argv[2]))

@worker.task("charge")
async def act(seconds):
    print("begun", flush=True)
    await asyncio.sleep(seconds)
    return "done"

@worker.task("sleep")
def sleep(seconds):
    print("begun", flush=True)
    time.sleep(seconds)

worker.run()
print("left")
"""


async def _process(tasks, drain_seconds=30):
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        tasks.url,
        str(drain_seconds),
        env={**os.environ, "PYTHONPATH": str(SDK)},
        stdout=subprocess.PIPE,
    )


async def test_sigterm_lets_a_running_handler_finish_and_its_outcome_arrive(tasks):
    tasks.add(0.3)
    TaskScript(tasks.script, "sleep")
    process = await _process(tasks)
    assert await process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGTERM)
    out, _ = await process.communicate()
    assert (process.returncode, out) == (0, b"left\n")
    assert [result["output"] for result in tasks.results] == ["done"]


async def test_a_second_sigint_gives_up_what_runs_and_hands_it_back(tasks):
    tasks.add(60)
    beat = f"POST /v1/tasks/{tasks.tasks[0]['token']}/heartbeat"
    tasks.script.on(beat, {})
    TaskScript(tasks.script, "sleep")
    process = await _process(tasks)
    assert await process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGINT)
    await asyncio.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, _ = await asyncio.wait_for(process.communicate(), 5)
    assert (process.returncode, out) == (0, b"left\n")
    assert tasks.script.requests(beat)[-1].body["lease_seconds"] == 1


async def test_a_process_ends_although_a_sync_handler_hangs(script):
    tasks, _ = TaskScript(script, "sleep"), TaskScript(script, "charge")
    tasks.add(60)
    process = await _process(tasks, drain_seconds=0.1)
    assert await process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGTERM)
    out, _ = await asyncio.wait_for(process.communicate(), 10)
    assert (process.returncode, out) == (0, b"left\n")


def test_a_program_that_set_up_no_logging_sees_the_workers_log_and_a_clear_end(tmp_path):
    program = tmp_path / "worker.py"
    program.write_text(
        "import threading\n"
        "from http.server import BaseHTTPRequestHandler, HTTPServer\n"
        "from detent import Worker\n"
        "class Refuse(BaseHTTPRequestHandler):\n"
        "    def do_POST(self):\n"
        "        self.send_error(401)\n"
        "    def log_message(self, *_):\n"
        "        pass\n"
        "server = HTTPServer(('127.0.0.1', 0), Refuse)\n"
        "threading.Thread(target=server.serve_forever, daemon=True).start()\n"
        "worker = Worker(f'http://127.0.0.1:{server.server_port}', name='w1')\n"
        "worker.task('charge')(lambda input: input)\n"
        "worker.run()\n"
    )
    done = subprocess.run(
        [sys.executable, str(program)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": str(SDK)},
    )
    lines = done.stderr.splitlines()
    assert re.match(r"\d{4}-\d\d-\d\d [\d:,]+ INFO +worker w1 begins: queues charge", lines[0])
    assert "ERROR   the worker stops" in lines[1]
    assert "\ndetent.errors.Unauthenticated: " in done.stderr
    assert done.returncode == 1
