"""Rules about ItemReader: which fields of ReaderConfig go together, and what its call needs.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from engine.language.diagnostics.diagnostic import Diagnostic, required, schema_failed
from engine.language.document import Node
from engine.language.report import Report
from engine.language.schema import maps
from engine.language.text.source import Path, shown

_RESOURCE = re.compile(r"arn:aws[a-z-]*:states:::s3:(getObject|listObjectsV2)")
_RESOURCES = (
    "Examples: [arn:<partition>:states:::s3:getObject, arn:<partition>:states:::s3:listObjectsV2]"
)
POINTER_CHARACTERS_MAX = 2_000
_CALLS = {"getObject": ("Bucket", "Key"), "listObjectsV2": ("Bucket",)}
_CSV_FIELDS = ("CSVHeaderLocation", "CSVHeaders", "CSVDelimiter")
_IN_MANIFEST = ("CSV", "JSONL", "PARQUET")  # the formats of files that Athena writes
_IN_LISTING = ("JSON", "CSV", "JSONL", "PARQUET")


def check_reader(node: Node, report: Report) -> None:
    """Report an unknown Resource, fields of ReaderConfig that do not go together, and what the call lacks."""
    reader = maps.part(node, "ItemReader")
    resource = reader.fields.get("Resource") if reader is not None else None
    if reader is None or not isinstance(resource, str):
        return
    found = _RESOURCE.fullmatch(resource)
    if found is None:
        here = (*reader.path, "Resource")
        message = f"Items are not read by {shown(resource, 120)}."
        hint = "Write arn:aws:states:::s3:getObject or arn:aws:states:::s3:listObjectsV2."
        told = f"The field 'Resource' does not match any of the allowed values. {_RESOURCES}"
        report.add("not_allowed", here, message, hint, aws=schema_failed(told, here))
        return
    check_call(reader, _CALLS[found[1]], node, report, needed=True)
    _check_config(reader, found[1], report)


def check_call(
    holder: maps.Part, names: tuple[str, ...], node: Node, report: Report, *, needed: bool = False
) -> None:
    """Report what is missing in the Parameters, or in JSONata the Arguments, of a call to S3."""
    call, other = call_names(node)
    if call not in holder.fields:
        if needed and other not in holder.fields:  # that one is refused for its language
            aws = required([call], holder.path)
            message = f"The field {call} is required here: it says what to read."
            report.add("missing_field", holder.path, message, f"Add {call}.", key=True, aws=aws)
        return
    given, here = holder.fields[call], (*holder.path, call)
    for name in names if isinstance(given, dict) else ():
        if name not in given and (node.jsonata or f"{name}.$" not in given):
            aws = schema_failed(f"The field '{name}' is required but was missing", here)
            message = f"The field {name} is required here."
            report.add("missing_field", here, message, f"Add {name}.", key=True, aws=aws)


def call_names(node: Node) -> tuple[str, str]:
    """What a call's parameters are named in the state's query language, and in the other."""
    return ("Arguments", "Parameters") if node.jsonata else ("Parameters", "Arguments")


def _check_config(reader: maps.Part, action: str, report: Report) -> None:
    written = reader.fields.get("ReaderConfig", {})
    if not isinstance(written, dict):
        return
    path = (*reader.path, "ReaderConfig")
    if "ReaderConfig" not in reader.fields:
        if action == "getObject":
            message = "The field ReaderConfig is required here: it says what the file is like."
            aws = required(["ReaderConfig"], reader.path)
            report.add(
                "missing_field", reader.path, message, "Add ReaderConfig.", key=True, aws=aws
            )
        return
    config = _Config(path, written, report)
    (config.check_file if action == "getObject" else config.check_listing)()
    config.check_csv()
    config.check_pointer()


@dataclass(frozen=True, slots=True)
class _Config:
    path: Path
    written: dict[str, Any]
    report: Report

    @property
    def format(self) -> Any:
        return self.written.get("InputType")

    @property
    def is_inventory(self) -> bool:
        """The files of an inventory are found in it, and are CSV."""
        return self.written.get("ManifestType") == "S3_INVENTORY"

    def check_file(self) -> None:
        """The items are in one file, or in those that a manifest lists."""
        if self.written.get("Transformation") == "LOAD_AND_FLATTEN":
            self.misplaced("Transformation", "only a listing of objects is flattened")
        if self.is_inventory:
            if "InputType" in self.written:
                self.misplaced("InputType", "an S3 inventory says itself what its files are")
        elif "InputType" not in self.written:
            self.absent("InputType", "it says what the file is")
        elif self.written.get("ManifestType") == "ATHENA_DATA":
            self.one_of(_IN_MANIFEST, "the files that Athena lists")

    def check_listing(self) -> None:
        """The items are the objects themselves, or what is in them."""
        if "ManifestType" in self.written:
            self.misplaced("ManifestType", "a listing is no manifest")
        if self.written.get("Transformation") != "LOAD_AND_FLATTEN":
            if "InputType" in self.written:
                self.misplaced("InputType", "without LOAD_AND_FLATTEN no object is opened")
        elif "InputType" not in self.written:
            self.absent("InputType", "it says what the objects are")
        else:
            self.one_of(_IN_LISTING, "the objects of a listing")

    def check_csv(self) -> None:
        takes_csv = self.format in ("CSV", "MANIFEST") or self.is_inventory
        for name in () if takes_csv else _CSV_FIELDS:
            if name in self.written:
                self.misplaced(name, "the input is not CSV")
        if not takes_csv:
            return
        location = self.written.get("CSVHeaderLocation")
        if location == "GIVEN" and "CSVHeaders" not in self.written:
            self.absent("CSVHeaders", "CSVHeaderLocation is GIVEN", listed=True)
        needs_location = self.format == "CSV" and "ManifestType" not in self.written
        if needs_location and "CSVHeaderLocation" not in self.written:
            self.absent("CSVHeaderLocation", "it says where the names of the columns are")

    def check_pointer(self) -> None:
        pointer = self.written.get("ItemsPointer")
        here = (*self.path, "ItemsPointer")
        if "ItemsPointer" in self.written and self.format != "JSON":
            self.misplaced("ItemsPointer", "the input is not JSON")
        elif isinstance(pointer, str) and not _is_pointer(pointer):
            message = f"{shown(pointer)} is no JSON pointer of up to {POINTER_CHARACTERS_MAX:,} characters."
            self.report.add("invalid_reader", here, message, "Write it like /data/items.")

    def misplaced(self, name: str, reason: str) -> None:
        """AWS takes such a field for unknown (measured for CSVHeaderLocation)."""
        message = f"The field {name} does not go with the others here: {reason}."
        aws = schema_failed(f"Field '{name}' is not supported", self.path)
        here = (*self.path, name)
        self.report.add("invalid_reader", here, message, f"Remove {name}.", key=True, aws=aws)

    def absent(self, name: str, reason: str, *, listed: bool = False) -> None:
        """Of its two ways to say so, AWS uses the `listed` one for CSVHeaders (measured)."""
        told = f"The field '{name}' is required but was missing"
        aws: Diagnostic = required([name], self.path) if listed else schema_failed(told, self.path)
        message = f"The field {name} is required here: {reason}."
        self.report.add("missing_field", self.path, message, f"Add {name}.", key=True, aws=aws)

    def one_of(self, formats: tuple[str, ...], what: str) -> None:
        here = (*self.path, "InputType")
        if not isinstance(self.format, str) or self.format in formats or self.report.spoiled(here):
            return
        listed = f"{', '.join(formats[:-1])} or {formats[-1]}"
        message = f"The InputType of {what} is {listed}, not {shown(self.format)}."
        told = f"The field 'InputType' should have one of these values: [{', '.join(formats)}]"
        self.report.add("invalid_reader", here, message, aws=schema_failed(told, here))


def _is_pointer(text: str) -> bool:
    """RFC 6901: every step begins with a slash, and ~ only escapes. "" is the whole file."""
    is_escaped = re.search(r"~(?![01])", text) is None
    return (not text or text[0] == "/") and is_escaped and len(text) < POINTER_CHARACTERS_MAX
