"""What becomes of a mocked error: the state's Retry, else its Catch, else the state fails. Causes are bare."""

from __future__ import annotations

import pytest

from engine.documents import Document
from engine.tasks.runner import Failed, Succeeded
from tests.core.onestate.asked import DONE, ask, failing, made, mocked, seen

TASK = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "End": True}
RETRY = [
    {"ErrorEquals": ["Other"]},
    {"ErrorEquals": ["Busy"], "IntervalSeconds": 3, "BackoffRate": 2, "MaxAttempts": 2},
]
CATCH = [{"ErrorEquals": ["Other"], "Next": "X"}, {"ErrorEquals": ["States.ALL"], "Next": "Mend"}]


async def test_an_error_that_nobody_takes_fails_the_state():
    answer = await ask(TASK, mock=failing("Busy", "no room"))
    assert (answer.status, answer.error, answer.cause) == ("FAILED", "Busy", "no room")
    assert (answer.output, answer.next) == (None, None)
    assert "errorDetails" not in seen(answer)


@pytest.mark.parametrize(("retries", "seconds"), [(None, 3), (1, 6)])
async def test_a_retrier_that_names_the_error_tells_when_it_tries_again(retries, seconds):
    answer = await ask(TASK | {"Retry": RETRY}, mock=failing("Busy"), retries=retries)
    assert answer.status == "RETRIABLE"
    assert seen(answer)["errorDetails"] == {
        "retryIndex": 1,
        "retryBackoffIntervalSeconds": seconds,
    }


async def test_a_used_up_retrier_leaves_the_error_to_a_catcher():
    state = TASK | {"Retry": RETRY, "Catch": CATCH}
    answer = await ask(state, {"a": 1}, mock=failing("Busy", "no room"), retries=2)
    assert (answer.status, answer.next) == ("CAUGHT_ERROR", "Mend")
    assert (answer.error, answer.cause) == ("Busy", "no room")
    assert made(answer) == {"Error": "Busy", "Cause": "no room"}
    assert seen(answer)["errorDetails"] == {"retryIndex": 1, "catchIndex": 1}


async def test_the_retrier_is_named_also_where_the_state_fails():
    answer = await ask(TASK | {"Retry": RETRY}, mock=failing("Busy"), retries=2)
    assert (answer.status, seen(answer)["errorDetails"]) == ("FAILED", {"retryIndex": 1})


async def test_states_runtime_is_caught_by_nobody():
    state = TASK | {"Catch": CATCH, "InputPath": "$.none"}
    answer = await ask(state, mock=mocked({}))
    assert (answer.status, answer.error) == ("FAILED", "States.Runtime")
    assert answer.cause == "Invalid path '$.none' : No results for path: $['none']"


async def test_a_jsonata_error_is_retried_as_any_other():
    state = TASK | {
        "QueryLanguage": "JSONata",
        "Arguments": "{% $states.input.none %}",
        "Retry": [{"ErrorEquals": ["States.QueryEvaluationError"]}],
    }
    answer = await ask(state, mock=mocked({}))
    assert (answer.status, answer.error) == ("RETRIABLE", "States.QueryEvaluationError")


async def test_a_catcher_whose_output_fails_is_the_last_word():
    broken = {"ErrorEquals": ["Busy"], "Output": "{% $states.input.none %}", "Next": "Mend"}
    state = TASK | {"QueryLanguage": "JSONata", "Catch": [broken]}
    answer = await ask(state, mock=failing("Busy"))
    assert (answer.status, answer.error) == ("FAILED", "States.QueryEvaluationError")
    assert answer.cause is not None
    assert "Catch[0]/Output" in answer.cause


async def test_a_fail_state_fails_as_it_says():
    answer = await ask({"Type": "Fail", "Error": "Broken", "Cause": "why"})
    assert (answer.status, answer.error, answer.cause) == ("FAILED", "Broken", "why")


async def test_a_parallel_takes_an_error_of_its_branches():
    state = {"Type": "Parallel", "Branches": [DONE], "Catch": CATCH, "End": True}
    answer = await ask(state, mock=failing("Busy"), caused_by="In")
    assert (answer.status, answer.next) == ("CAUGHT_ERROR", "Mend")


async def test_a_result_that_is_too_large_fails_the_state():
    answer = await ask(TASK, mock=mocked({"MessageId": "m" * 300_000}, validation="NONE"))
    assert (answer.status, answer.error) == ("FAILED", "States.DataLimitExceeded")


class Scripted:
    """A runner that gives one answer."""

    def __init__(self, answer):
        self.answer = answer
        self.inputs = []

    async def perform(self, task, *, callback=False, timeout_seconds=None):
        self.inputs.append(task.input.value)
        return self.answer


async def test_a_task_that_is_not_mocked_is_performed():
    runner = Scripted(Succeeded(Document.of({"ok": True})))
    state = {"Type": "Task", "Resource": "https://example.test/", "End": True}
    answer = await ask(state, {"a": 1}, runners={"@http": runner}, role="arn:aws:iam::1:role/r")
    assert (made(answer), runner.inputs) == ({"ok": True}, [{"a": 1}])


async def test_a_failure_of_a_performed_task_is_caught():
    runner = Scripted(Failed("Busy", "no room", transport=False))
    state = {"Type": "Task", "Resource": "https://example.test/", "Catch": CATCH, "End": True}
    answer = await ask(state, runners={"@http": runner}, role="arn:aws:iam::1:role/r")
    assert (answer.status, answer.cause) == ("CAUGHT_ERROR", "no room")
