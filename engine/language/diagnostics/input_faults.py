"""Why a text is no input for an execution, in the words of AWS Step Functions (measured)."""

from __future__ import annotations

from engine.language.diagnostics.json_faults import text_diagnostic
from engine.language.text import read_source

UNSPECIFIC = "Invalid execution input."


def input_fault(text: str) -> str:
    """What is wrong with a text that is not JSON, without the place."""
    source = read_source(text, "json")
    findings = [f for f in source.findings if f.code == "invalid_json"]
    told = (text_diagnostic(finding, source) for finding in findings)
    first = next((each for each in told if each is not None), None)
    return UNSPECIFIC if first is None else first.message.partition("\n")[0]
