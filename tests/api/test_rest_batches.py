"""Many starts in one request: each is answered by itself, in order, as a start alone would be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from engine.commands.batches import STARTS_MAX

WAITS = (
    '{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "activity:never", "End": true}}}'
)
QUICK = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'


@pytest.fixture
def http(served_url: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=served_url, timeout=30) as client:
        yield client


@pytest.fixture
def waits(http: httpx2.Client, name: str) -> str:
    """A definition whose executions stay."""
    assert http.put(f"/v1/definitions/{name}", content=WAITS).status_code == 201
    return name


def batch(http: httpx2.Client, definition: str, *starts: Any) -> list[dict[str, Any]]:
    answer = http.post(f"/v1/definitions/{definition}/executions:batch", json={"starts": starts})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def test_each_start_has_its_own_answer_in_the_order_sent(http, waits):
    http.post(f"/v1/definitions/{waits}/executions", json={"name": "there", "input": 1})
    results = batch(
        http,
        waits,
        {"name": "new", "input": {"a": 1}},
        {"name": "there", "input": 1},
        {"name": "there", "input": 2},
        {"name": "not allowed"},
        {"name": "later", "version": 7},
        {"name": "by", "alias": "nobody"},
        {"name": "last"},
    )
    said = [
        result["execution"]["name"] if "execution" in result else result["problem"]["code"]
        for result in results
    ]
    assert said == [
        "new",
        "there",
        "execution_already_exists",
        "invalid_name",
        "definition_not_found",
        "alias_not_found",
        "last",
    ]
    assert [result["result"] for result in results] == [
        *("started", "existed", "refused", "refused", "refused", "refused", "started")
    ]


@pytest.mark.parametrize(
    "start",
    [
        {"name": "taken", "input": 2},
        {"name": "a b"},
        {"version": 9},
        {"alias": "nobody"},
        {"version": 1, "alias": "a"},
    ],
)
def test_a_start_in_a_batch_is_refused_with_the_problem_that_a_single_one_is_answered_with(
    http, waits, start
):
    path = f"/v1/definitions/{waits}/executions"
    assert http.post(path, json={"name": "taken", "input": 1}).status_code == 201
    alone = http.post(path, json=start)
    [result] = batch(http, waits, start)
    assert result == {"result": "refused", "problem": alone.json()}
    assert alone.json()["status"] == alone.status_code


def test_an_input_that_is_no_document_is_refused_alone(http, waits):
    deep = "[" * 200 + "]" * 200
    body = f'{{"starts": [{{"input": {deep}}}, {{"name": "fine"}}]}}'
    path = f"/v1/definitions/{waits}/executions:batch"
    first, second = http.post(path, content=body).json()["results"]
    assert (first["problem"]["code"], first["problem"]["path"]) == (
        "invalid_document",
        "$.starts[0].input",
    )
    assert second["execution"]["name"] == "fine"


def test_a_batch_that_is_repeated_starts_nothing_twice(http, waits):
    starts = [{"name": f"n{number}", "input": number} for number in range(STARTS_MAX)]
    first, again = batch(http, waits, *starts), batch(http, waits, *starts)
    assert {result["result"] for result in first} == {"started"}
    assert {result["result"] for result in again} == {"existed"}
    ids = [f"{waits}:n{number}" for number in range(STARTS_MAX)]
    assert [result["execution"]["id"] for result in first] == ids
    assert [result["execution"]["id"] for result in again] == ids
    count = http.get("/v1/executions:count", params={"definition": waits}).json()
    assert count["count"] == STARTS_MAX


def test_a_name_given_twice_starts_once(http, waits):
    results = batch(http, waits, *[{"name": "one", "input": 1}] * 3)
    assert sorted(result["result"] for result in results) == ["existed", "existed", "started"]


def test_a_batch_of_none_or_too_many_and_a_misspelt_field_are_refused_whole(http, waits):
    path = f"/v1/definitions/{waits}/executions:batch"
    for starts in ([], [{}] * (STARTS_MAX + 1), [{"name": "a"}, {"inptu": 1}]):
        answer = http.post(path, json={"starts": starts})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["errors"][0]["path"].startswith("$.starts[1]")
    count = http.get("/v1/executions:count", params={"definition": waits}).json()
    assert count["count"] == 0


def test_express_executions_start_in_a_batch_too(http, name):
    http.put(f"/v1/definitions/{name}?type=EXPRESS", content=QUICK)
    results = batch(http, name, {"name": "a"}, {"name": "a"})
    assert [result["result"] for result in results] == ["started", "started"]
    assert results[0]["execution"]["id"] != results[1]["execution"]["id"]
