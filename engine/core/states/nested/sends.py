"""Settling a task by its token from within another execution: what is sent, and how it is refused.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
"""

from __future__ import annotations

from typing import Any, Literal

from engine.core.failures import CAUSE_CHARACTERS_MAX, Failure
from engine.documents import Document

ERROR_CHARACTERS_MAX = 256  # as AWS Step Functions
Refusal = Literal["InvalidToken", "TaskDoesNotExist", "TaskTimedOut", "InvalidOutput"]

MESSAGES: dict[Refusal, str] = {
    "InvalidToken": "Invalid Token: 'Invalid token'",  # measured
    "TaskDoesNotExist": "Task Does Not Exist: 'Provided task does not exist'",
    "TaskTimedOut": "Task Timed Out: 'Provided task does not exist anymore'",
    "InvalidOutput": "Invalid Output: 'The Output is not JSON text'",
}


def sent_output(given: dict[str, Any]) -> Document:
    """The Output of sendTaskSuccess: a string is the JSON text that it is. Raises InvalidDocument."""
    output = given.get("Output")
    return Document.parse(output) if isinstance(output, str) else Document.of(output)


def sent_failure(given: dict[str, Any]) -> Failure:
    """Error and Cause of sendTaskFailure, each as far as AWS would accept it."""
    error, cause = (
        text if text is None or isinstance(text, str) else Document.of(text).text.decode()
        for text in (given.get("Error"), given.get("Cause"))
    )
    return Failure(error and error[:ERROR_CHARACTERS_MAX], cause and cause[:CAUSE_CHARACTERS_MAX])


def refused_send(code: Refusal, request_id: str) -> Failure:
    """Why nothing was settled."""
    return sdk_failure(code, MESSAGES[code], request_id)


def sdk_failure(code: str, message: str, request_id: str) -> Failure:
    """The failure of a call through the SDK integration (measured)."""
    about = f"(Service: Sfn, Status Code: 400, Request ID: {request_id}) (SDK Attempt Count: 1)"
    return Failure(f"Sfn.{code}Exception", f"{message} {about}")
