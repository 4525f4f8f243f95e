"""TestState: one state, without an execution."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from api.aws.call import Call, Handler
from api.aws.errors import AwsError
from api.aws.refusals import invalid_definition
from engine.documents import EMPTY_OBJECT, Document
from engine.errors import InvalidDefinition, InvalidDocument, StateTestRefused
from engine.language.diagnostics.input_faults import input_fault
from engine.rehearsal.onestate import (
    Answer,
    Mock,
    MockedError,
    Question,
    Situation,
)


async def test_state(call: Call) -> dict[str, Any]:
    question = _question(call)
    try:
        answer = await call.hold(call.engine.state_tests.test(call.caller, question))
    except InvalidDefinition as error:
        raise invalid_definition(error) from None
    except StateTestRefused as refused:
        raise AwsError("ValidationException", str(refused.detail)) from None
    return _members(answer, call.given)


HANDLERS: dict[str, Handler] = {"TestState": test_state}
_CALL = {"request", "response"}  # what TRACE tells and DEBUG does not


def _question(call: Call) -> Question:
    given = call.given
    context = given.get("context")
    return Question(
        definition=given["definition"],
        place=call.place,
        state=given.get("stateName"),
        input=_execution_input(given),
        variables=_variables(given.get("variables")),
        context=None if context is None else _json(context, "Invalid Context object provided"),
        mock=_mock(given.get("mock")),
        situation=_situation(given.get("stateConfiguration", {})),
        role=given.get("roleArn"),
        reveals_secrets=given.get("revealSecrets", False),
    )


def _execution_input(given: dict[str, Any]) -> Document:
    text = given.get("input")
    if text is None:
        return EMPTY_OBJECT
    try:
        return Document.parse(text)
    except InvalidDocument:
        message = f"Invalid State Machine Execution Input: '{input_fault(text)}'"
        raise AwsError("InvalidExecutionInput", message) from None


def _variables(text: str | None) -> dict[str, Document]:
    if text is None:
        return {}
    found = _json(text, "Invalid variables provided").value
    if not isinstance(found, dict):
        raise AwsError(
            "ValidationException", "Invalid variables provided: variables must be a JSON object"
        )
    return {name: Document.of(value) for name, value in found.items()}


def _json(text: str, told: str) -> Document:
    try:
        return Document.parse(text)
    except InvalidDocument as error:
        raise AwsError("ValidationException", f"{told}: {error.detail}") from None


def _mock(given: dict[str, Any] | None) -> Mock | None:
    if given is None:
        return None
    error = given.get("errorOutput")
    return Mock(
        result=given.get("result"),
        error=None if error is None else MockedError(**error),
        validation=given.get("fieldValidationMode", "STRICT"),
    )


def _situation(given: dict[str, Any]) -> Situation:
    return Situation(
        retries=given.get("retrierRetryCount"),
        caused_by=given.get("errorCausedByState"),
        failed_iterations=given.get("mapIterationFailureCount"),
        reader_data=given.get("mapItemReaderData"),
    )


def _members(answer: Answer, given: Mapping[str, Any]) -> dict[str, Any]:
    """The members of the answer; INFO, the default, leaves the inspection out."""
    texts = [given.get("input"), given.get("mock", {}).get("result")]
    members: dict[str, Any] = {
        "status": answer.status,
        "output": None if answer.output is None else _text(answer.output, texts),
        "nextState": answer.next,
        "error": answer.error,
        "cause": answer.cause,
    }
    level = given.get("inspectionLevel", "INFO")
    if level != "INFO":
        members["inspectionData"] = {
            name: _text(value, texts) if isinstance(value, Document) else value
            for name, value in answer.inspection.items()
            if level == "TRACE" or name not in _CALL
        }
    return {name: value for name, value in members.items() if value is not None}


def _text(document: Document, texts: list[Any]) -> str:
    """What the caller has given is given back as it is; what was made of it has blanks after commas and colons (measured)."""
    text = document.text.decode()
    return text if text in texts else json.dumps(document.value, ensure_ascii=False)
