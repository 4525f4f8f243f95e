"""Arriving at a distributed Map: everything its Map Run is to know is evaluated here, once, and kept with it.

MaxConcurrency and the items come before the record MapStateStarted, the other numbers after it (measured); so what
fails from there on is a part of the answer. ItemSelector is applied later, item by item, outside the transition: what it
reads besides the item is kept as values (`MapRunSpec.selecting`), and nothing else of the state's data.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from engine.core import dataflow
from engine.core.failures import QUERY_EVALUATION_ERROR, of_expression
from engine.core.outcomes import Distribute, Outcome, Visit
from engine.core.states.distributed.spec import Batcher, MapRunSpec, Reader, Writer
from engine.core.states.mapping import items_of, unreadable, whole_number
from engine.documents import Document
from engine.language.expressions.scope import ExpressionError
from engine.language.expressions.templates import Template
from engine.language.machine import (
    Distributed,
    ItemBatcher,
    ItemReader,
    Map,
    Number,
    ResultWriter,
)

BATCH_BYTES_MAX = 262_144  # as AWS Step Functions
_NUMBER_TEXT = re.compile(r"[+-]?\d{1,9}(\.\d{1,9})?", re.ASCII)


def arrive(
    state: Map, distributed: Distributed, visit: Visit, effective: Document, window: int
) -> Outcome:
    """`effective` is what InputPath leaves, `window` the MaxConcurrency."""
    items = items_of(state, visit, effective) if distributed.reader is None else None
    length = 0 if items is None else len(items)
    fields = _Fields(state, visit, effective)
    try:
        asked = MapRunSpec(
            run="",
            parent="",
            definition="",
            version=0,
            state=state.name,
            label=distributed.label,
            execution_type=distributed.execution_type,
            items=items,
            reader=fields.reader(distributed.reader),
            batcher=fields.batcher(distributed.batcher),
            writer=fields.writer(distributed.writer),
            concurrency_max=window,
            tolerated_count=fields.tolerated_count(distributed.tolerated_count),
            tolerated_percentage=fields.tolerated_percentage(distributed.tolerated_percentage),
            selecting=fields.selecting(),
        )
    except ExpressionError as error:
        return Distribute(length, of_expression(error, visit.frame))
    return Distribute(length, asked)


class _Fields:
    """Evaluates the fields of one distributed Map."""

    def __init__(self, state: Map, visit: Visit, effective: Document) -> None:
        self._state = state
        self._visit = visit
        self._effective = effective
        self._is_jsonata = state.query_language == "JSONata"

    def tolerated_count(self, given: Number) -> int | None:
        field = "ToleratedFailureCount"
        found = self._whole(given, field)
        if found is not None and found < 0:
            raise self._refused(f"{field} cannot be negative.", field)
        return found

    def tolerated_percentage(self, given: Number | float) -> float | None:
        field = "ToleratedFailurePercentage"
        found: Any = given
        if isinstance(given, Template):
            found = given.evaluate(dataflow.states(self._visit.frame.input), self._visit.scope)
        elif given is not None and not isinstance(given, int | float):
            found = given.find(self._effective.value, self._visit.scope)
            if isinstance(found, str) and _NUMBER_TEXT.fullmatch(found):
                found = float(found)
            if not isinstance(found, int | float) or isinstance(found, bool):
                raise unreadable(given, field, found, "float")
        if found is None:
            return None
        if not 0 <= found <= 100:
            raise self._refused(f"{field} must be between 0 and 100.", field)
        return float(found)

    def reader(self, given: ItemReader | None) -> Reader | None:
        """MaxItems 0 sets no limit, and a negative one is the reader's to refuse (measured)."""
        if given is None:
            return None
        return Reader(
            action=given.action,
            parameters=self._parameters(given.parameters, "ItemReader"),
            input_type=given.input_type,
            transformation=given.transformation,
            csv_headers=given.csv_headers,
            csv_delimiter=given.csv_delimiter,
            items_pointer=given.items_pointer,
            manifest_type=given.manifest_type,
            items_max=self._whole(given.items_max, "MaxItems") or None,
        )

    def batcher(self, given: ItemBatcher | None) -> Batcher | None:
        """A size of 0 sets no limit."""
        if given is None:
            return None
        items_max = self._whole(given.items_max, "MaxItemsPerBatch") or None
        bytes_max = self._whole(given.bytes_max, "MaxInputBytesPerBatch") or None
        if items_max is not None and items_max < 0:
            text = "MaxItemsPerBatch cannot be negative."
            raise self._refused(text, "ItemBatcher/MaxItemsPerBatch")
        if bytes_max is not None and not 0 <= bytes_max <= BATCH_BYTES_MAX:
            text = f"MaxInputBytesPerBatch must be between 0 and {BATCH_BYTES_MAX}."
            raise self._refused(text, "ItemBatcher/MaxInputBytesPerBatch")
        given_input = None if given.input is None else self._filled(given.input)
        return Batcher(items_max, bytes_max, given_input, given.input is not None)

    def writer(self, given: ResultWriter | None) -> Writer | None:
        """What is exported is told in full unless a Transformation says otherwise; what is only handed on, as outputs."""
        if given is None:
            return None
        default: Literal["NONE", "COMPACT"] = "NONE" if given.exports else "COMPACT"
        form = (given.transformation or default, given.output_type or "JSON")
        if not given.exports:
            return Writer(None, "", *form)
        parameters = self._parameters(given.parameters, "ResultWriter")
        bucket, prefix = parameters.get("Bucket"), parameters.get("Prefix", "")
        if not isinstance(bucket, str) or not bucket or not isinstance(prefix, str):
            shown = Document.of(parameters).text.decode()
            text = f"The ResultWriter parameters '{shown}' name no bucket to write to."
            raise self._refused(text, "ResultWriter")
        return Writer(bucket, prefix, *form)

    def selecting(self) -> dict[str, Any] | None:
        """What ItemSelector reads besides the item, and no more of it."""
        template = self._state.item_selector
        if template is None:
            return None
        scope, readers = self._visit.scope, template.paths
        found: dict[str, Any] = {}
        if any(reader.reads_input for reader in readers):
            raw = self._visit.frame.input
            found["input"] = (raw if self._is_jsonata else self._effective).value
        context = {
            part: value
            for part, value in scope.context.items()
            if part != "Map" and any(reader.reads_context(part) for reader in readers)
        }
        if self._is_jsonata:
            context["State"] = scope.context["State"]  # $now() is when the state was entered
        about = context.get("Execution", {})
        if "Input" in about and not any(r.reads_context("Execution", "Input") for r in readers):
            context["Execution"] = {name: about[name] for name in about if name != "Input"}
        if context:
            found["context"] = context
        names = sorted(frozenset().union(*(reader.variables for reader in readers)))
        if names:
            held = scope.variables
            found["variables"] = {name: held[name] for name in names if name in held}
        return found

    def _whole(self, given: Number, field: str) -> int | None:
        return whole_number(given, field, self._effective, self._visit)

    def _parameters(self, template: Template | None, field: str) -> dict[str, Any]:
        found = {} if template is None else self._filled(template)
        if not isinstance(found, dict):
            shown = Document.of(found).text.decode()
            raise self._refused(f"The {field} parameters '{shown}' are no object.", field)
        return found

    def _filled(self, template: Template) -> Any:
        data = (
            dataflow.states(self._visit.frame.input) if self._is_jsonata else self._effective.value
        )
        return template.evaluate(data, self._visit.scope)

    def _refused(self, text: str, field: str) -> ExpressionError:
        if self._is_jsonata:
            return ExpressionError(text, QUERY_EVALUATION_ERROR, field)
        return ExpressionError(text)
