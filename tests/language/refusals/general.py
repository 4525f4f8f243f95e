"""Definitions that AWS Step Functions refuses, and what it says: the codes, words and places of the reference map.

A row is a title, a definition and the refusals as CreateStateMachine lists them, in its order.
"""

from __future__ import annotations

from typing import Any

LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:charge"
ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:sign"
DONE: dict[str, Any] = {"Type": "Succeed"}
PROCESSOR = {"StartAt": "Each", "States": {"Each": DONE}}
OPERATORS = (
    "StringEquals, StringEqualsPath, StringLessThan, StringLessThanPath, StringGreaterThan, StringGreaterThanPath, "
    "StringLessThanEquals, StringLessThanEqualsPath, StringGreaterThanEquals, StringGreaterThanEqualsPath, "
    "NumericEquals, NumericEqualsPath, NumericLessThan, NumericLessThanPath, NumericGreaterThan, "
    "NumericGreaterThanPath, NumericLessThanEquals, NumericLessThanEqualsPath, NumericGreaterThanEquals, "
    "NumericGreaterThanEqualsPath, TimestampEquals, TimestampEqualsPath, TimestampLessThan, TimestampLessThanPath, "
    "TimestampGreaterThan, TimestampGreaterThanPath, TimestampLessThanEquals, TimestampLessThanEqualsPath, "
    "TimestampGreaterThanEquals, TimestampGreaterThanEqualsPath, BooleanEquals, BooleanEqualsPath, StringMatches, "
    "IsNull, IsNumeric, IsString, IsBoolean, IsTimestamp, IsPresent"
)

Row = tuple[str, Any, list[str]]


def one(kind: str, /, **fields: Any) -> dict[str, Any]:
    """A machine of one state, which ends it where that takes saying."""
    ends = {} if kind in {"Choice", "Succeed", "Fail"} else {"End": True}
    return {"StartAt": "S", "States": {"S": {"Type": kind, **ends, **fields}}}


def task(**fields: Any) -> dict[str, Any]:
    return one("Task", **{"Resource": LAMBDA, **fields})


def choice(*rules: Any, **fields: Any) -> dict[str, Any]:
    states = {"S": {"Type": "Choice", "Choices": [*rules], "Default": "D", **fields}, "D": DONE}
    return {"StartAt": "S", "States": states}


def jsonata(kind: str, /, **fields: Any) -> dict[str, Any]:
    return {"QueryLanguage": "JSONata"} | one(kind, **fields)


def states(start: str, **named: Any) -> dict[str, Any]:
    return {"StartAt": start, "States": named}


def to(target: str) -> dict[str, Any]:
    return {"Type": "Pass", "Next": target}


def failed(message: str, place: str = "/States/S") -> str:
    return f"SCHEMA_VALIDATION_FAILED: {message} at {place}"


def missing(target: str, place: str) -> str:
    return f"MISSING_TRANSITION_TARGET: Missing 'Next' target: {target} at {place}"


def lost(name: str, place: str) -> str:
    return f'MISSING_TRANSITION_TARGET: State "{name}" is not reachable. at {place}'


def only(own: str, field: str) -> str:
    other = "JSONata" if own == "JSONPath" else "JSONPath"
    return (
        f"The QueryLanguage is set to '{own}', but field '{field}' is only supported "
        f"for the '{other}' QueryLanguage"
    )


def template(field: str) -> str:
    return f"The value for the field '{field}' must be a valid JSONPath or a valid intrinsic function call"


NO_END = "MISSING_END_STATE: Workflow has no terminal state at null"
TYPES = "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]"
WAITS = "[SecondsPath, Seconds, TimestampPath, Timestamp]"
RULES = "The object must have only one of the following fields, [And, Or, Not, Variable, Condition]"
NO_PATH = "Value must be a valid JSONPath."
NO_START = "Value is not a Reference Path: Reference path didn't start with '$'"
RFC3339 = "String does not match RFC3339 timestamp"
RULE = "/States/S/Choices[0]"
IS_TRUE = {"Variable": "$.a", "BooleanEquals": True}
ALONE = "States.ALL must appear alone and at end of list"

