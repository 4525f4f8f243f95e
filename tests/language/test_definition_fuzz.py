"""Whatever the text, the answer is a machine or problems; never an exception."""

from __future__ import annotations

import json
import random

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from language_cases import real_definitions

from engine.language import examine
from engine.language.problems import CODES

FIELDS = [
    "StartAt",
    "States",
    "Type",
    "Next",
    "End",
    "Comment",
    "Choices",
    "Default",
    "Variable",
    "And",
    "Or",
    "Not",
    "StringEquals",
    "Branches",
    "ItemProcessor",
    "Iterator",
    "ProcessorConfig",
    "Mode",
    "Resource",
    "Parameters",
    "Result",
    "ResultPath",
    "InputPath",
    "OutputPath",
    "Retry",
    "Catch",
    "ErrorEquals",
    "Seconds",
    "Timestamp",
    "TimeoutSeconds",
    "HeartbeatSeconds",
    "MaxConcurrency",
    "ItemsPath",
    "ItemSelector",
    "QueryLanguage",
    "Assign",
    "Output",
    "Label",
    "a.$",
    "Error",
    "ErrorPath",
    "Cause",
    "NumericLessThan",
    "IsPresent",
    "MaxAttempts",
    "BackoffRate",
]
TEXTS = [
    "A",
    "B",
    "Pass",
    "Task",
    "Choice",
    "Wait",
    "Succeed",
    "Fail",
    "Parallel",
    "Map",
    "$",
    "$$",
    "$.a",
    "$.a[0]",
    "$$.Map.Item.Value",
    "$.a[*]",
    "$..a",
    "JSONata",
    "activity:x",
    "signal:y",
    "https://h/p",
    "DISTRIBUTED",
    "INLINE",
    "States.ALL",
    "States.Format('{}',$.a)",
    "{%$a%}",
    "2026-01-01T00:00:00Z",
    "1.0",
]

junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**9)
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(TEXTS)
    | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=25,
)
state = st.builds(
    lambda kind, fields: {"Type": kind, **fields},
    st.sampled_from(["Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"]),
    st.dictionaries(st.sampled_from(FIELDS), junk, max_size=6),
)
machine = st.builds(
    lambda start, states, more: {"StartAt": start, "States": states, **more},
    st.sampled_from("AB"),
    st.dictionaries(st.sampled_from("ABC"), state | junk, max_size=3),
    st.dictionaries(st.sampled_from(FIELDS), junk, max_size=2),
)


def answers(text: str | bytes, notation: str | None = None) -> None:
    made, problems = examine(text, notation)
    assert (made is None) == any(problem.severity == "error" for problem in problems)
    lines = [(problem.line, problem.column) for problem in problems]
    assert lines == sorted(lines)
    for problem in problems:
        assert problem.code in CODES
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.message.strip()


@given(junk | machine)
@settings(max_examples=300, deadline=None)
def test_any_document_gets_an_answer_in_both_notations(document):
    text = json.dumps(document)
    answers(text, "json")
    answers(text, "yaml")


@given(machine)
@settings(max_examples=100, deadline=None)
def test_any_document_gets_an_answer_as_block_yaml(document):
    answers(yaml.safe_dump(document, allow_unicode=True), "yaml")


@given(st.text(max_size=60) | st.binary(max_size=60), st.sampled_from([None, "json", "yaml"]))
@settings(max_examples=300, deadline=None)
def test_any_text_gets_an_answer(text, notation):
    answers(text, notation)


@given(
    st.text(alphabet="{}[]:,\"'&*!|>-?#%@`~<= \n\t\\0129.eax$ué😀", max_size=60),
    st.sampled_from(["json", "yaml"]),
)
@settings(max_examples=500, deadline=None)
def test_any_punctuation_gets_an_answer(text, notation):
    answers(text, notation)


SEED = """
StartAt: A
States:
  A: {Type: Task, Resource: 'activity:x', Parameters: {'a.$': $.a}, TimeoutSeconds: 5, Next: B,
      Retry: [{ErrorEquals: [States.ALL], BackoffRate: 1.5}], Catch: [{ErrorEquals: [x], Next: C, ResultPath: null}]}
  B: {Type: Choice, Choices: [{And: [{Variable: $.a, IsPresent: true}, {Not: {Variable: $.a, StringEquals: b}}], Next: C}]}
  C: {Type: Map, ItemProcessor: {StartAt: D, States: {D: {Type: Wait, Seconds: 1, End: true}}}, Next: E}
  E: {Type: Parallel, Branches: [{StartAt: F, States: {F: {Type: Fail, Error: x}}}], End: true}
"""


@pytest.mark.parametrize("round_", range(150))
def test_a_damaged_definition_gets_an_answer(round_):
    chance = random.Random(round_)
    seeds = [yaml.safe_load(SEED), *(entry["definition"] for entry in real_definitions())]
    document = json.loads(json.dumps(chance.choice(seeds)))
    for _ in range(chance.randint(1, 4)):
        damage(document, chance)
    answers(json.dumps(document, indent=1))
    answers(yaml.safe_dump(document, allow_unicode=True, width=200), "yaml")


@pytest.mark.parametrize("round_", range(150))
def test_a_definition_with_a_damaged_text_gets_an_answer(round_):
    chance = random.Random(round_)
    text = list(SEED)
    for _ in range(chance.randint(1, 5)):
        text[chance.randrange(len(text))] = chance.choice("{}[]:,'\"&*!|>-? \n\t#%@\\$x1\x00é")
    answers("".join(text))


def damage(document, chance: random.Random) -> None:
    """Replace, remove, rename or repeat one part somewhere."""
    containers = [document]
    for container in containers:
        inner = container.values() if isinstance(container, dict) else container
        containers.extend(part for part in inner if isinstance(part, dict | list) and part)
    target = chance.choice(containers)
    key = chance.choice(list(target) if isinstance(target, dict) else range(len(target)))
    odd = [
        None,
        True,
        0,
        -1,
        1.5,
        10**30,
        "",
        "$",
        "{%x%}",
        [],
        {},
        [[]],
        {"a.$": 1},
        "A",
        chance.choice(TEXTS),
    ]
    match chance.randrange(4):
        case 0:
            target[key] = chance.choice(odd)
        case 1 if isinstance(target, dict):
            target[chance.choice(FIELDS)] = target.pop(key)
        case 2 if isinstance(target, dict):
            target[chance.choice(FIELDS)] = chance.choice(odd)
        case _:
            del target[key]
