"""Tidiness, kept by a test: sizes, contracts and docstrings, documentation that is complete, commands that agree."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
SCRIPT_LINES_MAX = 100
FOLDER_ENTRIES_MAX = 20
SOURCES = ("engine", "api", "cli", "sdk/detent")
TREES = (*SOURCES, "sdk/tests", "tests", "bench", "docs", "definitions", "schemas", "console")
# Not ours to tidy, or made by tools.
SKIPPED = {"__pycache__", "node_modules", "vendor", "dist", "build"}


def files(*suffixes: str, under: tuple[str, ...] = TREES) -> Iterator[Path]:
    for tree in under:
        for folder, names, found in os.walk(ROOT / tree):
            names[:] = sorted(name for name in names if name not in SKIPPED and name[0] != ".")
            yield from (Path(folder, name) for name in sorted(found) if name.endswith(suffixes))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text(path: Path | str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def pages() -> list[Path]:
    return [*ROOT.glob("*.md"), *files(".md", under=("docs", "definitions", "sdk"))]


# Sizes


def test_no_file_is_longer_than_its_limit():
    limits = {".py": FILE_LINES_MAX, ".js": FILE_LINES_MAX, ".lua": SCRIPT_LINES_MAX}
    long = {
        relative(path): lines
        for path in files(*limits)
        if (lines := len(text(path).splitlines())) > limits[path.suffix]
    }
    assert not long


def test_no_function_is_longer_than_a_screen():
    long = {
        f"{relative(path)}:{node.lineno} {node.name}": lines
        for path in files(".py")
        for node in ast.walk(ast.parse(text(path)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert not long


def test_no_folder_has_more_entries_than_one_takes_in():
    crowded = {}
    for tree in TREES:
        for folder, names, found in os.walk(ROOT / tree):
            names[:] = [name for name in names if name not in SKIPPED and name[0] != "."]
            entries = [name for name in (*names, *found) if name != "__init__.py"]
            if len(entries) > FOLDER_ENTRIES_MAX:
                crowded[relative(Path(folder))] = len(entries)
    assert not crowded


# Contracts and docstrings


def test_every_module_says_what_it_holds():
    silent = [
        relative(path)
        for path in files(".py", under=SOURCES)
        if text(path).strip() and not ast.get_docstring(ast.parse(text(path)))
    ]
    assert not silent


def scripts(*, included: bool = False) -> list[Path]:
    return [
        path
        for path in files(".lua", under=("engine",))
        if (path.parent.name == "include") == included
    ]


def documented(header: str, array: str) -> tuple[set[int], int | None]:
    """The numbers that a contract explains, and where an open end (`[13...]`) begins."""
    numbers: set[int] = set()
    start: int | None = None
    current = ""
    for token in re.finditer(r"\b(KEYS|ARGV)\b|\[(\d+)(\.\.\.)?\]", header):
        if token[1]:
            current = token[1]
        elif current == array:
            numbers.add(int(token[2]))
            start = int(token[2]) if token[3] else start
    return numbers, start


@pytest.mark.parametrize("path", scripts(), ids=lambda path: path.stem)
def test_a_script_opens_with_its_contract_and_explains_every_key_and_argument(path):
    opening = re.match(r"(?:#!lua[^\n]*\n)?--\[\[ (\S+)\n(.*?)\]\]", text(path), re.DOTALL)
    assert opening, "no contract comment at the top"
    assert opening[1].removesuffix(".lua") == path.stem
    body = text(path)[opening.end() :]
    for array in ("KEYS", "ARGV"):
        numbers, start = documented(opening[2], array)
        used = {int(number) for number in re.findall(rf"{array}\[(\d+)\]", body)}
        unexplained = {n for n in used - numbers if start is None or n < start}
        assert not unexplained, f"{array} {sorted(unexplained)}"


@pytest.mark.parametrize("path", scripts(included=True), ids=lambda path: path.stem)
def test_what_scripts_include_explains_itself_and_takes_its_keys_as_arguments(path):
    assert text(path).startswith("-- ")
    assert not re.search(r"\b(KEYS|ARGV)\b", text(path))


# Nothing unfinished, nothing of this machine


def test_nothing_is_marked_unfinished():
    # Spelled in halves, so that this file passes its own test. A stub raises without saying anything.
    words = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X"))
    marks = re.compile(rf"\b({words})\b|raise NotImplemented{'Error'}(\(\))?$", re.MULTILINE)
    kinds = (".py", ".lua", ".js", ".yaml", ".md", ".html", ".css")
    found = [relative(path) for path in (*files(*kinds), *pages()) if marks.search(text(path))]
    assert not found


def test_no_file_names_a_path_of_one_machine():
    # A path of a page or of this repository has something before its slash; a machine's has not.
    paths = re.compile(r"(?<![\w.}/-])/(?:work|root|farm|home/\w+|Users/\w+|tmp/[a-z]\w*)/")
    kinds = (".py", ".lua", ".js", ".yaml", ".json", ".md", ".html", ".toml")
    found = [relative(path) for path in (*files(*kinds), *pages()) if paths.search(text(path))]
    assert not found


# Documentation is complete, and what it points to exists


def reference() -> str:
    return "\n".join(text(path) for path in files(".md", under=("docs/reference",)))


def test_every_setting_is_documented():
    from engine.settings import knobs, variable

    page = text("docs/reference/settings.md")
    assert [name for name in knobs() if f"`{variable(name)}`" not in page] == []


def test_every_error_code_is_documented():
    from engine import errors

    codes = {
        value.code
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.EngineError)
    }
    codes -= {"engine_error", "stale_commit"}  # the base class, and what never leaves the engine
    pages_text = reference()
    assert sorted(code for code in codes if f"`{code}`" not in pages_text) == []


def test_every_problem_code_is_documented():
    from engine.language.problems import CODES

    page = text("docs/reference/problems.md")
    assert [code for code in CODES if f"\n## {code}\n" not in page] == []


def test_every_page_is_reached_from_the_index():
    index = text("docs/README.md")
    pages_here = [path.relative_to(ROOT / "docs") for path in files(".md", under=("docs",))]
    missing = [
        str(page) for page in pages_here if str(page) != "README.md" and f"({page})" not in index
    ]
    assert not missing


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(page: Path) -> Iterator[str]:
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors(target)
        ):
            yield link


@pytest.mark.parametrize("page", pages(), ids=relative)
def test_links_lead_somewhere(page):
    assert list(dead_links(page)) == []


# Commands agree


def test_continuous_integration_runs_exactly_the_readmes_test_command():
    ci = ROOT / ".ci" / "run"
    commands = [line for line in text(ci).splitlines() if line and not line.startswith("#")]
    assert commands == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "make test"]
    assert os.access(ci, os.X_OK)
    assert re.search(r"^ *make test\b", text("README.md"), re.MULTILINE)


def test_the_plain_commands_in_the_readme_are_those_that_make_runs():
    block = re.search(r"<!-- plain commands -->\n+```sh\n(.*?)```", text("README.md"), re.DOTALL)
    assert block
    recipes = text("Makefile").replace("$(BIN)", ".venv/bin").replace("$(WORKERS)", "2")
    recipes += text(".ci/setup").replace('"$venv"', ".venv").replace("--clear ", "")
    recipes = recipes.replace('"$python"', "python3").replace(
        '"$venv/bin/python"', ".venv/bin/python"
    )
    recipes = recipes.replace('"${pip[@]}"', "python3 -m pip --python .venv/bin/python")
    recipes = recipes.replace("--quiet --quiet --disable-pip-version-check ", "")
    missing = [
        line for line in block[1].splitlines() if line.split("  #")[0].rstrip() not in recipes
    ]
    assert not missing


def test_every_make_target_in_the_documentation_exists():
    targets = set(re.findall(r"^([a-z]+):.*##", text("Makefile"), re.MULTILINE))
    named = {name for page in pages() for name in re.findall(r"`make ([a-z]+)`", text(page))}
    assert named <= targets


def test_every_command_in_the_documentation_exists():
    from cli.main import COMMANDS

    named = {
        name
        for page in pages()
        for name in re.findall(r"(?:^|`|\n) *\$? ?detent ([a-z]+)\b", text(page))
    }
    assert named <= {*COMMANDS}


def test_no_module_of_the_tests_hides_a_package_of_ours():
    """pytest puts a test's folder first on the path, which the processes that are started from it take over."""
    ours = {"engine", "api", "cli", "schemas", "detent"}
    assert not [relative(p) for p in (ROOT / "tests").rglob("*.py") if p.stem in ours]
