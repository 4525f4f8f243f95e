"""The words of the grammar that are one state, or a few: how each is written in ASL, and how it plays out.

A step writes its result to `$.out.<name>`. `play` computes it without the engine: a value (or pattern), or Failed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from tests.chaos.workflows import acts
from tests.chaos.workflows.expected import Due, Expected, Sent
from tests.chaos.workflows.patterns import ANY, OneOf

HTTP_RETRIES = 4
PLACE = {"run.$": "$.run", "item.$": "$.item"}
BUSY = {
    "ErrorEquals": ["Busy"],
    "IntervalSeconds": 1,
    "BackoffRate": 1,
    "MaxAttempts": acts.RETRIES,
}
HTTP_BUSY = BUSY | {"ErrorEquals": ["States.Http.StatusCode.503"]}
HTTP_BROKEN = BUSY | {"ErrorEquals": ["States.Http.Socket"], "MaxAttempts": HTTP_RETRIES}

States = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class World:
    """Where a step plays: `notes` collect what is due; `item` is that of the Map around, else -1."""

    seed: int
    notes: Expected
    item: int
    coin: int


@dataclass(frozen=True)
class Failed:
    """Ended by one of these errors."""

    errors: frozenset[str]

    @property
    def caught(self) -> dict[str, Any]:
        """What Catch puts in place of the result."""
        names = sorted(self.errors)
        error = names[0] if len(names) == 1 else OneOf(tuple(names))
        return {"Error": error, "Cause": ANY}


@dataclass(frozen=True)
class Step:
    name: str

    def states(self, following: str) -> States:
        """The step in ASL, its first state being its name, going on to `following`."""
        raise AssertionError

    def play(self, world: World) -> Any:
        """What it leaves in `$.out`: a value, a pattern, or Failed; NOTHING for a step that leaves nothing."""
        raise AssertionError


NOTHING = object()


@dataclass(frozen=True)
class Pass(Step):
    value: int

    def states(self, following: str) -> States:
        result = {"v": self.value, "text": "ß"}
        return {
            self.name: {
                "Type": "Pass", "Result": result, "ResultPath": f"$.out.{self.name}",
                "Next": following,
            }
        }  # fmt: skip

    def play(self, world: World) -> Any:
        del world
        return {"v": self.value, "text": "ß"}


@dataclass(frozen=True)
class Loop(Step):
    rounds: int

    def states(self, following: str) -> States:
        at, inner, test = f"$.out.{self.name}", f"{self.name}-add", f"{self.name}-enough"
        done = {"Variable": f"{at}.n", "NumericGreaterThanEquals": self.rounds, "Next": following}
        add = {"n.$": f"States.MathAdd({at}.n, 1)"}
        return {
            self.name: {"Type": "Pass", "Result": {"n": 0}, "ResultPath": at, "Next": inner},
            inner: {"Type": "Pass", "Parameters": add, "ResultPath": at, "Next": test},
            test: {"Type": "Choice", "Choices": [done], "Default": inner},
        }

    def play(self, world: World) -> Any:
        del world
        return {"n": self.rounds}


@dataclass(frozen=True)
class Wait(Step):
    """`seconds` 0: until the next full second but one by the clock, which is up to a second away."""

    seconds: int

    def states(self, following: str) -> States:
        state: dict[str, Any] = {"Type": "Wait", "Next": following}
        if self.seconds:
            state |= {"Seconds": self.seconds}
        else:
            soon = "{% $fromMillis($toMillis($states.context.State.EnteredTime) + 1000) %}"
            state |= {"QueryLanguage": "JSONata", "Timestamp": soon}
        return {self.name: state}

    def play(self, world: World) -> Any:
        del world
        return NOTHING


@dataclass(frozen=True)
class Task(Step):
    """A task that someone performs: kinds work, silent, close (workers), call, mute, callback (the effect server)."""

    kind: str
    caught: bool
    url: str

    def states(self, following: str) -> States:
        state: dict[str, Any] = {
            "Type": "Task",
            "Resource": self._resource,
            "Parameters": PLACE | {"state": self.name, "kind": self.kind},
            "ResultPath": f"$.out.{self.name}",
            "TimeoutSeconds": {"silent": 1, "close": 1, "mute": 1}.get(self.kind, 600),
            "Next": following,
        }
        if retries := self._retries:
            state["Retry"] = retries
        if self.caught:
            state["Catch"] = catch(self.name, following)
        return {self.name: state}

    @property
    def _resource(self) -> str:
        match self.kind:
            case "call" | "mute":
                return f"{self.url}/do"
            case "callback":
                return f"{self.url}/do.waitForTaskToken"
            case _:
                return f"activity:{acts.QUEUES[self.kind]}"

    @property
    def _retries(self) -> list[dict[str, Any]]:
        match self.kind:
            case "work":
                return [BUSY]
            case "call":
                return [HTTP_BUSY, HTTP_BROKEN]
            case "callback":
                return [HTTP_BROKEN]
            case "silent":
                return [BUSY | {"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1}]
            case _:
                return []

    def play(self, world: World) -> Any:
        place = self.name, world.item
        act = acts.act_of(world.seed, world.notes.id, *place, self.kind)
        given = {"state": self.name, "item": world.item}
        if self.kind in ("silent", "mute"):
            attempts = 2 if self.kind == "silent" else 1
            world.notes.due[place] = Due(self.kind, attempts, done=False, loose=True)
            return Failed(frozenset({"States.Timeout"}))
        if self.kind == "close":
            world.notes.due[place] = Due(self.kind, 1, done=True, loose=True)
            late = Failed(frozenset({"States.Timeout"}))
            return OneOf((acts.result_of(given), late.caught))
        attempts = min(act.busy, acts.RETRIES) + 1
        extra = HTTP_RETRIES if self.kind in ("call", "callback") else 0
        gives_up = act.busy > acts.RETRIES
        done = not gives_up and act.error is None
        world.notes.due[place] = Due(self.kind, attempts, done, extra)
        if gives_up:
            busy = "States.Http.StatusCode.503" if self.kind == "call" else "Busy"
            return Failed(frozenset({busy}))
        if act.error is not None:
            return Failed(frozenset({act.error}))
        return acts.result_of(given)


@dataclass(frozen=True)
class Signals(Step):
    """Waits for `count` signals of one name, one state after the other.

    Manners: prompt (they come), near (one comes about when its time is over), never.
    """

    manner: str
    count: int

    @property
    def signal(self) -> str:
        return f"Go-{self.name}"

    def states(self, following: str) -> States:
        names = [self.name, *(f"{self.name}-{n}" for n in range(1, self.count))]
        out: States = {}
        for name, after in zip(names, [*names[1:], following], strict=True):
            out[name] = {
                "Type": "Task",
                "Resource": f"signal:{self.signal}",
                "ResultPath": f"$.out.{name}",
                "TimeoutSeconds": {"near": 2, "never": 1}.get(self.manner, 600),
                "Next": after,
            }
            if self.manner != "prompt":
                out[name]["Catch"] = catch(name, after)
        return out

    def play(self, world: World) -> Any:
        notes = world.notes
        late = Failed(frozenset({"States.Timeout"})).caught
        if self.manner == "never":
            return late
        chance = random.Random(f"signals/{world.seed}/{notes.id}/{self.name}")
        near = self.manner == "near"
        after = chance.uniform(1.6, 2.6) if near else chance.choice((0.0, chance.uniform(0, 4)))
        sent = [
            Sent(self.signal, f"{self.name}-{n}-{chance.randrange(10**6)}", after, chance.random() < 0.1)
            for n in range(self.count)
        ]  # fmt: skip
        notes.signals += sent
        payloads = [{"id": each.id} for each in sent]
        return OneOf((payloads[0], late)) if near else payloads


def catch(name: str, following: str) -> list[dict[str, Any]]:
    return [{"ErrorEquals": ["States.ALL"], "ResultPath": f"$.out.{name}", "Next": following}]
