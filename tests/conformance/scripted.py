"""The performers of the recorded cases: Lambda functions, activity workers and callbacks, as answers of a rehearsal.

What each entry of a case means is told in the shared cases' README, section "Case format".
"""

from __future__ import annotations

import json
from typing import Any

from engine.core.effects import ScheduleTask
from engine.core.tokens import task_token
from engine.rehearsal import Answer, Fail, Silence, Submit, Succeed

REQUEST_ID = "00000000-0000-4000-8000-000000000000"


class Performers:
    """Answers the tasks of one recorded execution."""

    def __init__(self, case: dict[str, Any], env: dict[str, str]) -> None:
        self.functions = case.get("handlers") or {}
        self.workers = case.get("workers") or []
        self.activities = {
            env["activity_name:" + name]: name for name in case.get("activities") or []
        }
        self.wants_log = '"LogType' in json.dumps(case["definition"])
        self.calls: dict[str, int] = {}

    def __call__(self, task: ScheduleTask) -> Answer:
        if task.queue in self.activities:
            return self._work(task, self.activities[task.queue])
        return self._invoke(task)

    def _work(self, task: ScheduleTask, activity: str) -> Answer:
        worker = next((each for each in self.workers if each["activity"] == activity), None)
        if worker is None:
            return Silence(taken=False)
        return _script(worker["do"], json.loads(task.input.text), worker.get("worker_name", ""))

    def _invoke(self, task: ScheduleTask) -> Answer:
        service = task.uri.startswith("arn:aws:states:::")
        spec = self.functions.get(task.queue)
        if spec is None:
            return Fail("Lambda.ResourceNotFoundException", _missing(task))
        self.calls[task.queue] = self.calls.get(task.queue, 0) + 1
        if "by_call" in spec:
            spec = spec["by_call"][min(self.calls[task.queue], len(spec["by_call"])) - 1]
        event = json.loads(task.input.text)
        after_ms = int(spec.get("sleep", 0) * 1000)
        if "error" in spec:
            cause = _error_payload(spec["error"], compact=service)
            return Fail(spec["error"].get("errorType"), cause, after_ms)
        output = _payload(spec, event)
        if service:
            output = {
                "ExecutedVersion": "$LATEST",
                "Payload": output,
                "SdkHttpMetadata": {},
                "SdkResponseMetadata": {},
                "StatusCode": 200,
            }
            if self.wants_log:
                output["LogResult"] = "U1RBUlQKRU5ECg=="
        if task.callback:
            token = task_token("", task.frame, task.revision, task.token).rpartition(".")[2]
            given = event.get("TaskToken", "") if isinstance(event, dict) else ""
            called_back = "then" in spec and given.endswith("." + token)
            then = _script(spec["then"], event) if called_back else Silence()
            assert not isinstance(then, Submit)
            beats = tuple(after_ms + beat for beat in then.beats_ms)
            return Submit(output, then, after_ms, beats_ms=beats)
        return Succeed(output, after_ms)


def _script(steps: list[dict[str, Any]], event: Any, worker: str = "") -> Answer:
    """What a worker or a function's callback does, as one answer."""
    at_ms = 0
    beats: list[int] = []
    for step in steps:
        given = {**step, **step.get("args", {})}
        if "sleep" in step:
            at_ms += int(step["sleep"] * 1000)
        elif step["call"] == "send_task_heartbeat":
            beats.append(at_ms)
        elif step["call"] == "send_task_success":
            output = given.get("output")
            value = event if output == "{{input}}" else output
            if "args" in step:
                value = json.loads(output)
            return Succeed(value, at_ms, worker, tuple(beats))
        elif step["call"] == "send_task_failure":
            return Fail(
                given.get("error"), given.get("cause"), at_ms, worker, beats_ms=tuple(beats)
            )
    return Silence(worker=worker, beats_ms=tuple(beats))


def _payload(spec: dict[str, Any], event: Any) -> Any:
    if "raw" in spec or "raw_repeat" in spec:
        repeat = spec.get("raw_repeat")
        text = spec["raw"] if repeat is None else repeat["text"] * repeat["times"]
        try:
            return json.loads(text)
        except ValueError:
            return text
    if "python_str" in spec:
        return spec["python_str"] + str(event)
    return spec.get("return", event)


def _error_payload(error: dict[str, Any], *, compact: bool) -> str:
    """The service integration hands errors on compactly, a function ARN in the function's own spacing (measured)."""
    payload = {key: error[key] for key in ("errorMessage", "errorType") if key in error}
    payload |= {"requestId": REQUEST_ID, "stackTrace": error.get("stackTrace", [])}
    return json.dumps(payload, separators=(",", ":") if compact else None)


def _missing(task: ScheduleTask) -> str:
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{task.queue}:$LATEST"
    return (
        f"Function not found: {arn} (Service: AWSLambda; Status Code: 404; "
        f"Error Code: ResourceNotFoundException; Request ID: {REQUEST_ID}; Proxy: null)"
    )
