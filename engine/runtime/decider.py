"""A process of its own that decides what has expressions that take long. Its parent kills it when it takes too long.

Run as `python -m engine.runtime.decider PARENT`. Requests come on standard input and answers go to standard output, each a
pickle with its length before it; only its own parent speaks to it. It ends when its input does, and with its parent.

    ("machine", hash, text, format)                              -> ("known",)
    ("decide", hash, execution, event, now_ms, limits)           -> ("decided", Transition, seconds) | ("unknown",)
    ("select", hash, MapRunSpec, seed, Item)                     -> ("selected", Document, seconds) | ("unknown",)
                                                                    | ("refused", cause, error, location)
    what asks for more memory than there is                      -> ("exhausted",); the process has ended itself
    anything else that raises                                    -> ("failed", text)
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import struct
import sys
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

from engine.core.events import Event
from engine.core.execution import Execution
from engine.core.limits import Limits
from engine.core.states.distributed.selecting import Item, Selecting
from engine.core.states.distributed.spec import MapRunSpec
from engine.core.transition import transition
from engine.language import Machine, read
from engine.language.expressions.patience import Patience
from engine.language.expressions.scope import ExpressionError
from engine.store.server.server_program import end_with_parent

LENGTH = struct.Struct(">Q")
MACHINES_MAX = 100  # kept compiled; the least recently used goes first
# Of CPU, for one answer. An expression gives up by itself after a second of the clock, or what its effort takes; this ends
# what does not look at either, such as the copying of a result that holds the same parts again and again.
CPU_SECONDS_MAX = 2.0
MEMORY_BYTES_MAX = 512 * 1024 * 1024  # beyond what the process has when it begins to work


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer one request after the other, until there are no more."""
    machines: OrderedDict[str, Machine] = OrderedDict()
    while len(head := requests.read(LENGTH.size)) == LENGTH.size:
        answer = _framed_answer(machines, requests, LENGTH.unpack(head)[0])
        answers.write(answer or framed(("exhausted",)))
        answers.flush()
        if answer is None:
            return


def framed(message: tuple[Any, ...]) -> bytes:
    """A message with its length before it."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(body)) + body


def _framed_answer(
    machines: OrderedDict[str, Machine], requests: BinaryIO, length: int
) -> bytes | None:
    """None where the memory is not enough, be it for the request, its answer, or what is between them."""
    try:
        request = pickle.loads(requests.read(length))  # noqa: S301 - the parent's
        if request[0] != "machine":  # which its own bounds keep short, and which are read once
            signal.setitimer(
                signal.ITIMER_PROF, CPU_SECONDS_MAX
            )  # nobody handles it: it ends the process
        return framed(_answer(machines, *request))
    except MemoryError:
        return None
    except Exception as error:
        return framed(("failed", f"{type(error).__name__}: {error}"))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _answer(machines: OrderedDict[str, Machine], kind: str, *given: Any) -> tuple[Any, ...]:
    if kind == "machine":
        known_as, text, form = given
        machines[known_as] = read(text, format=form)
        if len(machines) > MACHINES_MAX:
            machines.popitem(last=False)
        return ("known",)
    known_as, *about = given
    machine = machines.get(known_as)
    if machine is None:
        return ("unknown",)
    machines.move_to_end(known_as)
    return _selected(machine, *about) if kind == "select" else _decided(machine, *about)


def _decided(
    machine: Machine, execution: Execution, event: Event, now_ms: int, limits: Limits
) -> tuple[Any, ...]:
    began = time.monotonic()
    patience = Patience.alone(time.monotonic)
    part = machine.processor(execution.definition) or machine
    step = transition(part, execution, event, now_ms, limits=limits, patience=patience)
    return ("decided", step, time.monotonic() - began)


def _selected(machine: Machine, spec: MapRunSpec, seed: bytes, item: Item) -> tuple[Any, ...]:
    began = time.monotonic()
    patience = Patience.alone(time.monotonic)
    part = machine.processor(spec.definition) or machine
    try:
        selected = Selecting(part, spec, seed).select(item, patience)
    except ExpressionError as error:
        return ("refused", error.cause, error.error, error.location)
    return ("selected", selected, time.monotonic() - began)


def _bound_memory() -> None:
    """Where the system can: what asks for more than is allowed fails, or ends the process."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        used = int(statm.read_text().split()[0]) * resource.getpagesize()
        most = used + MEMORY_BYTES_MAX
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main() -> None:
    # Its parent ends it. A signal for the whole group must not take a decision from a parent that is still draining.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    bind = end_with_parent(int(sys.argv[1]), signal.SIGKILL)
    if bind is not None:
        bind()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what prints must not get among the answers
    _bound_memory()
    answers.write(framed(("ready",)))
    answers.flush()
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
