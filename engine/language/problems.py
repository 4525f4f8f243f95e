"""What can be wrong with a definition: one stable code per kind of mistake, and where it stands in the text.

`CODES` is the whole list; docs/reference/problems.md shows each with an example. A code, once released, keeps its
meaning: tools match on codes, people read messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from engine.language.diagnostics.diagnostic import Diagnostic

Severity = Literal["error", "warning"]


class Problem(Struct, frozen=True):
    """One mistake (`error`: the definition is refused) or doubt (`warning`: it is accepted)."""

    code: str
    pointer: (
        str  # JSON pointer (RFC 6901) of the offending value, or of the object that lacks something
    )
    line: int  # 1 is the first
    column: int  # 1 is the first; counts Unicode characters
    message: str
    hint: str = ""  # what to do about it
    severity: Severity = "error"
    aws: Diagnostic | UnsetType = (
        UNSET  # the same as AWS Step Functions words it, where it would, too
    )
    aws_also: tuple[Diagnostic, ...] | UnsetType = (
        UNSET  # what it says besides, in consequence of the same mistake
    )


_ERRORS = {
    # text
    "too_large": "The text is larger than 1 MiB (1,048,576 bytes of UTF-8).",
    "not_utf8": "The text is not UTF-8.",
    "control_character": "The text holds an invisible control character, or half of a surrogate pair.",
    "empty_definition": "There is nothing in the text.",
    "not_an_object": "The text is well-formed, but its outermost value is not an object.",
    "invalid_json": "The text is not JSON.",
    "invalid_yaml": "The text is not YAML.",
    "duplicate_key": "One object has the same key twice; readers differ in which one they keep.",
    "too_deep": "Objects and lists lie more than 64 levels inside one another.",
    "too_many_values": "The document holds more than 150,000 keys and values, or YAML aliases add more than 2,000.",
    "not_json_value": "The value has no JSON form: NaN, infinity, or a number beyond the range of a double.",
    "yaml_ambiguous": "An unquoted YAML value means one thing to YAML 1.1 readers and another to YAML 1.2 readers.",
    "yaml_tag": "A YAML tag such as !!int or !Sub; definitions are plain JSON values.",
    "yaml_alias": "A YAML alias names no anchor, or one it lies inside of, or there are more than 100 aliases.",
    "yaml_merge_key": "The YAML merge key <<, which YAML 1.2 does not have.",
    "yaml_key_not_text": "A key of a YAML mapping is not text.",
    "yaml_documents": "The text holds more than one YAML document.",
    # structure
    "unknown_field": "The field does not exist here.",
    "missing_field": "A required field is missing.",
    "exclusive_fields": "Fields that exclude one another stand side by side.",
    "wrong_type": "The value has another JSON type than the field takes.",
    "out_of_range": "The number is smaller or larger than the field takes.",
    "empty": "The list or object must not be empty.",
    "too_long": "The text is longer than the field takes.",
    "not_allowed": "The field takes one of a few values, and this is none of them.",
    "unknown_state_type": "The state's Type is none of the eight state types.",
    "invalid_state_name": "A state name has 1 to 80 characters, none of them a control character.",
    "distributed_only": "The field belongs to a distributed Map, and the Map is inline.",
    "invalid_reader": "Fields of ReaderConfig that do not go together, or an ItemsPointer that is no JSON pointer.",
    "invalid_label": "A label has 1 to 40 characters, none of them white space or one that ARNs cannot have.",
    "duplicate_label": "Two distributed Maps of one definition share a label.",
    # graph
    "unknown_target": "A transition names a state that does not exist.",
    "target_out_of_scope": "A transition leads into or out of a Parallel branch or a Map processor.",
    "unreachable_state": "No transition leads to the state.",
    "no_terminal_state": "No state ends the machine.",
    "duplicate_state_name": "Two states of one definition share a name.",
    # fields
    "states_all_placement": "States.ALL has to stand alone in its list, in the last retrier or catcher.",
    "heartbeat_not_below_timeout": "HeartbeatSeconds has to be smaller than TimeoutSeconds.",
    "unsupported_resource": "Nothing here performs the Resource.",
    "malformed_resource": "The Resource is of a known kind, but its name or URL is not well-formed.",
    "callback_unsupported": "The Resource cannot wait for a task token.",
    "wrong_query_language": "The field, or the expression in it, exists only in the other query language.",
    "query_language_mixed": "A state is in JSONPath although the machine is in JSONata.",
    "invalid_variable": "The name in Assign is not one that a variable can have here.",
    "express_unsupported": "An Express execution waits for no callback, no other service's job and no activity, and has no distributed Map.",
    "express_signal": "An Express execution cannot wait for a signal.",
    "invalid_attribute": "A search attribute's name has 1 to 32 letters, digits or underscores, and begins with a small letter.",
    "too_many_attributes": "A definition declares more than 10 search attributes.",
    "express_detent": "An Express execution is never stored, so that it is not kept, found or moved to another version.",
    "invalid_path": "The path cannot be read, or is of a form that the field does not take.",
    "invalid_template": "A key that ends in .$ holds neither a path nor an intrinsic function.",
    "invalid_condition": "The choice rule cannot be read.",
    "invalid_jsonata": "The JSONata expression cannot be parsed, or does not close with %}.",
    "unsupported_jsonata": "The JSONata expression reads a name, $ or $$ at its top level, where there is nothing to read it from.",
    "unknown_states_field": "$states has no such field in this place.",
    "invalid_schema": "The Schema of a signal's payload is no JSON Schema that can be checked against.",
    "invalid_timestamp": "The timestamp is not of the form 2026-11-22T10:00:00Z (RFC 3339).",
}
_WARNINGS = {
    "looks_like_path": "The value reads like a path or an intrinsic function, but its key does not end in .$ (or Path), so it is plain text.",
    "result_is_static": "Result is copied as it stands: paths, and keys that end in .$, have no effect in it.",
    "jsonata_is_text": "The value reads like a JSONata expression, but the state is in JSONPath mode, so it is plain text.",
    "looks_like_expression": "The value reads like a JSONata expression, but has something around {% and %} or lacks them, so it is plain text.",
    "unknown_context_field": "The Context Object ($$) has no such field; a path to it fails the execution that comes to it.",
    "looks_like_callback": "The Resource ends in what is nearly .waitForTaskToken, so that the task does not wait for a token.",
    "performed_by_workers": "The Resource is a service that Detent does not call: workers of a queue perform the task.",
    "intrinsic_arguments": "The intrinsic function is called with a number of arguments that it does not take.",
    "endless_loop": "Once here, no transition leads to an end any more.",
    "tolerance_ignored": "A Map tolerates no failures: its iterations run inside this execution.",
    "credentials_ignored": "Credentials have no effect.",
    "uncatchable_error": "States.Runtime is never retried or caught.",
    "unknown_error_name": "The error name starts with States. or Detent. but is none of the reserved names.",
}

CODES: Mapping[str, tuple[Severity, str]] = MappingProxyType(
    {code: ("error", text) for code, text in _ERRORS.items()}
    | {code: ("warning", text) for code, text in _WARNINGS.items()}
)


def severity_of(code: str) -> Severity:
    """The severity of a code; KeyError for one that is not in the list."""
    return CODES[code][0]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint naming the nearest known name, or nothing."""
    near = nearest(name, known)
    return f"Did you mean {near}?" if near else ""


def nearest(name: str, known: Iterable[str], *, likeness: float = 0.7) -> str | None:
    """The known name that `name` most likely stands for.

    The same but for case; else the same but for two characters swapped; else the closest by difflib's ratio, which is
    at least `likeness`. Fewer names to choose from allow for less likeness.
    """
    names = list(known)
    folded = name.strip().casefold()
    by_form = {candidate.strip().casefold(): candidate for candidate in reversed(names)}
    if folded in by_form:
        return by_form[folded]
    # difflib is quadratic in the length; names are short, hostile ones need not be helped.
    if len(name) > 200 or len(names) > 2000:
        return None
    for form, candidate in by_form.items():
        if _swapped(folded, form):
            return candidate
    forms = [form for form in by_form if len(form) <= 200]
    found = get_close_matches(folded, forms, n=1, cutoff=likeness)
    return by_form[found[0]] if found else None


def _swapped(one: str, other: str) -> bool:
    """Whether two neighbouring characters are all that differs."""
    if len(one) != len(other):
        return False
    differing = [at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(differing) != 2 or differing[1] - differing[0] != 1:
        return False
    first, second = differing
    return one[first] == other[second] and one[second] == other[first]