SHAPE: list[Row] = [
    ("no object", "[1]", ["SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at null"]),
    ("nothing at all", " \n", ["SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at null"]),
    ("no fields", {}, [failed("These fields are required: [States, StartAt]", "/")]),
    ("no States", {"StartAt": "S"}, [failed("These fields are required: [States]", "/")]),
    ("no StartAt", {"States": {"S": DONE}}, [failed("These fields are required: [StartAt]", "/")]),
    ("no Type", states("S", S={"End": True}), [failed(TYPES, "/States/S/Type")]),
    ("unknown Type", states("S", S={"Type": "Job", "End": True}), [failed(TYPES, "/States/S/Type")]),
    ("no Resource", one("Task"), [failed("These fields are required: [Resource]")]),
    ("no Branches", one("Parallel"), [failed("These fields are required: [Branches]")]),
    ("branch without StartAt", one("Parallel", Branches=[{"States": {"X": DONE}}]),
     [failed("These fields are required: [StartAt]", "/States/S/Branches[0]")]),
    ("unknown field", one("Pass", Colour="red"), [failed("Field 'Colour' is not supported")]),
    ("TimeoutSeconds of a Pass", one("Pass", TimeoutSeconds=5), [failed("Field 'TimeoutSeconds' is not supported")]),
    ("Retry of a Wait", one("Wait", Seconds=1, Retry=[]), [failed("Field 'Retry' is not supported")]),
    ("Next of a Succeed", one("Succeed", Next="S"), [failed("Field 'Next' is not supported")]),
    ("QueryLanguage of a processor", one("Map", ItemProcessor=PROCESSOR | {"QueryLanguage": "JSONata"}),
     [failed("Field 'QueryLanguage' is not supported", "/States/S/ItemProcessor")]),
    ("misspelt field that is required", states("S", S={"Type": "Task", "Resorce": LAMBDA, "End": True}),
     [failed("Field 'Resorce' is not supported"), failed("These fields are required: [Resource]")]),
    ("Next and End", states("S", S={"Type": "Pass", "Next": "D", "End": True}, D=DONE),
     [failed("There should only be one of the following fields: [Next, End]")]),
    ("neither Next nor End", states("S", S={"Type": "Pass"}),
     [failed("This object should have only one of the following fields: [Next, End]"), NO_END]),
    ("two ways to wait", one("Wait", Seconds=1, SecondsPath="$.a"),
     [failed(f"There should only be one of the following fields: {WAITS}")]),
    ("no way to wait", one("Wait"), [failed(f"This object should have only one of the following fields: {WAITS}")]),
    ("no way to wait in JSONata", jsonata("Wait"),
     [failed("This object should have only one of the following fields: [Seconds, Timestamp]")]),
    ("Error and ErrorPath", one("Fail", Error="E", ErrorPath="$.e"),
     [failed("There should only be one of the following fields: [Error, ErrorPath]")]),
    ("two processors", one("Map", ItemProcessor=PROCESSOR, Iterator={"StartAt": "E", "States": {"E": DONE}}),
     [failed("There should only be one of the following fields: [ItemProcessor, Iterator]")]),
]  # fmt: skip

