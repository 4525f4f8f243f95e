"""Paths: what they find, what they refuse, and how they say so."""

from __future__ import annotations

import pytest

from engine.language.expressions import path_selectors
from engine.language.expressions.paths import NoMatch, parse_path, parse_reference_path
from engine.language.expressions.scope import ExpressionError, Scope

PETS = {
    "pets": [
        {"name": "Rex", "species": "dog", "age": 4, "tags": ["big"], "chip": None},
        {"name": "Tom", "species": "cat", "age": 5, "tags": [], "chip": False},
        {"name": "Kit", "species": "cat", "age": 1, "tags": ["new", "shy"]},
        "stray",
    ],
    "matrix": [[1, 2], [3], [], 4],
    "shop": {"a": {"price": 1, "in": {"price": 2}}, "price": 3},
    "odd names": {"it's": 1, "a.b": 2, 'back\\"slash': 3, "é": 4, "x-y": 5, "1st": 6, "where": 7},
    "none": None,
    "mixed": [{"v": 5}, {"v": "5"}, {"v": 5.0}, {"v": True}, {"v": [1]}, {}],
}


def scope(context: dict | None = None) -> Scope:
    return Scope(lambda: context or {}, entropy=None)


def find(path: str, value: object = None, context: dict | None = None) -> object:
    return parse_path(path).find(PETS if value is None else value, scope(context))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.pets[0].name", "Rex"),
        ("$.pets[-2].name", "Kit"),
        ("$['pets'][1]['name']", "Tom"),
        ("$[ 'pets' ][ 1 ].name", "Tom"),
        ('$["pets"][1].name', "Tom"),
        ("$.pets.[0].name", "Rex"),
        ("$.pets[(@.length-1)]", "stray"),
        ("$.none", None),
        ("$['odd names']['it\\'s']", 1),
        ("$['odd names']['a.b']", 2),
        ("$['odd names']['back\\\"slash']", 3),
        ("$['odd names'].é", 4),
        ("$['odd names'].x-y", 5),
        ("$['odd names'].1st", 6),
        ("$['odd names'].where", 7),
        ("$.shop['price','missing']", {"price": 3}),
    ],
)
def test_a_definite_path_answers_the_value(path, expected):
    assert parse_path(path).definite
    assert find(path) == expected


def test_the_root_answers_the_whole_value():
    assert find("$") is PETS


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.pets[*].name", ["Rex", "Tom", "Kit"]),
        ("$.matrix[*][*]", [1, 2, 3]),
        ("$.matrix[*][0]", [1, 3]),
        ("$.matrix[0,2,9]", [[1, 2], []]),
        ("$.matrix[1:]", [[3], [], 4]),
        ("$.matrix[:1]", [[1, 2]]),
        ("$.matrix[1:3]", [[3], []]),
        ("$.matrix[-1:]", [4]),
        ("$.shop.*.price", [1]),
        ("$.shop..price", [3, 1, 2]),
        ("$..in", [{"price": 2}]),
        ("$.pets..tags[0]", ["big", "new"]),
        ("$..nothing", []),
        ("$.shop..['price']", [3, 1, 2]),
        ("$.matrix..[0]", [[1, 2], 1, 3]),
        ("$.pets[?(@.chip)].name", ["Rex", "Tom"]),
        ("$.pets[?(!@.chip)].name", ["Rex", "Kit"]),
        ("$.pets[?(@.species == 'cat' && @.age<5)].name", ["Kit"]),
        ("$.pets[?(@.species=='dog' || @.age >= 5)].name", ["Rex", "Tom"]),
        ("$.pets[?(!(@.species == 'cat'))].name", ["Rex"]),
        ("$.pets[?(@.species == cat)].name", ["Tom", "Kit"]),
        ('$.pets[?("cat" == @.species)].name', ["Tom", "Kit"]),
        ("$.pets[?(@.age > 4)].name", ["Tom"]),
        ("$.pets[?(@.age <= 4.0)].name", ["Rex", "Kit"]),
        ("$.pets[?(@.chip == null)].name", ["Rex"]),
        ("$.pets[?(@.chip == false)].name", ["Tom"]),
        ("$.pets[?(@.chip != false)].name", ["Rex", "Kit"]),
        ("$.pets[?(@.tags[0] == 'new')].name", ["Kit"]),
        ("$.pets[?(@.tags[*])].name", ["Rex", "Kit"]),
        ("$.pets[?(@['name'] > 'S')].name", ["Tom"]),
        ("$.pets[?(@ == 'stray')]", []),
        ("$.mixed[?(@.v == 5)]", [{"v": 5}, {"v": "5"}, {"v": 5.0}]),
        ("$.mixed[?(@.v === 5)]", [{"v": 5}, {"v": 5.0}]),
        ("$.mixed[?(@.v == true)]", [{"v": True}]),
        ("$.mixed[?(@.v > 4)]", [{"v": 5}, {"v": 5.0}]),
        ("$.shop[?(@.price == 3)]['a'].price", [1]),
        ("$..[?(@.price == 2)]", [{"price": 2}]),
        ("$.missing[*]", []),
        ("$.missing.deeper[1:].x", []),
        ("$.missing[?(@.x == 1)]", []),
        ("$.none[*]", []),
    ],
)
def test_an_indefinite_path_answers_a_list(path, expected):
    assert not parse_path(path).definite
    assert find(path) == expected


