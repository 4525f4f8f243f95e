"""ARNs of state machines, taken apart, and what is said where one leads nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from api.aws.arguments import arn
from api.aws.errors import AwsError, validation
from engine.arns import Place
from engine.commands.state_machines.rules import is_number
from engine.errors import DefinitionNotFound


class MachineArn(Struct, frozen=True):
    """`qualifier` is a published version's number, an alias, or ""; `label` that of a distributed Map, or ""."""

    text: str
    place: Place
    definition: str
    label: str = ""
    qualifier: str = ""

    @property
    def number(self) -> str:
        """The number of a published version, or ""."""
        return self.qualifier if is_number(self.qualifier) else ""

    @property
    def alias(self) -> str:
        """What is no number, and so an alias if it is anything, or ""."""
        return "" if is_number(self.qualifier) else self.qualifier


def machine_arn(text: str) -> MachineArn:
    """Raises AwsError InvalidArn."""
    found = arn(text, "stateMachine")
    name, colon, qualifier = found.rest.partition(":")
    definition, slash, label = name.partition("/")
    if (
        ":" in qualifier
        or not definition
        or bool(colon) != bool(qualifier)
        or bool(slash) != bool(label)
    ):
        raise AwsError("InvalidArn", f"Invalid Arn: '{text}'")
    return MachineArn(text, found.place, definition, label, qualifier)


def unlabelled(text: str) -> MachineArn:
    """An ARN for operations that a distributed Map's does not do for. Raises AwsError."""
    found = machine_arn(text)
    if found.label:
        raise validation(
            "API_DOES_NOT_SUPPORT_LABELED_ARNS",
            f"This operation does not take the ARN of a Map state: '{text}'",
        )
    return found


def unqualified(text: str) -> MachineArn:
    """An ARN for operations that are about a whole state machine: one with a qualifier names none. Raises AwsError."""
    found = unlabelled(text)
    if found.qualifier:
        raise no_machine(text)
    return found


def no_machine(text: str) -> AwsError:
    return AwsError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{text}'")


def no_resource(text: str) -> AwsError:
    return AwsError("ResourceNotFound", f"Resource not found: '{text}'", resourceName=text)


@contextmanager
def existing(text: str) -> Iterator[None]:
    """Says StateMachineDoesNotExist of an ARN where the engine finds no definition, or nothing published."""
    try:
        yield
    except DefinitionNotFound:
        raise no_machine(text) from None