VALUES: list[Row] = [
    ("fraction of a second", one("Wait", Seconds=1.5), [failed("Expected value of type Integer", "/States/S/Seconds")]),
    ("too long a wait", one("Wait", Seconds=100_000_000), [failed("Maximum value is 99999999", "/States/S/Seconds")]),
    ("negative wait", one("Wait", Seconds=-1), [failed("Minimum value is 0", "/States/S/Seconds")]),
    ("no time", task(TimeoutSeconds=0), [failed("Minimum value is 1", "/States/S/TimeoutSeconds")]),
    ("number in quotes", task(TimeoutSeconds="5"), [failed("Expected value of type Integer", "/States/S/TimeoutSeconds")]),
    ("expression in JSONPath", task(TimeoutSeconds="{% 5 %}"),
     [failed("Expected value of type Integer", "/States/S/TimeoutSeconds")]),
    ("slow backoff", task(Retry=[{"ErrorEquals": ["A"], "BackoffRate": 0.5}]),
     [failed("Minimum value is 1", "/States/S/Retry[0]/BackoffRate")]),
    ("unknown jitter", task(Retry=[{"ErrorEquals": ["A"], "JitterStrategy": "SOME"}]),
     [failed("Value should be one of the following: [NONE, FULL]", "/States/S/Retry[0]/JitterStrategy")]),
    ("unknown language", one("Pass", QueryLanguage="SQL"),
     [failed("Value should be one of the following: [JSONPath, JSONata]", "/States/S/QueryLanguage")]),
    ("language that is a number", {"QueryLanguage": 5} | one("Pass"),
     [failed("Expected value of type [STRING]", "/QueryLanguage")]),
    ("no branches", one("Parallel", Branches=[]), [failed("Value cannot be empty", "/States/S/Branches")]),
    ("no error names", task(Retry=[{"ErrorEquals": []}]), [failed("Value cannot be empty", "/States/S/Retry[0]/ErrorEquals")]),
    ("no ErrorEquals", task(Retry=[{"MaxAttempts": 1}]),
     [failed("These fields are required: [ErrorEquals]", "/States/S/Retry[0]")]),
    ("States.ALL not last", task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["A"]}]),
     [failed(ALONE, "/States/S/Retry[0]/ErrorEquals")]),
    ("States.ALL not alone", task(Catch=[{"ErrorEquals": ["A", "States.ALL"], "Next": "S"}]),
     [failed(ALONE, "/States/S/Catch[0]/ErrorEquals")]),
    ("day that is none", one("Wait", Timestamp="2026-02-30T10:00:00Z"), [failed(RFC3339, "/States/S/Timestamp")]),
    ("timestamp by expression in JSONPath", one("Wait", Timestamp="{% $now() %}"), [failed(RFC3339, "/States/S/Timestamp")]),
    ("resource that is no ARN", task(Resource="charge"), [failed("Value is not a valid resource ARN", "/States/S/Resource")]),
    ("resource of no task", task(Resource="arn:aws:sqs:us-east-1:123456789012:orders"),
     [failed("The resource provided arn:aws:sqs:us-east-1:123456789012:orders is not recognized. The value is not a valid "
             "resource ARN, or the resource is not available in this region.", "/States/S/Resource")]),
    ("action of no service", task(Resource="arn:aws:states:::sqs:sendMesage"),
     [failed("The resource provided arn:aws:states:::sqs:sendMesage is not recognized. The value is not a valid "
             "resource ARN, or the resource is not available in this region.", "/States/S/Resource")]),
    ("function to invoke without a name", task(Resource="arn:aws:states:::lambda:invoke", Parameters={}),
     [failed("The field 'FunctionName' is required but was missing", "/States/S/Parameters")]),
    ("credentials without a role", task(Credentials={"Role": "x"}),
     [failed("The field 'RoleArn' is required but was missing", "/States/S/Credentials")]),
    ("credentials of an activity", task(Resource=ACTIVITY, Credentials={"RoleArn": "arn:aws:iam::123456789012:role/x"}),
     [failed("The field 'Credentials' is not supported for activities", "/States/S/Credentials")]),
]  # fmt: skip

