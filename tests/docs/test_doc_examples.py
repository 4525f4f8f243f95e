"""What the language reference and the JSONata guide show comes out as they say."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from cli.main import main
from tests.docs.pages import FIVE_MINUTES, PAGES, contents, examples, expressions
from tests.docs.playing import differences, misfit

EXAMPLES = [pytest.param(block, id=name) for page in PAGES for name, block in examples(page)]
EXPRESSIONS = [
    pytest.param(table, row, id=name) for page in PAGES for name, table, row in expressions(page)
]
GIVEN = re.compile(r"Input: |Signal |`[^`]+`: ")
TEXTS = {"Error", "Cause", "Status"}


@pytest.mark.parametrize("block", EXAMPLES)
def test_an_example_comes_out_as_its_page_says(block):
    assert differences(block) == []


@pytest.mark.parametrize(("table", "row"), EXPRESSIONS)
def test_an_expression_yields_what_its_table_says(table, row):
    assert misfit(table, row) == ""


@pytest.mark.parametrize("block", EXAMPLES)
def test_an_example_whose_page_said_something_else_would_not_pass(block):
    """Each line of its list that tells what comes out is changed in turn."""
    telling = [at for at, item in enumerate(block.told) if not GIVEN.match(item)]
    assert telling
    for at in telling:
        what = block.told[at].partition(": ")[0]
        item = f"{what}: `SOMETHING_ELSE`" if what in TEXTS else f'{what}: `["something else"]`'
        changed = replace(block, told=[*block.told[:at], item, *block.told[at + 1 :]])
        assert differences(changed) != []


@pytest.mark.parametrize(("table", "row"), EXPRESSIONS)
def test_a_row_that_said_something_else_would_not_pass(table, row):
    kind = row[-1].partition("`")[0]
    assert misfit(table, [*row[:-1], f'{kind}`"something else"`']) != ""


def test_the_guides_program_prints_what_it_shows():
    programs = [block for block in contents(FIVE_MINUTES)[0] if block.kind == "python"]
    assert programs
    for program in programs:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(program.text, "guide", "exec"), {})
        assert printed.getvalue().strip() == program.after.strip()


def test_the_guides_commands_print_what_it_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = ""
    commands = 0
    for block in contents(FIVE_MINUTES)[0]:
        if block.kind == "yml":  # a definition that is wrong on purpose
            written = block.text
        elif block.kind == "sh":
            detent, *arguments = block.text.split()
            assert detent == "detent"
            (tmp_path / arguments[-1]).write_text(written)
            result = CliRunner().invoke(main, arguments)
            assert result.output.strip() == block.after.strip()
            commands += 1
    assert commands
