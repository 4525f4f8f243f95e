"""ValidateStateMachineDefinition: what is wrong with a definition, without creating anything.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinition.html
"""

from __future__ import annotations

from typing import Any

from api.aws.call import Call, Handler
from api.aws.refusals import diagnostics
from engine.examining import examined

DIAGNOSTICS_MAX = 100  # where nobody asks for fewer; 0 asks for as many


async def validate_state_machine_definition(call: Call) -> dict[str, Any]:
    """Answers for every text; a definition is not OK where it has an error, whether or not that is among those listed."""
    text, kind = (
        call.given["definition"].encode("utf-8", "surrogatepass"),
        call.given.get("type", "STANDARD"),
    )
    _, problems = await examined(text, "json", kind)
    found = diagnostics(problems)
    is_refused = any(each["severity"] == "ERROR" for each in found)
    with_warnings = call.given.get("severity") == "WARNING"
    told = [each for each in found if with_warnings or each["severity"] == "ERROR"]
    most = call.given.get("maxResults") or DIAGNOSTICS_MAX
    return {
        "result": "FAIL" if is_refused else "OK",
        "diagnostics": told[:most],
        "truncated": len(told) > most,
    }


HANDLERS: dict[str, Handler] = {
    "ValidateStateMachineDefinition": validate_state_machine_definition,
}