CHOICES: list[Row] = [
    ("no rules", choice(), [failed("Value cannot be empty", "/States/S/Choices")]),
    ("no operator", choice({"Variable": "$.a", "Next": "D"}),
     [failed(f"This object should have only one of the following fields: [{OPERATORS}]", RULE)]),
    ("two operators", choice(IS_TRUE | {"IsNull": True, "Next": "D"}),
     [failed(f"There should only be one of the following fields: [{OPERATORS}]", RULE)]),
    ("no Variable", choice({"BooleanEquals": True, "Next": "D"}), [failed(RULES, RULE)]),
    ("And and Variable", choice(IS_TRUE | {"And": [IS_TRUE], "Next": "D"}), [failed(RULES, RULE)]),
    ("rule without Next", choice(IS_TRUE), [failed("These fields are required: [Next]", RULE)]),
    ("Next of an inner rule", choice({"Not": IS_TRUE | {"Next": "D"}, "Next": "D"}),
     [failed("Field 'Next' is not supported", f"{RULE}/Not")]),
    ("Variable that is no path", choice({"Variable": "a", "IsNull": True, "Next": "D"}), [failed(NO_START, f"{RULE}/Variable")]),
    ("function in a Variable", choice({"Variable": "States.ArrayLength($.a)", "NumericEquals": 1, "Next": "D"}),
     [failed(NO_START, f"{RULE}/Variable")]),
    ("empty Or under Not", choice({"Not": {"Or": []}, "Next": "D"}), [failed("Value cannot be empty", f"{RULE}/Not/Or")]),
    ("number in quotes compared", choice({"Variable": "$.a", "NumericEquals": "1", "Next": "D"}),
     [failed("Expected value of type Number", f"{RULE}/NumericEquals")]),
    ("timestamp that is none", choice({"Variable": "$.a", "TimestampEquals": "today", "Next": "D"}),
     [failed(RFC3339, f"{RULE}/TimestampEquals")]),
]  # fmt: skip

GRAPH: list[Row] = [
    ("Next to nothing", states("S", S=to("X")), [missing("X", "/States/S/Next"), NO_END]),
    ("StartAt nothing", states("X", S=DONE), [missing("X", "/StartAt"), lost("S", "/States/S")]),
    ("Default to nothing", choice(IS_TRUE | {"Next": "D"}, Default="X"), [missing("X", "/States/S/Default")]),
    ("rule to nothing", choice(IS_TRUE | {"Next": "X"}), [missing("X", f"{RULE}/Next")]),
    ("Catch to nothing", task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "X"}]),
     [missing("X", "/States/S/Catch[0]/Next")]),
    ("misspelt Next", states("S", S=to("Dome"), Done=DONE), [missing("Dome", "/States/S/Next"), lost("Done", "/States/Done")]),
    ("state without a way to it", states("S", S=DONE, L=DONE), [lost("L", "/States/L")]),
    ("a slash in a name", {"StartAt": "S", "States": {"S": DONE, "a/b": DONE}}, [lost("a/b", "/States/a/b")]),
    ("loop", states("A", A=to("B"), B=to("A"), C=to("A")), [NO_END]),
    ("loop beside an end", states("A", A=to("B"), B=to("A"), C=DONE), [lost("C", "/States/C")]),
    ("out of a branch", one("Parallel", Branches=[states("I", I=to("S"), J=DONE)]),
     [missing("S", "/States/S/Branches[0]/States/I/Next"), lost("J", "/States/S/Branches[0]/States/J")]),
    ("name used twice", one("Map", ItemProcessor=states("S", S=DONE)),
     ["DUPLICATE_STATE_NAME: Duplicate State name: S at /States/S/ItemProcessor/States/S"]),
    ("shape before graph", states("A", A=to("X"), B={"Type": "Wait", "Seconds": -1, "End": True}),
     [failed("Minimum value is 0", "/States/B/Seconds"), missing("X", "/States/A/Next"), lost("B", "/States/B")]),
]  # fmt: skip

