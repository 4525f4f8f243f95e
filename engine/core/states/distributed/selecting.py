"""ItemSelector of a distributed Map: from an item of its dataset to what a child, or a batch, gets of it.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemselector.html. Unlike an inline Map's it is applied
outside the parent's transitions, from what `MapRunSpec.selecting` kept at the arrival: "input" (what `$` is in JSONPath,
or `$states.input` in JSONata), "context" (the Context Object) and "variables".
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from engine.core.entropy import SeededEntropy
from engine.core.states.distributed.spec import MapRunSpec
from engine.documents import Document
from engine.language.expressions.patience import Patience
from engine.language.expressions.scope import ENDURING, Scope
from engine.language.machine import Machine, Map

STATE_DATA = "STATE_DATA"  # the source of items that no reader has read


class Item(Struct, frozen=True):
    """One item of a dataset. `key` is its name where the dataset is an object; `source` where it was read.

    Sources are `STATE_DATA`, `s3://bucket/key` for what a file holds, and `s3://bucket` for a listing (measured).
    """

    index: int
    value: Any
    key: str | None = None
    source: str = STATE_DATA


class Selecting:
    """Applies a Map's ItemSelector to one item after the other. An item gives the same again whenever it is asked for.

    `seed` is what chance derives from: secret, and the same in every process that drives the run.
    """

    __slots__ = ("_context", "_input", "_is_jsonata", "_seed", "_template", "_variables")

    def __init__(self, machine: Machine, spec: MapRunSpec, seed: bytes) -> None:
        state = machine.states[spec.state]
        assert isinstance(state, Map)
        given = spec.selecting or {}
        self._template = state.item_selector
        self._is_jsonata = state.query_language == "JSONata"
        self._input = given.get("input")
        self._context: dict[str, Any] = given.get("context") or {}
        self._variables: dict[str, Any] = given.get("variables") or {}
        self._seed = seed

    def select(self, item: Item, patience: Patience = ENDURING) -> Document:
        """What the item's child gets of it: the item itself without an ItemSelector.

        Raises ExpressionError, which fails the Map Run, and OverBudget where the patience is not enough: nothing has
        happened then, and whoever has more may ask again for the same item.
        """
        if self._template is None:
            return Document.of(item.value)
        scope = Scope(
            lambda: self._context_of(item),
            SeededEntropy(self._seed, item.index),
            self._variables,
            patience,
        )
        value = {"input": self._input} if self._is_jsonata else self._input
        return Document.of(self._template.evaluate(value, scope))

    def _context_of(self, item: Item) -> dict[str, Any]:
        about: dict[str, Any] = {"Index": item.index}
        if item.key is not None:
            about["Key"] = item.key
        about |= {"Value": item.value, "Source": item.source}
        return {**self._context, "Map": {"Item": about}}
