"""The published documents: complete, current, and readable without a network."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import msgspec
import pytest
from scripted_engine import ScriptedEngine, client

from api import errors, openapi, pages, reference, server
from api.app import create_app
from api.rest import examples
from engine.core.tokens import parse_task_token
from engine.errors import EngineError
from engine.language import check
from engine.language.problems import Problem
from engine.settings import Settings

DOCUMENT = openapi.build()
MODULES = (errors, server)  # imported for the errors they define
ERRORS = (Path(openapi.ROOT) / "docs" / "reference" / "errors.md").read_text()


@pytest.mark.parametrize("path", openapi.published(), ids=lambda path: path.name)
def test_what_is_published_is_current(path):
    assert path.read_bytes() == openapi.published()[path], "run `python -m api.openapi`"


def test_the_check_fails_where_something_is_out_of_date(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(openapi, "ROOT", tmp_path)
    (tmp_path / "schemas").mkdir()
    (tmp_path / "docs" / "reference").mkdir(parents=True)
    assert openapi.main(["--check"]) == 1
    assert "schemas/openapi.json is out of date" in capsys.readouterr().err
    assert openapi.main([]) == 0
    assert openapi.main(["--check"]) == 0


def test_every_route_is_in_the_document():
    app = create_app(ScriptedEngine(), Settings())
    # "/" is the Step Functions protocol, which has a service model of its own.
    assert {route.path for route in app.routes} - {"/"} == set(DOCUMENT["paths"])
    assert app.openapi() == DOCUMENT


def test_every_field_and_parameter_is_described():
    silent = [
        f"{name}.{field}"
        for name, schema in DOCUMENT["components"]["schemas"].items()
        if name != "ProblemDetails"
        for field, of in schema["properties"].items()
        if not any("description" in option for option in [of, *of.get("anyOf", ())])
        and "$ref" not in of
    ]
    silent += [
        f"{path}?{parameter['name']}"
        for path, methods in DOCUMENT["paths"].items()
        for described in methods.values()
        for parameter in described.get("parameters", ())
        if not parameter["description"]
    ]
    assert silent == []


def test_every_operation_has_an_example_its_errors_and_a_command():
    for methods in DOCUMENT["paths"].values():
        for described in methods.values():
            assert described["x-curl"].startswith("curl ")
            assert "500" in described["responses"]
            if "401" not in described["responses"]:
                assert described["security"] == []


def test_references_lead_somewhere():
    text = openapi.published()[openapi.ROOT / "schemas" / "openapi.json"].decode()
    named = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert named == set(DOCUMENT["components"]["schemas"]) - {"Problem"} | (named & {"Problem"})


async def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing():
    async with client() as http:
        response = await http.get("/docs")
    text = response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in text
    assert not re.search(r"""(src|href)=["'](https?:)?//""", text)
    assert not re.search(r"""\s(style|on\w+)=""", text)
    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in response.headers["content-security-policy"]


def test_the_page_shows_what_each_operation_takes_in_its_body():
    html, _ = pages.page(DOCUMENT)
    for name, fields in {
        "lease": ["queue", "max", "wait_seconds", "lease_seconds", "worker"],
        "start": ["name", "wait", "input", "version"],
        "exchange": ["results", "results[].token", "results[].output"],
    }.items():
        shown = html.partition(f'<section id="{name}">')[2].partition("</section>")[0]
        assert [f for f in fields if f"<td><code>{f}</code></td>" not in shown] == []


def test_the_page_shows_code_as_code():
    html, _ = pages.page(DOCUMENT)
    # All that is left is the character as such, among those that a name may not hold.
    assert set(re.findall(r".`.", html)) == {"~`$"}
    assert "<code>wait_seconds</code>" in html


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"host": "localhost:18601"}, "http://localhost:18601"),
        ({"host": "[::1]:9"}, "http://[::1]:9"),
        ({"host": "detent.example", "x-forwarded-proto": "https"}, "https://detent.example"),
        ({"host": 'x"><script>'}, "http://127.0.0.1:8083"),
        ({"host": "a b"}, "http://127.0.0.1:8083"),
        ({"host": ""}, "http://127.0.0.1:8083"),
    ],
)
async def test_documentation_needs_no_token_and_names_the_host_it_was_asked_at(path, headers, base):
    guarded = Settings(token="s3cret", host="0.0.0.0")
    async with client(settings=guarded) as http:
        response = await http.get(path, headers=headers)
    assert response.status_code == 200
    assert f"curl {base}/v1/executions" in response.text
    assert base == "http://127.0.0.1:8083" or "127.0.0.1:8083" not in response.text
    assert "s3cret" not in response.text
    assert "<script" not in response.text


def test_a_parameter_keeps_its_own_meaning_where_a_field_of_that_name_has_another():
    version = DOCUMENT["components"]["schemas"]["StartBody"]["properties"]["version"]
    assert reference.parameters(
        {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/x/StartBody"}}}}},
        {"StartBody": {"properties": {"version": version}}},
    ) == [
        (
            "version",
            "body",
            "1 to 2,147,483,647",
            "A version of the definition; the current one if absent.",
        )
    ]


def test_the_examples_are_what_the_engine_makes():
    assert re.fullmatch("[0-9a-f]{64}", examples.HASH)
    place = parse_task_token(examples.TOKEN)
    assert (place.execution, place.frame) == ("order:42", "0")
    (problem,) = examples.VALIDATED["problems"]
    assert msgspec.convert(problem, Problem) == check(examples.MISTAKEN)[0]
    assert problem["hint"] == "Did you mean Ship?"


def test_the_page_shows_every_operation_with_its_command():
    html, _ = pages.page(DOCUMENT)
    for methods in DOCUMENT["paths"].values():
        for described in methods.values():
            assert f'id="{described["operationId"]}"' in html
    assert html.count("<pre>curl ") == sum(len(m) for m in DOCUMENT["paths"].values())
    assert "<!--" not in html


def every_error() -> list[type[EngineError]]:
    found, todo = [], [EngineError]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        if kind.__module__.split(".")[0] in {"engine", "api"}:
            found.append(kind)
    return found


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.code)
def test_every_error_is_documented_with_its_status_and_message(kind):
    _, found, rest = ERRORS.partition(f"\n### `{kind.code}`\n")
    assert found, f"docs/reference/errors.md lacks {kind.code}"
    entry = " ".join(rest.partition("\n##")[0].split()).replace("``", "")
    first = (kind.__doc__ or "").strip().splitlines()[0]
    assert " ".join(first.split()) in entry
    assert entry.startswith((f"{kind.status}. ", "Not over HTTP"))


def test_every_code_in_the_page_is_one_of_ours():
    codes = set(re.findall(r"^### `(\w+)`$", ERRORS, re.MULTILINE))
    assert codes == {kind.code for kind in every_error()}
