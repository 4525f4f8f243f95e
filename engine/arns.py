"""ARNs: what AWS calls the things that Detent knows by name. Pure.

  state machine   arn:aws:states:REGION:ACCOUNT:stateMachine:DEFINITION[:VERSION or :ALIAS]
  execution       arn:aws:states:REGION:ACCOUNT:execution:DEFINITION:NAME          id "DEFINITION:NAME"
  Express         arn:aws:states:REGION:ACCOUNT:express:DEFINITION:NAME:UUID       id "DEFINITION:NAME:UUID"
  activity        arn:aws:states:REGION:ACCOUNT:activity:NAME                      queue NAME
  Map Run         arn:aws:states:REGION:ACCOUNT:mapRun:DEFINITION/LABEL:UUID
  its children    arn:aws:states:REGION:ACCOUNT:execution:DEFINITION/LABEL:NAME    id "DEFINITION~LABEL:NAME"

Any account and region are understood, and mean the same thing; those of an answer are the request's or the server's. What AWS
writes with a slash has a tilde in Detent's ids: no name can hold either, and a tilde needs no escape in a URL.
"""

from __future__ import annotations

import re

from msgspec import Struct

from engine.core.execution import Names
from engine.core.states.nested import Naming

_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):states:(?P<region>[a-z0-9-]*):(?P<account>[0-9]*):"
    r"(?P<kind>[A-Za-z]+):(?P<rest>.+)",
    re.DOTALL,
)


class NoArn(ValueError):
    """The text is no ARN of the kind that was expected."""


class Place(Struct, frozen=True):
    """Where a caller believes its resources to be. It names nothing; it is only given back."""

    region: str
    account: str
    partition: str = "aws"

    def machine(self, definition: str, qualifier: str | int = "") -> str:
        """`qualifier` is a published version's number, an alias, or ""."""
        suffix = f":{qualifier}" if qualifier != "" else ""
        return self._arn("stateMachine", f"{definition.replace('~', '/')}{suffix}")

    def execution(self, identifier: str) -> str:
        kind = "express" if identifier.count(":") == 2 else "execution"
        return self._arn(kind, identifier.replace("~", "/"))

    def activity(self, name: str) -> str:
        return self._arn("activity", name)

    def map_run(self, processor: str, run: str) -> str:
        """`processor` is "DEFINITION~LABEL"."""
        return self._arn("mapRun", f"{processor.replace('~', '/')}:{run}")

    def names(self, identifier: str, role: str) -> Names:
        """What the Context Object of an execution calls it."""
        definition = identifier.partition(":")[0]
        shown = definition.replace("~", "/")
        return Names(self.execution(identifier), self.machine(definition), shown, role)

    def _arn(self, kind: str, rest: str) -> str:
        return f"arn:{self.partition}:states:{self.region}:{self.account}:{kind}:{rest}"


def naming(names: Names | None) -> Naming:
    """What the answers to an execution call others: by ARNs of its place, or by their ids where it has no ARN."""
    place = place_of(names)
    if place is None:
        return Naming()
    return Naming(place.execution(""), place.machine(""), place.execution("::").removesuffix("::"))


class Origin(Struct, frozen=True):
    """By what a caller who knows executions by ARNs started one. `published` is the number of a published version, or 0."""

    place: Place
    role: str = ""
    published: int = 0
    alias: str = ""

    def names(self, identifier: str) -> Names:
        """What the execution is called."""
        return self.place.names(identifier, self.role)


class Arn(Struct, frozen=True):
    """An ARN of this service, taken apart as far as its kind: `rest` is what follows."""

    place: Place
    kind: str
    rest: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """Raises NoArn."""
        found = _ARN.fullmatch(text)
        if found is None:
            raise NoArn(text)
        place = Place(found["region"], found["account"], found["partition"])
        return cls(place, found["kind"], found["rest"])

    @property
    def identifier(self) -> str:
        """An execution's id, of the ARN of one."""
        return self.rest.replace("/", "~")


def place_of(names: Names | None) -> Place | None:
    """The place that an execution goes by; None for one that goes by no ARN."""
    return None if names is None else Arn.parse(names.execution).place
