"""The shared recordings of AWS executions, played in the rehearsal: result, cause, event types and exact history."""

from __future__ import annotations

import pytest

from tests.conformance.recorded import cases, out_of_scope, play

# What a recording shows and the core cannot: ARNs and roles are the AWS face's, which the rehearsal has not.
KNOWN = {
    "context-object/test_context_object.test_output_path_a6b92e": {"result", "events"},
    "retry-catch/test_base_scenarios.test_lambda_invoke_with_retry_extended_input": {"events"},
}

CASES = sorted(cases())


@pytest.mark.skipif(not CASES, reason="the shared conformance cases are not there (../shared, DETENT_SHARED)")
def test_the_shared_cases_are_there():
    assert CASES


@pytest.mark.parametrize("name", CASES)
def test_recorded_execution(name):
    case = cases()[name]
    reason = out_of_scope(case)
    if reason is not None:
        pytest.skip(f"not yet: {reason}")
    differences = {
        column: found
        for column, found in play(case).items()
        if found and column not in KNOWN.get(name, ())
    }
    assert not differences