@pytest.mark.parametrize(
    ("path", "reason", "is_index"),
    [
        ("$.x", "No results for path: $['x']", False),
        ("$.shop.x", "No results for path: $['shop']['x']", False),
        ("$.no.such.path", "Missing property in path $['no']", False),
        ("$.pets[4]", "No results for path: $['pets'][4]", True),
        ("$.pets[-5].name", "No results for path: $['pets'][-5]['name']", True),
        ("$.none[0]", "The path $['none'] is null", False),
        (
            "$.shop.price.x",
            (
                "Expected to find an object with property ['x'] in path $['shop']['price'] "
                "but found 'number'."
            ),
            False,
        ),
        (
            "$.matrix[3][0]",
            "Filter: [0] can only be applied to arrays. Current context is: 4",
            False,
        ),
        (
            "$.pets[3][0]",
            'Filter: [0] can only be applied to arrays. Current context is: "stray"',
            False,
        ),
    ],
)
def test_a_definite_path_that_finds_nothing_says_which_step_failed(path, reason, is_index):
    with pytest.raises(NoMatch) as missing:
        find(path)
    assert (missing.value.reason, missing.value.is_index) == (reason, is_index)
    assert missing.value.cause == f"Invalid path '{path}' : {reason}"
    assert missing.value.error == "States.Runtime"


@pytest.mark.parametrize("value", [None, 1, True, "text", []])
def test_a_name_finds_nothing_in_what_is_not_an_object(value):
    with pytest.raises(NoMatch):
        parse_path("$.a").find(value, scope())


def test_two_dollars_read_the_context_object():
    context = {"Execution": {"Name": "e", "Input": {"a": [1, 2]}}}
    assert find("$$.Execution.Name", {}, context) == "e"
    assert find("$$.Execution.Input.a[*]", {}, context) == [1, 2]
    assert find("$$", {}, context) is context
    with pytest.raises(NoMatch) as missing:
        find("$$.Execution.Nope", {}, context)
    assert missing.value.path == "$$.Execution.Nope"