PATHS: list[Row] = [
    ("InputPath that is no path", one("Pass", InputPath="a.b"), [failed(NO_PATH, "/States/S/InputPath")]),
    ("ResultPath that is no path", one("Pass", ResultPath="a"), [failed(NO_PATH, "/States/S/ResultPath")]),
    ("ErrorPath that is no path", one("Fail", ErrorPath="reason"), [failed(NO_PATH, "/States/S/ErrorPath")]),
    ("several nodes in ItemsPath", one("Map", ItemProcessor=PROCESSOR, ItemsPath="$.a[*]"),
     [failed("Value is not a Reference Path", "/States/S/ItemsPath")]),
    ("ResultPath of a variable", one("Pass", ResultPath="$a.b"), [failed("Value is not a Reference Path", "/States/S/ResultPath")]),
    ("function in ItemsPath", one("Map", ItemProcessor=PROCESSOR, ItemsPath="States.Array($.a)"),
     [failed(NO_PATH, "/States/S/ItemsPath")]),
    ("unknown function", task(Parameters={"id.$": "States.Fromat('{}', $.a)"}), [failed(template("id.$"), "/States/S/Parameters")]),
    ("stray backslash", task(Parameters={"id.$": "States.Format('a\\b')"}), [failed(template("id.$"), "/States/S/Parameters")]),
    ("path behind a call", task(Parameters={"id.$": "States.Array(1)[0]"}), [failed(template("id.$"), "/States/S/Parameters")]),
    ("constant under .$", task(Parameters={"id.$": 5}), [failed(template("id.$"), "/States/S/Parameters")]),
    ("inner expression", one("Pass", Parameters={"order": {"id.$": "id"}}), [failed(template("id.$"), "/States/S/Parameters/order")]),
]  # fmt: skip

LANGUAGES: list[Row] = [
    ("JSONPath in a JSONata machine", jsonata("Pass", QueryLanguage="JSONPath", Output="{% 1 %}"),
     [failed("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine")]),
    ("Output in JSONPath", one("Pass", Output=1), [failed(only("JSONPath", "Output"))]),
    ("Arguments in JSONPath", task(Arguments={}), [failed(only("JSONPath", "Arguments"))]),
    ("InputPath in JSONata", jsonata("Pass", InputPath="$.a"), [failed(only("JSONata", "InputPath"))]),
    ("Result in JSONata", jsonata("Pass", Result=1), [failed(only("JSONata", "Result"))]),
    ("a Map's language is its own", {"StartAt": "M", "States": {"M": {
        "Type": "Map", "QueryLanguage": "JSONata", "End": True,
        "ItemProcessor": states("P", P={"Type": "Pass", "Output": 1, "End": True})}}},
     [failed(only("JSONPath", "Output"), "/States/M/ItemProcessor/States/P")]),
    ("expression that stops", jsonata("Pass", Output="{% 1 + %}"),
     ["INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/S/Output"]),
    ("bare name", jsonata("Pass", Output={"to": "{% phone %}"}),
     ["UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported. at /States/S/Output/to"]),
    ("result of a Pass", jsonata("Pass", Output="{% $states.result %}"),
     ["UNSUPPORTED_JSONATA_EXPRESSION: Field '$states.result' does not exist. at /States/S/Output"]),
    ("expression that does not close", jsonata("Pass", Output="{% 1"),
     [failed("JSONata string must start with {% and end with %}", "/States/S/Output")]),
    ("condition that does not close", {"QueryLanguage": "JSONata"} | choice({"Condition": "{% true", "Next": "D"}),
     [failed("JSONata string must start with {% and end with %}", f"{RULE}/Condition")]),
    ("cause that does not close", jsonata("Fail", Cause="{% 1"),
     [failed("JSONata string must start with {% and end with %}", "/States/S/Cause")]),
    ("rule without Condition", {"QueryLanguage": "JSONata"} | choice({"Next": "D"}), [failed(RULES, RULE)]),
    ("language in small letters", {"QueryLanguage": "jsonata"} | one("Pass", Output="{% 1 %}"),
     [failed("Value should be one of the following: [JSONPath, JSONata]", "/QueryLanguage")]),
    ("reserved variable", one("Pass", Assign={"states": 1}),
     ["RESERVED_VARIABLE_NAME: Cannot assign to reserved variable '$states'. at /States/S/Assign/states"]),
    ("part of a variable", one("Pass", Assign={"a.b": 1}),
     ["INVALID_VARIABLE_NAME: Invalid variable name 'a.b': the variable name contains invalid characters. at /States/S/Assign/a.b"]),
]  # fmt: skip

REFUSALS = [*SHAPE, *VALUES, *CHOICES, *GRAPH, *PATHS, *LANGUAGES]
