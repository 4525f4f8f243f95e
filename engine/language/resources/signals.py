"""What the Parameters of a state that waits for a signal say about its payload."""

from __future__ import annotations

from engine.language.fields import Fields
from engine.language.schema.payload import InvalidSchema, SignalSchema, compile_schema

_FIELD = "Schema"


def taken_schema(fields: Fields) -> SignalSchema | None:
    """The Schema in the Parameters (Arguments in JSONata) of a state that waits for a signal.

    It is taken out of them: it is the same each time, so that no record needs to hold it. What is wrong with it is reported.
    """
    name = "Arguments" if fields.node.jsonata else "Parameters"
    given = fields.written.get(name)
    waits = (fields.text("Resource") or "").startswith("signal:")
    if not waits or not isinstance(given, dict):
        return None
    here = (*fields.node.path, name)
    if f"{_FIELD}.$" in given and not fields.node.jsonata:
        message = "A Schema is written out: it is the same for every execution."
        hint = "Write Schema: with the JSON Schema itself."
        fields.report.add("invalid_schema", (*here, f"{_FIELD}.$"), message, hint, key=True)
        return None
    if _FIELD not in given:
        return None
    rest = {key: value for key, value in given.items() if key != _FIELD}
    fields.written = {**fields.written, name: rest}
    try:
        return compile_schema(given[_FIELD])
    except InvalidSchema as error:
        for path, message in error.faults:
            fields.report.add("invalid_schema", (*here, _FIELD, *path), message, _HINT)
        return None


_HINT = "Parameters.Schema is a JSON Schema, draft 2020-12, of the signal's payload."
