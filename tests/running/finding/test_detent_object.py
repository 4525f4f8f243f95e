"""The `Detent` object of a definition: what it compiles to, and what is refused in it, with its place."""

from __future__ import annotations

import pytest

from engine.language import check, read
from engine.language.machine import KEEPING
from engine.language.resources.express import examine_as

REST = "StartAt: Go\nStates: {Go: {Type: Succeed}}\n"
FULL = """Detent:
  SearchAttributes: {customer: $.customer.id, third: "$.lines[2].sku"}
  HistoryRecords: 1000
  RetentionHours: 1.5
  Running: migrate
"""


def told(text: str) -> list[tuple[str, int, int]]:
    return [(p.code, p.line, p.column) for p in check(text) if p.severity == "error"]


def test_a_definition_without_the_object_has_the_defaults():
    assert read(REST).keeping is KEEPING
    assert read("Detent: {}\n" + REST).keeping == KEEPING


def test_everything_the_object_says_is_compiled():
    keeping = read(FULL + REST).keeping
    assert (keeping.history_records, keeping.retention_hours) == (1000, 1.5)
    assert keeping.running == "migrate"
    data = {"customer": {"id": 7}, "lines": [{}, {}, {"sku": "m"}]}
    found = {name: path.find(data, None) for name, path in keeping.search_attributes.items()}
    assert found == {"customer": 7, "third": "m"}


def test_what_the_object_says_is_content_that_makes_a_new_version():
    hashes = {
        read(text + REST).content_hash
        for text in ("", FULL, "Detent: {Running: keep}\n", "Detent: {HistoryRecords: 100}\n")
    }
    assert len(hashes) == 4


@pytest.mark.parametrize(
    ("line", "code", "column"),
    [
        ("Serch: 1", "unknown_field", 3),
        ("HistoryRecords: 99", "out_of_range", 19),
        ("HistoryRecords: 100.5", "wrong_type", 19),
        ("RetentionHours: -1", "out_of_range", 19),
        ("RetentionHours: true", "wrong_type", 19),
        ("Running: move", "not_allowed", 12),
        ("SearchAttributes: [a]", "wrong_type", 21),
        ("SearchAttributes: {a: 1}", "wrong_type", 25),
        ("SearchAttributes: {_a: $.a}", "invalid_attribute", 22),
        ("SearchAttributes: {a-b: $.a}", "invalid_attribute", 22),
        ('SearchAttributes: {"a\\n": $.a}', "invalid_attribute", 22),
        (f"SearchAttributes: {{{'a' * 33}: $.a}}", "invalid_attribute", 22),
        ("SearchAttributes: {a: b}", "invalid_path", 25),
        ("SearchAttributes: {a: '$.a[*]'}", "invalid_path", 25),
        ("SearchAttributes: {a: '$.a..b'}", "invalid_path", 25),
        ("SearchAttributes: {a: '$$.Execution.Id'}", "invalid_path", 25),
        ("SearchAttributes: {a: $v.id}", "invalid_path", 25),
        ("SearchAttributes: {a: '{% $states.input.a %}'}", "invalid_path", 25),
    ],
)
def test_a_mistake_in_the_object_is_reported_once_at_its_place(line, code, column):
    assert told(f"Detent:\n  {line}\n{REST}") == [(code, 2, column)]


def test_ten_attributes_are_possible_and_eleven_are_not():
    for count, problems in ((10, []), (11, ["too_many_attributes"])):
        lines = "".join(f"    a{number}: $.a\n" for number in range(count))
        found = told(f"Detent:\n  SearchAttributes:\n{lines}{REST}")
        assert [code for code, *_ in found] == problems


def test_the_object_stands_only_at_the_top():
    inner = "{StartAt: I, Detent: {}, States: {I: {Type: Succeed}}}"
    text = f"StartAt: P\nStates: {{P: {{Type: Parallel, End: true, Branches: [{inner}]}}}}\n"
    assert [code for code, *_ in told(text)] == ["unknown_field"]


def test_an_express_definition_is_refused_each_field_that_presumes_a_store():
    machine, problems = examine_as("EXPRESS", FULL + REST, None)
    assert machine is None
    assert [(p.code, p.pointer, p.line) for p in problems] == [
        ("express_detent", "/Detent/SearchAttributes", 2),
        ("express_detent", "/Detent/HistoryRecords", 3),
        ("express_detent", "/Detent/RetentionHours", 4),
        ("express_detent", "/Detent/Running", 5),
    ]


def test_an_express_definition_may_say_that_what_runs_keeps_its_version():
    machine, problems = examine_as("EXPRESS", "Detent: {Running: keep}\n" + REST, None)
    assert machine is not None
    assert problems == ()
