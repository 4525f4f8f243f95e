"""Distributed Maps that AWS Step Functions refuses, in its codes, words and places, and those that it accepts.

A row is as in `general`. Where AWS's words are not on record they are ours, under its code.
"""

from __future__ import annotations

from typing import Any

from tests.language.refusals.general import DONE, Row, failed, only

PLACE = "/States/S"
READER = f"{PLACE}/ItemReader"
CONFIG = f"{READER}/ReaderConfig"
BATCHER = f"{PLACE}/ItemBatcher"
WRITER = f"{PLACE}/ResultWriter"
GET, LIST = "arn:aws:states:::s3:getObject", "arn:aws:states:::s3:listObjectsV2"
FILE = {"Bucket": "b", "Key.$": "$.key"}
STANDARD = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}


def processor(config: Any = STANDARD, *, inner: str = "Each") -> dict[str, Any]:
    return {"ProcessorConfig": config, "StartAt": inner, "States": {inner: DONE}}


def machine(config: Any = STANDARD, **fields: Any) -> dict[str, Any]:
    """One Map."""
    state = {"Type": "Map", "ItemProcessor": processor(config), "End": True, **fields}
    return {"StartAt": "S", "States": {"S": state}}


def in_jsonata(**fields: Any) -> dict[str, Any]:
    return {"QueryLanguage": "JSONata"} | machine(**fields)


def reading(config: Any, resource: str = GET, **fields: Any) -> dict[str, Any]:
    """A Map that reads a file, or a listing."""
    given = FILE if resource == GET else {"Bucket": "b"}
    reader = {"Resource": resource, "ReaderConfig": config, "Parameters": given, **fields}
    return machine(ItemReader=reader)


def listing(config: Any) -> dict[str, Any]:
    return reading(config, LIST)


def two(first: Any, second: Any) -> dict[str, Any]:
    """Two Maps, one after the other."""
    a = {"Type": "Map", "ItemProcessor": processor(inner="A"), "Label": first, "Next": "T"}
    b = {"Type": "Map", "ItemProcessor": processor(inner="B"), "Label": second, "End": True}
    return {"StartAt": "S", "States": {"S": a, "T": b}}


def unknown(field: str, place: str) -> list[str]:
    return [failed(f"Field '{field}' is not supported", place)]


def absent(field: str, place: str) -> list[str]:
    return [failed(f"The field '{field}' is required but was missing", place)]


def values(field: str, *allowed: str) -> str:
    return f"The field '{field}' should have one of these values: [{', '.join(allowed)}]"


def both(*names: str) -> str:
    return f"There should only be one of the following fields: [{', '.join(names)}]"


PROCESSORS = f"{PLACE}/ItemProcessor/ProcessorConfig"
EXAMPLES = (
    "Examples: [arn:<partition>:states:::s3:getObject, arn:<partition>:states:::s3:listObjectsV2]"
)
NO_RESOURCE = "The field 'Resource' does not match any of the allowed values."
FORMATS = ("MANIFEST", "JSON", "CSV", "JSONL", "PARQUET")
CSV = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}

MODES: list[Row] = [
    ("no ExecutionType", machine({"Mode": "DISTRIBUTED"}), [failed("These fields are required: [ExecutionType]", PROCESSORS)]),
    ("unknown ExecutionType", machine({"Mode": "DISTRIBUTED", "ExecutionType": "FAST"}),
     [failed("Value should be one of the following: [STANDARD, EXPRESS]", f"{PROCESSORS}/ExecutionType")]),
    ("ExecutionType of an inline Map", machine({"Mode": "INLINE", "ExecutionType": "STANDARD"}), unknown("ExecutionType", PROCESSORS)),
    ("ExecutionType without a Mode", machine({"ExecutionType": "STANDARD"}), unknown("ExecutionType", PROCESSORS)),
    ("unknown Mode", machine({"Mode": "distributed"}),
     [failed("Value should be one of the following: [INLINE, DISTRIBUTED]", f"{PROCESSORS}/Mode")]),
    ("unknown field of ProcessorConfig", machine(STANDARD | {"Speed": 1}), unknown("Speed", PROCESSORS)),
    *[(f"{field} of an inline Map", machine({}, **{field: value}), unknown(field, PLACE))
      for field, value in {"ItemReader": {"Resource": LIST}, "ItemBatcher": {"MaxItemsPerBatch": 1}, "ResultWriter": {}, "Label": "x"}.items()
      if field != "ResultWriter"],
]  # fmt: skip

