import datetime as dt
import decimal
import json

import pytest

from detent import NotJson
from detent.documents import to_json


@pytest.mark.parametrize(
    "value", [None, True, 0, -(2**70), 1.0, 1e300, "ü\n\u2028", [], {}, {"a": [{"b": (1, 2)}]}]
)
def test_what_json_holds_survives_unchanged(value):
    assert json.loads(to_json(value)) == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), r"\$ is nan"),
        ({"a": [1, float("inf")]}, r"\$\.a\[1\] is inf"),
        ({"a": b"x"}, r"\$\.a is a bytes"),
        ([decimal.Decimal(1)], r"\$\[0\] is a Decimal"),
        ({"when": dt.datetime(2026, 1, 1)}, r"\$\.when is a datetime"),
        ({"s": {1, 2}}, r"\$\.s is a set"),
        ({"a": {1: 2}}, r"\$\.a has the name 1, a int"),
        ({True: 2}, r"\$ has the name True"),
        ({"a": "\ud800"}, r"\$\.a has a lone surrogate"),
        ({"\ud800": 1}, r"\$ has a name with a lone surrogate"),
        (object(), r"\$ is a object"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place(value, words):
    with pytest.raises(NotJson, match=words):
        to_json(value)


def test_a_value_within_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(NotJson, match="refers to itself"):
        to_json(value)
