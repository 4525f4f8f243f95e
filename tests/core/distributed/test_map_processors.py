"""The machine of a distributed Map's children: what belongs to it, what to the definition around it, and its label."""

from __future__ import annotations

import pytest
from core.machines import JSON, machine, mapped, scope

from engine.language.comparing.scopes import scope_of, whole
from engine.language.machine import Machine, Map, Task

DISTRIBUTED = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
TASK = {"Type": "Task", "Resource": "activity:work", "End": True}
SIGNAL = {"Type": "Task", "Resource": "signal:go", "End": True}


def distributed(states: JSON, **more: object) -> JSON:
    return mapped(scope(**states) | {"ProcessorConfig": DISTRIBUTED}, **more)


def labels(of: Machine) -> list[str]:
    found = []
    for state in of.states.values():
        assert isinstance(state, Map)
        assert state.distributed is not None
        found.append(state.distributed.label)
    return found


def test_the_states_of_a_processor_belong_to_no_execution_but_the_childrens():
    states = {"T": {**TASK, "End": False, "Next": "S"}, "S": SIGNAL}
    made = machine({"M": distributed(states, Label="each")})
    assert list(made.states) == ["M"]
    assert made.parents == {}
    assert made.listening == {}
    children = made.processors["each"]
    assert (children.start_at, list(children.states)) == ("T", ["T", "S"])
    assert children.parents == {}
    assert children.listening == {"go": ("S",)}
    assert children.timeout_seconds is None
    assert isinstance(children.states["T"], Task)
    assert children.states["T"].pointer == "/States/M/ItemProcessor/States/T"


def test_an_inline_map_around_a_distributed_one_stays_in_the_execution():
    made = machine({"O": mapped(scope(M=distributed({"T": TASK})))})
    assert made.parents == {"M": "O"}
    assert list(made.states) == ["O", "M"]
    assert list(made.processors["M"].states) == ["T"]


def test_a_distributed_map_in_another_is_found_in_its_machine():
    made = machine({"O": distributed({"I": distributed({"T": TASK})})})
    assert list(made.processors) == ["O"]
    assert list(made.processors["O"].processors) == ["I"]
    inner = made.processor("d~O~I")
    assert inner is not None
    assert list(inner.states) == ["T"]
    assert made.processor("d~I") is None


def test_a_processor_is_the_same_until_something_in_it_changes():
    def hash_of(**more: object) -> str:
        return machine({"M": distributed({"T": TASK}, **more)}).processors["M"].content_hash

    assert hash_of() == hash_of(MaxConcurrency=3)
    other = machine({"M": distributed({"U": TASK})}).processors["M"].content_hash
    assert other != hash_of()


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Orders", "Orders"),
        ("each-order", "each-order"),
        ("Each order", "Each-order-"),
        ("Große Menge", "Gro-e-Menge-"),
        ("x" * 40, "x" * 40),
        ("x" * 41, "x" * 31 + "-"),
        ("!", ""),
    ],
)
def test_a_label_is_made_of_the_name_alone(name, label):
    (made,) = labels(machine({name: distributed({"T": TASK})}))
    assert made.startswith(label)
    assert 1 <= len(made) <= 40
    assert all(c.isascii() and (c.isalnum() or c == "-") for c in made)
    (again,) = labels(machine({name: distributed({"T": TASK}, MaxConcurrency=2)}))
    assert again == made


def test_no_two_maps_share_a_label():
    states = {
        "A b": distributed({"T": TASK}) | {"End": False, "Next": "A-b"},
        "A-b": distributed({"U": TASK}) | {"End": False, "Next": "C"},
        "C": distributed({"V": TASK}, Label="D") | {"End": False, "Next": "D"},
        "D": distributed({"W": TASK}),
    }
    found = labels(machine(states))
    assert found[1:3] == ["A-b", "D"]
    assert len(set(found)) == 4


def test_what_is_compared_of_a_definition_is_all_of_it():
    made = whole(machine({"O": distributed({"I": distributed({"T": TASK})})}))
    assert scope_of(made, "T") == (("O", 0), ("I", 0))