LABELS: list[Row] = [
    *[(f"label {label!r}", machine(Label=label), [f"INVALID_LABEL_NAME: Invalid Label name: {label} at {PLACE}/Label"])
      for label in ("", "x" * 41, "a b", "a\tb", "a\x9fb", *(f"a{each}" for each in '<>{}[]?*"#%\\^|~`$&,;:/'))],
    ("label that is a number", machine(Label=5), [failed("Expected value of type String", f"{PLACE}/Label")]),
    ("a label twice", two("x", "x"), ["DUPLICATE_LABEL_NAME: Duplicate Label name: x at /States/T/Label"]),
]  # fmt: skip

READERS: list[Row] = [
    ("no Resource", machine(ItemReader={"ReaderConfig": CSV, "Parameters": FILE}),
     [failed("These fields are required: [Resource]", READER)]),
    ("another Resource", reading({"InputType": "JSON"}, "arn:aws:states:::s3:putObject"),
     [failed(f"{NO_RESOURCE} {EXAMPLES}", f"{READER}/Resource")]),
    ("no ReaderConfig", machine(ItemReader={"Resource": GET, "Parameters": FILE}),
     [failed("These fields are required: [ReaderConfig]", READER)]),
    ("no Parameters", machine(ItemReader={"Resource": GET, "ReaderConfig": {"InputType": "JSON"}}),
     [failed("These fields are required: [Parameters]", READER)]),
    ("no Key", reading({"InputType": "JSON"}, Parameters={"Bucket": "b"}), absent("Key", f"{READER}/Parameters")),
    ("no Bucket", reading({}, LIST, Parameters={"Prefix": "b"}), absent("Bucket", f"{READER}/Parameters")),
    ("no InputType", reading({}), absent("InputType", CONFIG)),
    ("unknown InputType", reading({"InputType": "XML"}), [failed(values("InputType", *FORMATS), f"{CONFIG}/InputType")]),
    ("unknown field", reading({"InputType": "JSON", "Lines": 1}), unknown("Lines", CONFIG)),
    ("inventory with InputType", reading({"ManifestType": "S3_INVENTORY", "InputType": "CSV"}), unknown("InputType", CONFIG)),
    ("Athena's files in JSON", reading({"ManifestType": "ATHENA_DATA", "InputType": "JSON"}),
     [failed(values("InputType", "CSV", "JSONL", "PARQUET"), f"{CONFIG}/InputType")]),
    ("Athena's files of no format", reading({"ManifestType": "ATHENA_DATA"}), absent("InputType", CONFIG)),
    ("objects of no format", listing({"Transformation": "LOAD_AND_FLATTEN"}), absent("InputType", CONFIG)),
    ("listing with InputType", listing({"InputType": "JSON"}), unknown("InputType", CONFIG)),
    ("listing with NONE and InputType", listing({"Transformation": "NONE", "InputType": "JSON"}), unknown("InputType", CONFIG)),
    ("listing with a manifest", listing({"ManifestType": "S3_INVENTORY"}), unknown("ManifestType", CONFIG)),
    ("file that is flattened", reading({"InputType": "JSON", "Transformation": "LOAD_AND_FLATTEN"}), unknown("Transformation", CONFIG)),
    ("objects that are a manifest", listing({"Transformation": "LOAD_AND_FLATTEN", "InputType": "MANIFEST"}),
     [failed(values("InputType", "JSON", "CSV", "JSONL", "PARQUET"), f"{CONFIG}/InputType")]),
    ("ItemsPointer of CSV", reading(CSV | {"ItemsPointer": "/a"}), unknown("ItemsPointer", CONFIG)),
    *[(f"ItemsPointer {pointer[:9]!r}", reading({"InputType": "JSON", "ItemsPointer": pointer}),
       [failed(f"{told} is no JSON pointer of up to 2,000 characters", f"{CONFIG}/ItemsPointer")])
      for pointer, told in (("data/items", "'data/items'"), ("/a~b", "'/a~b'"), ("/" + "x" * 2000, "'/" + "x" * 58 + "…'"))],
    ("headers of JSON", reading({"InputType": "JSON", "CSVHeaderLocation": "FIRST_ROW"}), unknown("CSVHeaderLocation", CONFIG)),
    ("given headers of JSONL", reading({"InputType": "JSONL", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["id"]}),
     unknown("CSVHeaderLocation", CONFIG) + unknown("CSVHeaders", CONFIG)),
    ("delimiter of Parquet", reading({"InputType": "PARQUET", "CSVDelimiter": "TAB"}), unknown("CSVDelimiter", CONFIG)),
    ("GIVEN without headers", reading({"InputType": "CSV", "CSVHeaderLocation": "GIVEN"}),
     [failed("These fields are required: [CSVHeaders]", CONFIG)]),
    ("CSV without a header location", reading({"InputType": "CSV"}), absent("CSVHeaderLocation", CONFIG)),
    ("no headers at all", reading({"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": []}),
     [failed("Value cannot be empty", f"{CONFIG}/CSVHeaders")]),
    ("two limits", reading({"InputType": "JSON", "MaxItems": 1, "MaxItemsPath": "$.a"}), [failed(both("MaxItems", "MaxItemsPath"), CONFIG)]),
    ("negative limit", reading({"InputType": "JSON", "MaxItems": -1}), [failed("Minimum value is 0", f"{CONFIG}/MaxItems")]),
    ("limit too large", reading({"InputType": "JSON", "MaxItems": 100_000_001}),
     [failed("Maximum value is 100000000", f"{CONFIG}/MaxItems")]),
    ("limit by expression in JSONPath", reading({"InputType": "JSON", "MaxItems": "{% 1 %}"}),
     [failed("Expected value of type Integer", f"{CONFIG}/MaxItems")]),
    ("limit in the Context Object", reading({"InputType": "JSON", "MaxItemsPath": "$$.Execution.Input.n"}),
     [failed("Value is not a Reference Path", f"{CONFIG}/MaxItemsPath")]),
]  # fmt: skip

