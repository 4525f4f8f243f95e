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

_EARLIER_MAPS = (
    "config_distributed_parameters",
    "config_distributed_reentrant",
    "config_distributed_reentrant_lambda",
    "legacy_config_distributed_item_selector",
    "legacy_config_distributed_parameters",
    "tolerated_failure_count_path_0",
    "tolerated_failure_count_path_1",
    "tolerated_failure_values_count_literal",
    "tolerated_failure_values_percentage_literal",
)

REHEARSED: Known = {
    EXTENDED_INPUT: ({"events"}, "it was recorded before Execution.RedriveCount was there"),
    CONCURRENCY_PATH: (
        {"events"},
        "the recording lost the quotes of three outputs, which AWS always gives as text",
    ),
    **dict.fromkeys(
        (f"map-distributed/test_base_scenarios.test_map_state_{name}" for name in _EARLIER_MAPS),
        (
            {"events"},
            "recorded before November 2024; since then MapStateExited follows MapRunStarted",
        ),
    ),
}

OVER_THE_WIRE: Known = dict(REHEARSED)
