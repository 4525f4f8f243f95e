"""What the shared recordings show and Detent does not: by column, each with its reason.

A case over the wire that is listed and passes fails its test, so that the list only shrinks.
"""

from __future__ import annotations

Known = dict[str, tuple[set[str], str]]

EXTENDED_INPUT = "retry-catch/test_base_scenarios.test_lambda_invoke_with_retry_extended_input"
CONCURRENCY_PATH = (
    "assign-variables/test_assign_reference_variables."
    "test_reference_in_map_state_MAP_STATE_REFERENCE_IN_MAX_CONCURRENCY_PATH"
)

REHEARSED: Known = {
    EXTENDED_INPUT: ({"events"}, "it was recorded before Execution.RedriveCount was there"),
    CONCURRENCY_PATH: (
        {"events"},
        "the recording lost the quotes of three outputs, which AWS always gives as text",
    ),
}

OVER_THE_WIRE: Known = dict(REHEARSED)
