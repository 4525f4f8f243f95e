"""Random definitions, and how each execution of one plays out: a function of (seed, number).

A flow is a list of steps and an end. Steps that hold flows are here; the others are in steps.py.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from tests.chaos.workflows import steps
from tests.chaos.workflows.expected import Expected
from tests.chaos.workflows.steps import NOTHING, Failed, Step, World, catch

FAILS = "Planned"  # the error of a flow that ends in a Fail state
EMPTY = {"run.$": "$.run", "coin.$": "$.coin", "out": {}}


@dataclass(frozen=True)
class Flow:
    """Steps, then Succeed or Fail. `name` opens the names of its own states."""

    name: str
    steps: tuple[Step, ...]
    fails: bool = False

    @property
    def end(self) -> str:
        return f"{self.name}-end"

    @property
    def start(self) -> str:
        return self.steps[0].name if self.steps else self.end

    def machine(self) -> dict[str, Any]:
        """The flow as StartAt and States."""
        end = {"Type": "Fail", "Error": FAILS} if self.fails else {"Type": "Succeed"}
        return {"StartAt": self.start, "States": self.states(self.end) | {self.end: end}}

    def states(self, following: str) -> steps.States:
        """The steps alone, going on to a state outside."""
        if not self.steps:
            return {}
        out: steps.States = {}
        after = [*(step.name for step in self.steps[1:]), following]
        for step, name in zip(self.steps, after, strict=True):
            out |= step.states(name)
        return out

    def play(self, world: World, out: dict[str, Any]) -> Failed | None:
        """Fill `out`; the failure that nobody caught, if any."""
        for step in self.steps:
            found = step.play(world)
            if isinstance(found, Failed):
                if not getattr(step, "caught", False):
                    return found
                out[step.name] = found.caught
            elif isinstance(step, Either):
                out |= found
            elif isinstance(step, steps.Signals) and step.manner == "prompt":
                names = [step.name, *(f"{step.name}-{n}" for n in range(1, step.count))]
                out |= dict(zip(names, found, strict=True))
            elif found is not NOTHING:
                out[step.name] = found
        return Failed(frozenset({FAILS})) if self.fails else None


@dataclass(frozen=True)
class Either(Step):
    """A Choice by the execution's coin; both ways lead to the same next state."""

    under: int
    heads: Flow
    tails: Flow

    def states(self, following: str) -> steps.States:
        first, second = (
            flow.start if flow.steps else following for flow in (self.heads, self.tails)
        )
        choice = {"Variable": "$.coin", "NumericLessThan": self.under, "Next": first}
        return (
            {self.name: {"Type": "Choice", "Choices": [choice], "Default": second}}
            | self.heads.states(following)
            | self.tails.states(following)
        )

    def play(self, world: World) -> Any:
        out: dict[str, Any] = {}
        flow = self.heads if world.coin < self.under else self.tails
        return flow.play(world, out) or out


@dataclass(frozen=True)
class Branches(Step):
    """Parallel, of flows that see neither one another nor what came before."""

    flows: tuple[Flow, ...]
    caught: bool

    def states(self, following: str) -> steps.States:
        state: dict[str, Any] = {
            "Type": "Parallel",
            "Parameters": EMPTY | {"item.$": "$.item"},
            "Branches": [flow.machine() for flow in self.flows],
            "ResultPath": f"$.out.{self.name}",
            "Next": following,
        }
        if self.caught:
            state["Catch"] = catch(self.name, following)
        return {self.name: state}

    def play(self, world: World) -> Any:
        return _together(world, [(flow, world.item) for flow in self.flows])


@dataclass(frozen=True)
class Each(Step):
    """Map over the numbers 0 to count - 1."""

    flow: Flow
    count: int
    concurrency: int
    caught: bool

    def states(self, following: str) -> steps.States:
        items = f"{self.name}-items"
        state: dict[str, Any] = {
            "Type": "Map",
            "ItemsPath": f"$.out.{self.name}",
            "ItemSelector": EMPTY | {"item.$": "$$.Map.Item.Value"},
            "MaxConcurrency": self.concurrency,
            "ItemProcessor": self.flow.machine(),
            "ResultPath": f"$.out.{self.name}",
            "Next": following,
        }
        if self.caught:
            state["Catch"] = catch(self.name, following)
        first = {
            "Type": "Pass", "Result": list(range(self.count)),
            "ResultPath": f"$.out.{self.name}", "Next": items,
        }  # fmt: skip
        return {self.name: first, items: state}

    def play(self, world: World) -> Any:
        return _together(world, [(self.flow, item) for item in range(self.count)])


def _together(world: World, flows: list[tuple[Flow, int]]) -> Any:
    """Strands side by side: all results in order; or any of the failures, and then who knows what the others did."""
    mark, results, errors = world.notes.mark(), [], frozenset[str]()
    for flow, item in flows:
        out: dict[str, Any] = {}
        failed = flow.play(World(world.seed, world.notes, item, world.coin), out)
        results.append(
            {"run": run_of(world.notes.id), "coin": world.coin, "item": item, "out": out}
        )
        errors |= failed.errors if failed is not None else frozenset()
    if not errors:
        return results
    world.notes.loosen(mark)
    return Failed(errors)


def run_of(execution: str) -> int:
    """The number of the run that an execution belongs to, by its name "r<number>...": children open with their parent's."""
    return int(execution.partition(":")[2].split(".")[0].removeprefix("r"))


@dataclass(frozen=True)
class Nested(Step):
    """A child execution of another definition, waited for."""

    child: Definition
    caught: bool

    def states(self, following: str) -> steps.States:
        name = f"States.Format('{{}}.{self.name}.{{}}', $$.Execution.Name, $.item)"
        given = {"run.$": "$.run", "coin.$": "$.coin", "item": -1, "out": {}}
        state: dict[str, Any] = {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {"StateMachineArn": self.child.name, "Name.$": name, "Input": given},
            "ResultSelector": {"child.$": "$.Output"},
            "ResultPath": f"$.out.{self.name}",
            "Next": following,
        }
        if self.caught:
            state["Catch"] = catch(self.name, following)
        return {self.name: state}

    def play(self, world: World) -> Any:
        parent = world.notes.id.partition(":")[2]
        identifier = f"{self.child.name}:{parent}.{self.name}.{world.item}"
        child = self.child.expected(world.seed, identifier, world.coin)
        world.notes.children[identifier] = child
        if any(status != "SUCCEEDED" for status, _ in child.ends):
            return Failed(frozenset({"States.TaskFailed"}))
        return {"child": child.output}


@dataclass(frozen=True)
class Definition:
    name: str
    flow: Flow

    def machine(self) -> dict[str, Any]:
        return {"Comment": "Made by a generator"} | self.flow.machine()

    def expected(self, seed: int, execution: str, coin: int) -> Expected:
        notes = Expected(execution)
        out: dict[str, Any] = {}
        failed = self.flow.play(World(seed, notes, -1, coin), out)
        if failed is None:
            notes.ends = {("SUCCEEDED", None)}
            notes.output = {"run": run_of(execution), "coin": coin, "item": -1, "out": out}
        else:
            notes.ends = {("FAILED", error) for error in failed.errors}
        return notes


def given(execution: str, coin: int) -> dict[str, Any]:
    """The input of an execution."""
    return {"run": run_of(execution), "coin": coin, "item": -1, "out": {}}


def chance_of(*parts: Any) -> random.Random:
    return random.Random("/".join(map(str, parts)))