NUMBERS: list[Row] = [
    ("percentage below 0", machine(ToleratedFailurePercentage=-1), [failed("Minimum value is 0.0", f"{PLACE}/ToleratedFailurePercentage")]),
    ("percentage above 100", machine(ToleratedFailurePercentage=100.5),
     [failed("Maximum value is 100.0", f"{PLACE}/ToleratedFailurePercentage")]),
    ("percentage in quotes", machine(ToleratedFailurePercentage="5"),
     [failed("Expected value of type Integer", f"{PLACE}/ToleratedFailurePercentage")]),
    ("count below 0", machine(ToleratedFailureCount=-1), [failed("Minimum value is 0", f"{PLACE}/ToleratedFailureCount")]),
    ("count and its path", machine(ToleratedFailureCount=1, ToleratedFailureCountPath="$.n"),
     [failed(both("ToleratedFailureCount", "ToleratedFailureCountPath"))]),
    ("count in the Context Object", machine(ToleratedFailureCountPath="$$.Execution.Input.n"),
     [failed("Value is not a Reference Path", f"{PLACE}/ToleratedFailureCountPath")]),
    ("width in the Context Object", machine({}, MaxConcurrencyPath="$$.Execution.Input.n"),
     [failed("Value is not a Reference Path", f"{PLACE}/MaxConcurrencyPath")]),
]  # fmt: skip

BATCHES: list[Row] = [
    ("no size", machine(ItemBatcher={"BatchInput": {}}),
     [failed("One field is required here: MaxItemsPerBatch or MaxInputBytesPerBatch", BATCHER)]),
    ("items and their path", machine(ItemBatcher={"MaxItemsPerBatch": 1, "MaxItemsPerBatchPath": "$.n"}),
     [failed(both("MaxItemsPerBatch", "MaxItemsPerBatchPath"), BATCHER)]),
    ("bytes and their path", machine(ItemBatcher={"MaxInputBytesPerBatch": 1, "MaxInputBytesPerBatchPath": "$.n"}),
     [failed(both("MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath"), BATCHER)]),
    ("negative size", machine(ItemBatcher={"MaxItemsPerBatch": -1}), [failed("Minimum value is 0", f"{BATCHER}/MaxItemsPerBatch")]),
    ("batch too large", machine(ItemBatcher={"MaxInputBytesPerBatch": 262_145}),
     [failed("Maximum value is 262144", f"{BATCHER}/MaxInputBytesPerBatch")]),
    ("unknown field", machine(ItemBatcher={"MaxItemsPerBatch": 1, "Size": 1}), unknown("Size", BATCHER)),
]  # fmt: skip

WRITERS: list[Row] = [
    ("nothing", machine(ResultWriter={}), [failed("Value cannot be empty", WRITER)]),
    ("no Parameters", machine(ResultWriter={"Resource": "arn:aws:states:::s3:putObject"}),
     [failed("These fields are required: [Parameters]", WRITER)]),
    ("no Resource", machine(ResultWriter={"Parameters": {"Bucket": "b"}}), [failed("These fields are required: [Resource]", WRITER)]),
    ("no Bucket", machine(ResultWriter={"Resource": "arn:aws:states:::s3:putObject", "Parameters": {}}),
     absent("Bucket", f"{WRITER}/Parameters")),
    ("another Resource", machine(ResultWriter={"Resource": GET, "Parameters": {"Bucket": "b"}}),
     [failed(f"{NO_RESOURCE} Examples: [arn:<partition>:states:::s3:putObject]", f"{WRITER}/Resource")]),
    ("unknown form", machine(ResultWriter={"WriterConfig": {"OutputType": "CSV"}}),
     [failed(values("OutputType", "JSON", "JSONL"), f"{WRITER}/WriterConfig/OutputType")]),
]  # fmt: skip

