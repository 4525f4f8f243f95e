"""One example of every problem code, and the reference page made of them.

Run as a script, this writes docs/reference/problems.md; a test compares the page with what it would write.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.language.diagnostics import Diagnostic
from engine.language.problems import CODES, Problem
from engine.language.resources.express import DefinitionType, examine_as


@dataclass(frozen=True)
class Example:
    """A text with one problem of the code, and where it stands. `told` stands for a text that is not worth printing."""

    text: str | bytes
    pointer: str
    line: int
    column: int
    notation: str = "yaml"
    told: str = ""
    kind: DefinitionType = "STANDARD"

    def problem(self, code: str) -> Problem:
        _, problems = examine_as(self.kind, self.text, self.notation)
        (found,) = [problem for problem in problems if problem.code == code]
        return found


def task(*lines: str) -> str:
    """A machine of one Task state with further fields, which begin in line 6."""
    head = ("StartAt: Pay", "States:", "  Pay:", "    Type: Task", "    Resource: activity:pay")
    return "\n".join([*head, *(f"    {line}" for line in lines), "    End: true", ""])


def only(kind: str, *lines: str) -> str:
    """A machine of one state with further fields, which begin in line 5."""
    head = ("StartAt: Go", "States:", "  Go:", f"    Type: {kind}")
    return "\n".join([*head, *(f"    {line}" for line in lines), ""])


GO = "/States/Go"
PAY = "/States/Pay"


def jsonata(expression: str, column: int) -> Example:
    """A Pass in JSONata whose Output is the expression."""
    text = only("Pass", "QueryLanguage: JSONata", f'Output: "{expression}"', "End: true")
    return Example(text, GO + "/Output", 6, column)


INLINE = ("ItemProcessor:", "  StartAt: Each", "  States: {Each: {Type: Succeed}}")
DISTRIBUTED = (
    INLINE[0],
    "  ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: STANDARD}",
    *INLINE[1:],
)

EXAMPLES: dict[str, Example] = {
    "too_large": Example("# " + "x" * 1_048_576, "", 1, 1, told="More than 1,048,576 bytes."),
    "not_utf8": Example(b"Comment: caf\xe9\n", "", 1, 13, told="`Comment: café`, saved as Latin-1."),
    "control_character": Example("Comment: a\x07b\n", "", 1, 11, told="`Comment: a␇b`, with the character U+0007."),
    "empty_definition": Example("# nothing here\n", "", 1, 1),
    "not_an_object": Example("- StartAt\n- States\n", "", 1, 1),
    "invalid_json": Example('{\n  "StartAt": "Go",\n}\n', "", 3, 1, "json"),
    "invalid_yaml": Example("StartAt: Go\nComment: first: this\n", "", 2, 15),
    "duplicate_key": Example(only("Succeed") + "  Go:\n    Type: Succeed\n", GO, 5, 3),
    "too_deep": Example(
        "Comment: " + "[" * 64 + "]" * 64, "/Comment" + "/0" * 63, 1, 73, told="A Comment of 64 lists inside one another."
    ),
    "too_many_values": Example(
        "a: &a [" + "x, " * 600 + "x]\nb: [*a, *a, *a, *a]\n", "/b/3", 2, 17,
        told="A list of 601 texts, and four aliases of it.",
    ),
    "not_json_value": Example(only("Pass", "Result: .inf", "End: true"), GO + "/Result", 5, 13),
    "yaml_ambiguous": Example(only("Pass", "Result: {country: NO}", "End: true"), GO + "/Result/country", 5, 23),
    "yaml_tag": Example(only("Pass", "Comment: !Sub ${Name}", "End: true"), GO + "/Comment", 5, 14),
    "yaml_alias": Example(only("Succeed", "Comment: *note"), GO + "/Comment", 5, 14),
    "yaml_merge_key": Example(only("Succeed", "<<: {Comment: hello}"), GO + "/<<", 5, 5),
    "yaml_key_not_text": Example(only("Pass", "Result: {1: one}", "End: true"), GO + "/Result/1", 5, 14),
    "yaml_documents": Example(only("Succeed") + "---\n" + only("Succeed"), "", 5, 1),
    "unknown_field": Example(task("TimeoutSecond: 5"), PAY + "/TimeoutSecond", 6, 5),
    "missing_field": Example("StartAt: Pay\nStates:\n  Pay:\n    Type: Task\n    End: true\n", PAY, 3, 3),
    "exclusive_fields": Example(only("Wait", "Seconds: 5", "SecondsPath: $.delay", "End: true"), GO + "/SecondsPath", 6, 5),
    "wrong_type": Example(task('TimeoutSeconds: "5"'), PAY + "/TimeoutSeconds", 6, 21),
    "out_of_range": Example(task("TimeoutSeconds: 0"), PAY + "/TimeoutSeconds", 6, 21),
    "empty": Example(only("Choice", "Choices: []", "Default: Done") + "  Done:\n    Type: Succeed\n", GO + "/Choices", 5, 14),
    "too_long": Example(
        only("Fail", "Error: " + "x" * 257), GO + "/Error", 5, 12, told="A Fail state whose Error has 257 characters."
    ),
    "not_allowed": Example(
        task("Retry:", "- ErrorEquals: [States.ALL]", "  JitterStrategy: full"), PAY + "/Retry/0/JitterStrategy", 8, 23
    ),
    "unknown_state_type": Example(only("Pas", "End: true"), GO + "/Type", 4, 11),
    "invalid_state_name": Example(
        f"StartAt: {'x' * 81}\nStates:\n  {'x' * 81}:\n    Type: Succeed\n", f"/States/{'x' * 81}", 3, 3,
        told="A state whose name has 81 characters.",
    ),
    "wrong_query_language": Example(only("Pass", "Output: done", "End: true"), GO + "/Output", 5, 5),
    "query_language_mixed": Example(
        "QueryLanguage: JSONata\n" + only("Succeed", "QueryLanguage: JSONPath"), GO + "/QueryLanguage", 6, 5
    ),
    "invalid_variable": Example(only("Pass", "Assign: {$total: 1}", "End: true"), GO + "/Assign/$total", 5, 14),
    "distributed_only": Example(only("Map", "Label: orders", *INLINE, "End: true"), GO + "/Label", 5, 5),
    "invalid_reader": Example(
        only("Map", "ItemReader:", "  Resource: arn:aws:states:::s3:getObject",
             "  ReaderConfig: {InputType: JSON, CSVDelimiter: TAB}", "  Parameters: {Bucket: orders, Key: list.json}",
             *DISTRIBUTED, "End: true"),
        GO + "/ItemReader/ReaderConfig/CSVDelimiter", 7, 39,
    ),
    "invalid_label": Example(only("Map", "Label: new orders", *DISTRIBUTED, "End: true"), GO + "/Label", 5, 12),
    "duplicate_label": Example(
        only("Map", "Label: orders", *DISTRIBUTED, "Next: Again")
        + only("Map", "Label: orders", *DISTRIBUTED, "End: true").split("\n", 2)[2].replace("Go:", "Again:").replace("Each", "Every"),
        "/States/Again/Label", 13, 12,
    ),
    "unknown_target": Example(only("Pass", "Next: Done") + "  done:\n    Type: Succeed\n", GO + "/Next", 5, 11),
    "target_out_of_scope": Example(
        only(
            "Parallel",
            "Branches:",
            "- StartAt: Inner",
            "  States:",
            "    Inner: {Type: Pass, Next: Done}",
            "    Last: {Type: Succeed}",
            "Next: Done",
        )
        + "  Done:\n    Type: Succeed\n",
        GO + "/Branches/0/States/Inner/Next", 8, 35,
    ),
    "unreachable_state": Example(only("Succeed") + "  Lost:\n    Type: Succeed\n", "/States/Lost", 5, 3),
    "no_terminal_state": Example(only("Pass", "Next: Go"), "/States", 2, 1),
    "duplicate_state_name": Example(
        only("Parallel", "Branches:", "- StartAt: Go", "  States: {Go: {Type: Succeed}}", "End: true"),
        GO + "/Branches/0/States/Go", 7, 16,
    ),
    "states_all_placement": Example(
        task("Retry:", "- ErrorEquals: [States.ALL]", "- ErrorEquals: [Declined]"), PAY + "/Retry/0/ErrorEquals/0", 7, 21
    ),
    "heartbeat_not_below_timeout": Example(
        task("TimeoutSeconds: 10", "HeartbeatSeconds: 10"), PAY + "/HeartbeatSeconds", 7, 23
    ),
    "unsupported_resource": Example(
        only("Task", "Resource: arn:aws:states:::sns:send", "End: true"), GO + "/Resource", 5, 15
    ),
    "malformed_resource": Example(only("Task", "Resource: activity:pay now", "End: true"), GO + "/Resource", 5, 15),
    "callback_unsupported": Example(
        only("Task", "Resource: signal:approved.waitForTaskToken", "End: true"), GO + "/Resource", 5, 15
    ),
    "express_unsupported": Example(task(), "/States/Pay/Resource", 5, 15, kind="EXPRESS"),
    "express_signal": Example(
        only("Task", "Resource: signal:approved", "End: true"),
        "/States/Go/Resource",
        5,
        15,
        kind="EXPRESS",
    ),
    "invalid_attribute": Example(
        "Detent:\n  SearchAttributes: {Customer: $.customer.id}\n" + only("Succeed"),
        "/Detent/SearchAttributes/Customer",
        2,
        22,
    ),
    "too_many_attributes": Example(
        "Detent:\n  SearchAttributes:\n"
        + "".join(f"    a{n}: $.a{n}\n" for n in range(11))
        + only("Succeed"),
        "/Detent/SearchAttributes",
        2,
        3,
    ),
    "express_detent": Example(
        "Detent: {RetentionHours: 24}\n" + only("Succeed"),
        "/Detent/RetentionHours",
        1,
        10,
        kind="EXPRESS",
    ),
    "invalid_path": Example(only("Pass", "InputPath: order.id", "End: true"), GO + "/InputPath", 5, 16),
    "invalid_template": Example(
        task("Parameters:", "  id.$: States.Fromat('{}', $.id)"), PAY + "/Parameters/id.$", 7, 13
    ),
    "invalid_condition": Example(
        only("Choice", "Choices:", "- Variable: status", "  StringEquals: paid", "  Next: End")
        + "  End:\n    Type: Succeed\n",
        GO + "/Choices/0/Variable", 6, 17,
    ),
    "invalid_jsonata": jsonata("{% $states.input.total + %}", 37),
    "unsupported_jsonata": jsonata("{% phone %}", 17),
    "unknown_states_field": jsonata("{% $states.result %}", 17),
    "invalid_schema": Example(
        only("Task", "Resource: signal:approved", "Parameters:", "  Schema:", "    type: objekt", "End: true"),
        GO + "/Parameters/Schema/type", 8, 15,
    ),
    "invalid_timestamp": Example(
        only("Wait", 'Timestamp: "2026-11-22 10:00"', "End: true"), GO + "/Timestamp", 5, 16
    ),
    "looks_like_path": Example(task("Parameters:", "  id: $.order.id"), PAY + "/Parameters/id", 7, 11),
    "result_is_static": Example(only("Pass", "Result:", "  id.$: $.order.id", "End: true"), GO + "/Result/id.$", 6, 7),
    "jsonata_is_text": Example(
        task("Parameters:", '  id: "{% $states.input.id %}"'), PAY + "/Parameters/id", 7, 11
    ),
    "looks_like_expression": Example(
        "QueryLanguage: JSONata\n" + only("Pass", "Output: $states.input.id", "End: true"), GO + "/Output", 6, 13
    ),
    "unknown_context_field": Example(
        task("Parameters:", "  id.$: $$.Execution.Nme"), PAY + "/Parameters/id.$", 7, 26
    ),
    "looks_like_callback": Example(
        only("Task", "Resource: activity:pay.waitForToken", "End: true"), GO + "/Resource", 5, 15
    ),
    "performed_by_workers": Example(
        only("Task", "Resource: arn:aws:states:::sns:publish", "End: true"), GO + "/Resource", 5, 15
    ),
    "intrinsic_arguments": Example(
        task("Parameters:", "  sum.$: States.MathAdd($.a)"), PAY + "/Parameters/sum.$", 7, 14
    ),
    "endless_loop": Example(
        only("Choice", "Choices:", "- Variable: $.again", "  BooleanEquals: true", "  Next: Round", "Default: Done")
        + "  Round:\n    Type: Pass\n    Next: Round\n  Done:\n    Type: Succeed\n",
        "/States/Round", 10, 3,
    ),
    "tolerance_ignored": Example(
        only(
            "Map",
            "ToleratedFailureCount: 3",
            "ItemProcessor:",
            "  StartAt: Each",
            "  States: {Each: {Type: Succeed}}",
            "End: true",
        ),
        GO + "/ToleratedFailureCount", 5, 5,
    ),
    "credentials_ignored": Example(
        task("Credentials: {RoleArn: arn:aws:iam::123456789012:role/pay}"), PAY + "/Credentials", 6, 5
    ),
    "uncatchable_error": Example(
        task("Retry:", "- ErrorEquals: [States.Runtime]"), PAY + "/Retry/0/ErrorEquals/0", 7, 21
    ),
    "unknown_error_name": Example(
        task("Retry:", "- ErrorEquals: [States.TimeOuts]"), PAY + "/Retry/0/ErrorEquals/0", 7, 21
    ),
}  # fmt: skip


HEAD = """# Problems

