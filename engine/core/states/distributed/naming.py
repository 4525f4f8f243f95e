"""What a Map Run is called."""

from __future__ import annotations

from engine.arns import place_of
from engine.core.execution import Names
from engine.core.states.distributed.spec import processor_of


def map_run_name(names: Names | None, definition: str, label: str, run: str) -> str:
    """Its ARN where its parent goes by ARNs (`names`), else "DEFINITION~LABEL:RUN"."""
    processor = processor_of(definition, label)
    place = place_of(names)
    return f"{processor}:{run}" if place is None else place.map_run(processor, run)