IN_JSONATA: list[Row] = [
    ("Parameters of a reader", in_jsonata(ItemReader={"Resource": LIST, "Parameters": {"Bucket": "b"}}),
     [failed(only("JSONata", "Parameters"), READER)]),
    ("Arguments in JSONPath", reading({}, LIST, Arguments={"Bucket": "b"}), [failed(only("JSONPath", "Arguments"), READER)]),
    ("MaxItemsPath", in_jsonata(ItemReader={
        "Resource": LIST, "ReaderConfig": {"MaxItemsPath": "$.n"}, "Arguments": {"Bucket": "b"}}),
     [failed(only("JSONata", "MaxItemsPath"), CONFIG)]),
    ("MaxItemsPerBatchPath", in_jsonata(ItemBatcher={"MaxItemsPerBatchPath": "$.n"}),
     [failed(only("JSONata", "MaxItemsPerBatchPath"), BATCHER)]),
    ("Parameters of a writer", in_jsonata(ResultWriter={
        "Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}}), [failed(only("JSONata", "Parameters"), WRITER)]),
    ("an object inline", in_jsonata(ItemProcessor=processor({}), Items={"a": 1}),
     [failed("Expected value of type Array", f"{PLACE}/Items")]),
]  # fmt: skip

REFUSALS = [*MODES, *LABELS, *READERS, *NUMBERS, *BATCHES, *WRITERS, *IN_JSONATA]

ACCEPTED = {
    "a Map and nothing else": machine(),
    "children that are Express": machine({"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}),
    "a label": machine(Label="Räume-1_a.b"),
    "a label of 40 characters": machine(Label="x" * 40),
    "two labels": two("x", "X"),
    "a file in JSON": reading({"InputType": "JSON", "ItemsPointer": "/a/~0b", "MaxItems": 0}),
    "a file in JSON, whole": reading({"InputType": "JSON", "ItemsPointer": ""}),
    "a file in CSV": reading(CSV | {"CSVDelimiter": "TAB", "MaxItemsPath": "$n"}),
    "headers that repeat, which fail the state": reading({"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a", "a"]}),
    "Parquet with a version, which fails the state": reading({"InputType": "PARQUET"}, Parameters=FILE | {"VersionId": "1"}),
    "an inventory": reading({"ManifestType": "S3_INVENTORY"}),
    "an inventory, the older way": reading({"InputType": "MANIFEST"}),
    "what Athena wrote": reading({"ManifestType": "ATHENA_DATA", "InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}),
    "a listing": machine(ItemReader={"Resource": LIST, "Parameters": {"Bucket.$": "$.b"}}),
    "a listing in another partition": machine(ItemReader={"Resource": "arn:aws-cn:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b"}}),
    "a listing with an empty ReaderConfig": listing({}),
    "objects that are opened": listing({"Transformation": "LOAD_AND_FLATTEN", "InputType": "JSONL"}),
    "batches": machine(ItemBatcher={"MaxItemsPerBatch": 5, "MaxInputBytesPerBatch": 262_144, "BatchInput": {"a.$": "$.a"}}),
    "results elsewhere": machine(ResultWriter={"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "p"}}),
    "results in another form": machine(ResultWriter={"WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSONL"}}),
    "tolerance": machine(ToleratedFailureCount=3, ToleratedFailurePercentage=0.5),
    "tolerance by path": machine(ToleratedFailureCountPath="$.n", ToleratedFailurePercentagePath="$p"),
    "tolerance of an inline Map": machine({}, ToleratedFailureCount=3),
    "everything by expression": in_jsonata(
        ItemReader={"Resource": GET, "ReaderConfig": {"InputType": "JSON", "MaxItems": "{% 2 %}"}, "Arguments": "{% $states.input %}"},
        ItemBatcher={"MaxItemsPerBatch": "{% 2 %}", "BatchInput": "{% $states.input %}"},
        ResultWriter={"Resource": "arn:aws:states:::s3:putObject", "Arguments": {"Bucket": "{% 'b' %}"}},
        ToleratedFailurePercentage="{% 5 %}",
    ),
}  # fmt: skip