What publishing and `POST /v1/definitions:validate` can say about a definition. All problems are reported at once, in
the order of the text (no more than 1,000, errors first). An *error* refuses the definition; a *warning* does not. A code
keeps its meaning; messages and hints are for people and may change.

Each problem has `code`, `pointer` (a JSON pointer to the value, or to the object that lacks something), `line` and
`column` (from 1, in characters), `message`, `hint` (may be empty) and `severity`. Where AWS Step Functions would report
the same mistake, `aws` has its words: `code`, `message`, `location` (often the object, where `pointer` is the field; null
for the whole definition) and `severity`. `aws_also` lists what AWS says besides in consequence of that mistake: a state that
a misspelt `Next` no longer leads to, for example. `detent validate --aws` prints these.

Under each example stands what AWS says of it, if it does. The words were taken from AWS's answers where they are on
record; AWS gives no promise to keep them, and what it says of warnings is known by code only.

AWS reads JSON only, so that it has no words for what is wrong with YAML. Other problems without its words are those that it
is not known to refuse, such as the same key twice in an object, and those that it refuses in words not on record.
"""


def section(code: str) -> str:
    """One code on the page."""
    example = EXAMPLES[code]
    severity, meaning = CODES[code]
    problem = example.problem(code)
    lines = [f"## {code}", "", f"*{severity.capitalize()}.* {meaning}", ""]
    if example.told:
        lines += [example.told, ""]
    else:
        text = example.text if isinstance(example.text, str) else example.text.decode()
        lines += [f"```{example.notation}", text.rstrip("\n"), "```", ""]
    where = f"line {problem.line}, column {problem.column}"
    pointer = f" (`{problem.pointer}`)" if problem.pointer and len(problem.pointer) < 60 else ""
    if example.kind == "EXPRESS":
        where = f"published as EXPRESS: {where}"
    lines += [f"> {where}{pointer}: {_quoted(problem.message)}"]
    if problem.hint:
        lines += [f"> *{_quoted(problem.hint)}*"]
    if problem.aws and len(problem.aws.message) < 300:
        lines += ["", f"AWS: `{_aws(problem.aws)}`"]
    return "\n".join(lines) + "\n"


def _aws(found: Diagnostic) -> str:
    first, *placed = (
        found.message.splitlines()
    )  # the message of a text that is no JSON has its place, too
    place = "" if placed or found.location is None else f" at {found.location}"
    return f"{found.code}: {first}{place}"


def _quoted(text: str) -> str:
    return text.replace("*", "\\*").replace("<", "&lt;")


def page() -> str:
    """The whole of docs/reference/problems.md."""
    return "\n".join([HEAD, *(section(code) for code in CODES)])


if __name__ == "__main__":
    from pathlib import Path

    Path(__file__).parents[2].joinpath("docs/reference/problems.md").write_text(
        page(), encoding="utf-8"
    )
