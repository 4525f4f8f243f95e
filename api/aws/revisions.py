"""Revisions of state machines as the protocol shows them. Pure: values in, members of an answer out."""

from __future__ import annotations

import json
from typing import Any

from engine.commands.state_machines import Attributes, Revision
from engine.language.machine import Machine
from engine.language.text import read_source

ENCRYPTED = "{}"  # the definition, for a caller who asks for metadata only; as AWS


def described(revision: Revision, machine: Machine, *, metadata_only: bool) -> dict[str, Any]:
    """What DescribeStateMachine and DescribeStateMachineForExecution have in common."""
    attributes = revision.attributes
    members: dict[str, Any] = {
        "definition": ENCRYPTED if metadata_only else definition(revision),
        "roleArn": attributes.role,
        "loggingConfiguration": attributes.logging,
        "tracingConfiguration": attributes.tracing,
        "encryptionConfiguration": attributes.encryption,
    }
    if revision.id:
        members["revisionId"] = revision.id
    if machine.variable_references and not metadata_only:
        members["variableReferences"] = machine.variable_references
    return members


def definition(revision: Revision) -> str:
    """The text as it was published; of one that was written in YAML the same in JSON, which is all that clients read."""
    if revision.format == "json":
        return revision.text
    return json.dumps(read_source(revision.text, "yaml").value, ensure_ascii=False, indent=2)


def attributes(given: dict[str, Any]) -> Attributes:
    """What a request says besides the text."""
    return Attributes(
        given.get("roleArn", ""),
        given.get("loggingConfiguration"),
        given.get("tracingConfiguration"),
        given.get("encryptionConfiguration"),
    )
