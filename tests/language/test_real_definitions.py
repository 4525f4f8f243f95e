"""Definitions that people wrote, and those that AWS ran for the conformance cases: none is refused for a wrong reason."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from language_cases import SHARED, real_definitions

from engine.language import examine
from engine.language.resources import Refused, parse_resource

# What this version leaves out; everything else in these definitions has to be understood.
LEFT_OUT = {
    "unsupported_resource",
    "malformed_resource",
}
# One sample has the text "${...}" where a number of seconds has to stand before it can be deployed.
UNFILLED = "Fill in the placeholder."


def reasons(document) -> set[str]:
    _, problems = examine(json.dumps(document), "json")
    return {p.code for p in problems if p.severity == "error" and p.hint != UNFILLED}


def with_queues(part):
    """The same definition with every Task performed by a queue."""
    if isinstance(part, list):
        return [with_queues(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    return {
        key: "activity:work"
        if key == "Resource" and part.get("Type") == "Task"
        else with_queues(inner)
        for key, inner in part.items()
    }


@pytest.fixture(scope="module")
def definitions():
    found = real_definitions()
    if not found:
        pytest.skip("the shared definitions are not beside the project")
    return found


def test_real_definitions_are_refused_only_for_what_is_left_out(definitions, record_property):
    count = Counter()
    for entry in definitions:
        found = reasons(entry["definition"])
        assert found <= LEFT_OUT, (entry["source"], found)
        count[", ".join(sorted(found)) or "accepted"] += 1
    for reason, number in count.items():
        record_property(reason, number)
    print(dict(count))
    assert sum(count.values()) == len(definitions)
    assert count["accepted"] >= 145


def resources(part):
    """Every Task's Resource."""
    if isinstance(part, list):
        return [uri for inner in part for uri in resources(inner)]
    if not isinstance(part, dict):
        return []
    own = [part["Resource"]] if part.get("Type") == "Task" else []
    return own + [uri for inner in part.values() for uri in resources(inner)]


def test_no_resource_is_refused_that_aws_takes(definitions):
    refused = set()
    for entry in definitions:
        for uri in resources(entry["definition"]):
            try:
                parse_resource(uri)
            except Refused:
                refused.add(uri)
    # Placeholders, and a bare word, are no ARNs for AWS either.
    unexplained = {uri for uri in refused if "${" not in uri}
    assert unexplained <= {"MainSFNActivity"}


def test_with_other_resources_nearly_all_real_definitions_are_accepted(definitions):
    count = Counter()
    for entry in definitions:
        found = reasons(with_queues(entry["definition"]))
        assert found <= LEFT_OUT - {"unsupported_resource", "malformed_resource"}, (
            entry["source"],
            found,
        )
        count["refused" if found else "accepted"] += 1
    assert count["accepted"] >= 171


def conformance_definitions():
    for path in sorted((SHARED / "conformance" / "cases").glob("*/*.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        for holder in (case, *case["inputs"]):
            if isinstance(holder.get("definition"), dict):
                yield path.stem, holder["definition"]


def test_what_aws_ran_is_refused_only_for_what_is_left_out():
    definitions = list(conformance_definitions())
    if not definitions:
        pytest.skip("the shared conformance cases are not beside the project")
    accepted = 0
    for name, document in definitions:
        found = reasons(document)
        accepted += not found
        assert found <= LEFT_OUT, (name, found)
    assert accepted >= 228