@pytest.mark.parametrize(
    ("path", "prefix", "reads"),
    [
        ("$$.Execution.Input.a", ("Execution", "Input"), True),
        ("$$.Execution", ("Execution", "Input"), True),
        ("$$", ("Map",), True),
        ("$$..Item", ("Map",), True),
        ("$$['Map'].Item", ("Map",), True),
        ("$$['State','Map']", ("Map",), True),
        ("$$['State','Task']", ("Map",), False),
        ("$$.Execution.Name", ("Execution", "Input"), False),
        ("$$.State", ("Map",), False),
        ("$.Map", ("Map",), False),
        ("$$.State", (), True),
    ],
)
def test_what_a_path_can_read_of_the_context_is_known_beforehand(path, prefix, reads):
    assert parse_path(path).reads_context(*prefix) is reads


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("", "a path starts with '$'"),
        ("a.b", "a path starts with '$'"),
        (" $.a", "a path starts with '$'"),
        ("$.", "a '.' must be followed by a name, '*' or '['"),
        ("$..", "a '.' must be followed by a name"),
        ("$...a", "a '.' must be followed by a name"),
        ("$1", "'1' is not expected"),
        ("$.a b", "a name with blanks is written in brackets"),
        ("$.a ", "a name with blanks is written in brackets"),
        ("$.a]", "']' is not expected"),
        ("$.a.length()", "functions such as length() are not supported"),
        ("$.a[", "'[' must be followed by '"),
        ("$.a[]", "'[' must be followed by '"),
        ("$.a[b]", "'[' must be followed by '"),
        ("$.a[1.5]", "'[' must be followed by '"),
        ("$.a[:]", "'[' must be followed by '"),
        ("$.a[0:4:2]", "'[' must be followed by '"),
        ("$['a", "the string is not closed by '"),
        ("$['a'", "']' was expected"),
        ("$['a',]", "a quoted name must follow ','"),
        ("$['a','b'].c", "several names in one bracket can only be the last step"),
        ("$.a[?@.x>1]", "'(' was expected"),
        ("$.a[?(@.x>1]", "')' was expected"),
        ("$.a[?(@.x = 1)]", "')' was expected"),
        ("$.a[?(1)]", "a filter must compare"),
        ("$.a[?()]", "a filter compares"),
        ("$.a[?(@.x =~ /a/)]", "filters by regular expression are not supported"),
        ("$.a[?(@.x in ['a'])]", "the filter operator 'in' is not supported"),
        ("$.a[?(@.x == $.y)]", "a filter can only look at '@'"),
        ("$.a[?(@.x.length() > 1)]", "functions such as length() are not supported"),
        ("$.a[?" + "(" * 40 + "@.x" + ")" * 40 + "]", "filters nest deeper"),
    ],
)
def test_a_bad_path_is_refused_with_the_fault_and_its_place(path, fault):
    with pytest.raises(ValueError) as refused:
        parse_path(path)
    assert str(refused.value).startswith("Value is not a valid JSONPath: ")
    assert fault in str(refused.value)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("a", "Value is not a Reference Path: Reference path didn't start with '$'"),
        ("$[a]", "Value is not a Reference Path: '[' must be followed by ' or "),
        ("$.a[*]", "Value is not a Reference Path: '$.a[*]' can address several nodes"),
        ("$..a", "Value is not a Reference Path: '$..a' can address several nodes"),
        ("$.a[0,1]", "Value is not a Reference Path: '$.a[0,1]' can address several nodes"),
        ("$['a','b']", "Value is not a Reference Path: '$['a','b']' can address several nodes"),
        ("$.a[?(@.b)]", "Value is not a Reference Path: '$.a[?(@.b)]' can address several nodes"),
    ],
)
def test_a_reference_path_must_address_one_node(path, fault):
    with pytest.raises(ValueError) as refused:
        parse_reference_path(path)
    assert str(refused.value).startswith(fault)


@pytest.mark.parametrize(
    ("path", "root", "expected"),
    [
        ("$", {"a": 1}, "new"),
        ("$.b", {"a": 1}, {"a": 1, "b": "new"}),
        ("$.a", {"a": {"x": 1}}, {"a": "new"}),
        ("$.audit.review.final", {"a": 1}, {"a": 1, "audit": {"review": {"final": "new"}}}),
        ("$[1].b", [{}, {"a": 1}, 4], [{}, {"a": 1, "b": "new"}, 4]),
        ("$.a[-1]", {"a": [1, 2]}, {"a": [1, "new"]}),
    ],
)
def test_putting_a_value_creates_what_is_absent(path, root, expected):
    assert parse_reference_path(path).put(root, "new") == expected


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("$.a", "text"),
        ("$.a", 1),
        ("$.a", None),
        ("$.a", [{}]),
        ("$.a.b", {"a": 5}),
        ("$.a.b", {"a": None}),
        ("$.a[0]", {}),
        ("$.a[1]", {"a": [1]}),
        ("$[0]", {"0": 1}),
        ("$$.a", {}),
    ],
)
def test_putting_a_value_where_it_cannot_go_is_a_runtime_error(path, root):
    with pytest.raises(ExpressionError) as refused:
        parse_reference_path(path).put(root, "new")
    assert refused.value.error == "States.Runtime"
    assert path in refused.value.cause


@pytest.mark.parametrize(
    "path", ["$..*", "$..a", "$..[?(@.a)]", "$[*][*]", "$..*..*", "$[?(@..a)]"]
)
def test_a_path_that_visits_too_many_nodes_is_stopped(monkeypatch, path):
    monkeypatch.setattr(path_selectors, "NODES_MAX", 1000)
    with pytest.raises(ExpressionError, match="visits more than 1000 nodes"):
        find(path, [[{"a": n} for n in range(40)] for _ in range(40)])
