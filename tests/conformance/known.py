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

_EARLIER_READERS = (
    "base_csv_headers_decl",
    "base_csv_headers_first_line",
    "base_json",
    "base_json_max_items",
    "csv_first_row_extra_fields",
    "csv_headers_decl_extra_fields",
    "csv_headers_first_row_typed_headers",
    "csv_max_items_0",
    "csv_max_items_2",
    "csv_max_items_100000000",
    "csv_max_items_paths_0",
    "csv_max_items_paths_2",
    "csv_max_items_paths_100000000",
    "csv_max_items_paths_100000001",
)
_BEFORE_NOVEMBER = "recorded before November 2024; since then MapStateExited follows MapRunStarted"

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
            _BEFORE_NOVEMBER,
        ),
    ),
}

_BEFORE_ENCRYPTION = (
    "api-core/test_sfn_api.test_create_duplicate_definition_format_sm",
    "api-core/test_sfn_api.test_create_duplicate_sm_name",
    "api-core/test_sfn_api.test_create_exact_duplicate_sm",
    "api-core/test_sfn_api.test_create_update_state_machine_base_definition",
    "api-core/test_sfn_api.test_create_update_state_machine_base_definition_and_role",
    "api-core/test_sfn_api.test_create_update_state_machine_base_role_arn",
    "api-core/test_sfn_api.test_create_update_state_machine_base_update_none",
    "api-core/test_sfn_api.test_describe_state_machine_for_execution",
    "api-express/test_sfn_api_express.test_create_describe_delete",
    "api-versions/test_sfn_api_versioning.test_create_publish_describe_with_version_description",
    "api-versions/test_sfn_api_versioning.test_describe_state_machine_for_execution_of_version",
    "api-versions/test_sfn_api_versioning.test_describe_state_machine_for_execution_of_version_with_revision",
    "api-versions/test_sfn_api_versioning.test_list_delete_version",
)

OVER_THE_WIRE: Known = {
    **REHEARSED,
    **dict.fromkeys(
        _BEFORE_ENCRYPTION,
        (
            {"events"},
            "recorded before November 2024; since then AWS shows the encryptionConfiguration of a state machine",
        ),
    ),
    **dict.fromkeys(
        (
            f"itemreader-s3/test_base_scenarios.test_map_item_reader_{name}"
            for name in _EARLIER_READERS
        ),
        ({"events"}, _BEFORE_NOVEMBER),
    ),
    "itemreader-s3/test_sfn_api_map_run.test_list_map_runs_and_describe_map_run": (
        {"events"},
        "recorded before Map Runs could be redriven; since then AWS counts what a redrive would do as well",
    ),
    "express/test_express_async.test_query_runtime_memory": (
        {"result"},
        "recorded of an asynchronous execution and played as a synchronous one, whose Context Object has no RedriveCount",
    ),
}
