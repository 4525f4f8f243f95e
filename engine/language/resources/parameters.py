"""What some Resources ask of their Parameters: checked at publish where it is written out, and of the values before a call."""

from __future__ import annotations

import re
from typing import Any

from engine.language.diagnostics.diagnostic import schema_failed
from engine.language.fields import Fields
from engine.language.machine import Resource
from engine.language.resources import url_fault
from engine.language.text.source import shown

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")
ENCODINGS = ("NONE", "URL_ENCODED")
ARRAY_FORMATS = ("INDICES", "REPEAT", "COMMAS", "BRACKETS")

# By service: the fields, and what each is for.
_REQUIRED = {
    "lambda": {"FunctionName": "it names the function to invoke"},
    "http": {"ApiEndpoint": "it is the URL to call", "Method": "GET, for example"},
    "states": {"StateMachineArn": "it names the definition to start an execution of"},
}
# The calls that they hold of; an HTTP call has no name.
_CHECKED = ("", "lambda:invoke", "startExecution")

# Headers that a call cannot set: the connection's own, and those that AWS takes away as well.
# https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html
_RESERVED = frozenset(
    """a-im accept-charset accept-datetime accept-encoding cache-control connection content-encoding content-length
    content-md5 date expect forwarded from host http2-settings if-match if-modified-since if-none-match if-range
    if-unmodified-since max-forwards origin pragma proxy-authorization range referer server te trailer
    transfer-encoding upgrade user-agent via warning""".split()  # noqa: SIM905 - a table
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_RESERVED_STARTS = ("x-forwarded-", "x-amz-", "x-amzn-")


def require_parameters(resource: Resource, fields: Fields) -> None:
    """Report what is missing or cannot be in the Parameters (Arguments in JSONata) of a call of Lambda, of HTTP, or of a nested execution."""
    required = _REQUIRED.get(resource.service, {})
    if resource.name.partition(".")[0] not in _CHECKED or not required:
        return
    name = "Arguments" if fields.node.jsonata else "Parameters"
    here = (*fields.node.path, name)
    if name not in fields.written:
        message = f"The field {name} is required here, with {' and '.join(required)}."
        fields.report.add("missing_field", fields.node.path, message, f"Add {name}.", key=True)
    given = fields.written.get(name)
    if not isinstance(given, dict):
        return
    for field, use in required.items():
        if not {field, f"{field}.$"} & given.keys():
            message = f"The field {field} is required here: {use}."
            aws = schema_failed(f"The field '{field}' is required but was missing", here)
            fields.report.add("missing_field", here, message, f"Add {field}.", key=True, aws=aws)
    method = given.get("Method")
    if resource.service != "http" or not isinstance(method, str) or method in METHODS:
        return
    if not (fields.node.jsonata and method.startswith("{%")):
        message = f"{shown(method)} is none of the methods."
        hint = f"The methods are {', '.join(METHODS)}."
        fields.report.add("not_allowed", (*here, "Method"), message, hint)


def call_fault(parameters: Any) -> str:
    """Why an HTTP call cannot be made with these Parameters, or ""."""
    if not isinstance(parameters, dict):
        return "The Parameters must be an object"
    for field in _REQUIRED["http"]:
        if not parameters.get(field):
            return f"The field '{field}' is required but was missing"
    for field, kinds in _KINDS.items():
        if not isinstance(parameters.get(field), kinds):
            return f"The value for the field '{field}' has the wrong type"
    if parameters["Method"] not in METHODS:
        return f"The field 'Method' should have one of these values: [{', '.join(METHODS)}]"
    reason = url_fault(parameters["ApiEndpoint"])
    if reason or not parameters["ApiEndpoint"].startswith(("https://", "http://")):
        return (
            f"The value for the field 'ApiEndpoint' must be a valid URL{reason and f': {reason}'}"
        )
    return _headers_fault(parameters.get("Headers") or {}) or _transform_fault(
        parameters.get("Transform") or {}
    )


_KINDS: dict[str, tuple[type, ...]] = {
    "ApiEndpoint": (str,),
    "Method": (str,),
    "Headers": (dict, type(None)),
    "QueryParameters": (dict, type(None)),
    "Authentication": (dict, type(None)),
    "InvocationConfig": (dict, type(None)),
    "Transform": (dict, type(None)),
}


def _headers_fault(headers: dict[str, Any]) -> str:
    for name, value in headers.items():
        if name.lower() in _RESERVED or name.lower().startswith(_RESERVED_STARTS):
            return f"The header '{name}' is reserved and cannot be set"
        if not _TOKEN.fullmatch(name):
            return f"'{name}' is no name of a header"
        values = value if isinstance(value, list) else [value]
        if any(isinstance(each, str) and _CONTROL.search(each) for each in values):
            return f"The header '{name}' holds a control character, such as the end of a line"
        if any(isinstance(each, dict | list) or each is None for each in values):
            return f"The header '{name}' must be a string, a number or a boolean, or a list of them"
    return ""


def _transform_fault(transform: dict[str, Any]) -> str:
    encoding = transform.get("RequestBodyEncoding", "NONE")
    options = transform.get("RequestEncodingOptions") or {}
    arrays = options.get("ArrayFormat", "INDICES") if isinstance(options, dict) else None
    for field, value, allowed in (
        ("RequestBodyEncoding", encoding, ENCODINGS),
        ("ArrayFormat", arrays, ARRAY_FORMATS),
    ):
        if value not in allowed:
            return f"The field '{field}' should have one of these values: [{', '.join(allowed)}]"
    return ""
