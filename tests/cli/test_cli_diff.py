"""`diff`: two versions of a definition."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from engine.language.comparing.fit import REASONS

ROOT = Path(__file__).parents[2]
OLD = {
    "StartAt": "Check",
    "States": {
        "Check": {"Type": "Task", "Resource": "activity:check", "Next": "Sign"},
        "Sign": {"Type": "Task", "Resource": "signal:Signed", "TimeoutSeconds": 60, "Next": "Pause"},
        "Pause": {"Type": "Wait", "Seconds": 5, "Next": "Done"},
        "Done": {"Type": "Succeed"},
    },
}  # fmt: skip


@pytest.fixture
def diff(detent, tmp_path):
    """Runs `detent diff` on the definition as it was and as `change` leaves it."""

    def run(change, *options):
        new = json.loads(json.dumps(OLD))
        change(new["States"])
        old_file, new_file = tmp_path / "old.yaml", tmp_path / "new.json"
        old_file.write_text(yaml.safe_dump(OLD, sort_keys=False))
        new_file.write_text(json.dumps(new))
        return detent("diff", str(old_file), str(new_file), *options)

    return run


def renamed(states):
    states["GetSignature"] = states.pop("Sign")
    states["Check"]["Next"] = "GetSignature"


def without_pause(states):
    del states["Pause"]
    states["Sign"]["Next"] = "Done"


def test_two_equal_definitions_differ_in_nothing_and_strand_nobody(diff):
    same = diff(lambda _: None)
    assert same.exit_code == 0
    assert same.stdout.startswith("states: 4 unchanged\n")
    assert "blocked" not in same.stdout


def test_changes_are_shown_state_by_state_with_what_was_and_what_is(diff):
    def change(states):
        states["Sign"]["TimeoutSeconds"] = 90
        states["Check"] |= {"Next": "Score", "HeartbeatSeconds": 3}
        states["Score"] = {"Type": "Pass", "Next": "Sign"}

    shown = diff(change)
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[:7] == [
        "+ Score",
        "~ Check",
        '    /Next  "Sign" -> "Score"',
        "    /HeartbeatSeconds  added: 3",
        "~ Sign",
        "    /TimeoutSeconds  60 -> 90",
        "states: 1 added, 2 changed, 2 unchanged",
    ]


def test_a_renamed_state_is_proposed_and_goes_on(diff):
    shown = diff(renamed)
    assert shown.exit_code == 0
    assert "~ Sign -> GetSignature\n" in shown.stdout
    assert "Sign    GetSignature  proposed\n" in shown.stdout
    assert "Sign        Task  goes on in GetSignature\n" in shown.stdout


def test_a_position_without_a_way_on_is_shown_with_its_reason_and_exits_3(diff):
    shown = diff(without_pause)
    assert shown.exit_code == 3
    assert "- Pause\n" in shown.stdout
    assert "blocked[state_removed]: The new definition has no state 'Pause'." in shown.stdout


def test_a_given_mapping_frees_a_position_and_says_what_is_lost(diff):
    shown = diff(without_pause, "--map", "Pause=Check")
    assert shown.exit_code == 0
    assert "Pause   Check  given\n" in shown.stdout
    assert "Pause       Wait  entered anew in Check\n" in shown.stdout


def test_a_given_mapping_wins_over_the_proposed_one(diff):
    told = json.loads(diff(renamed, "--map", "Sign=Check", "--json").stdout)
    assert told["proposed"] == {"Sign": "GetSignature"}
    assert told["mapping"] == {"Sign": "Check"}
    assert told["changes"]["renamed"] == {}
    assert told["changes"]["removed"] == ["Sign"]


def test_a_removed_state_that_is_passed_at_once_strands_nobody(diff):
    def change(states):
        states["Pause"] |= {"Next": "Over"}
        del states["Done"]
        states["Over"] = {"Type": "Fail"}

    told = diff(change, "--json")
    assert told.exit_code == 0
    done = json.loads(told.stdout)["positions"][-1]
    assert (done["state"], done["rests"], done["verdict"]) == ("Done", False, "blocked")


def test_as_json_it_is_one_document_with_everything(diff):
    shown = diff(without_pause, "--json")
    told = json.loads(shown.stdout)
    assert shown.exit_code == 3
    assert told["valid"]
    assert told["stranded"] == ["Pause"]
    assert told["endless"] == []
    assert told["changes"]["changed"] == [
        {
            "name": "Sign",
            "was": "Sign",
            "fields": [{"pointer": "/Next", "before": "Pause", "after": "Done"}],
            "moved": False,
        }
    ]
    verdicts = {each["state"]: each["verdict"] for each in told["positions"]}
    assert verdicts == {"Check": "moves", "Sign": "moves", "Pause": "blocked", "Done": "moves"}


def test_a_state_that_no_end_can_be_reached_from_is_warned_of(diff):
    def change(states):
        rule = {"Variable": "$.a", "IsPresent": True, "Next": "Sign"}
        states["Check"]["Next"] = "Which"
        states["Which"] = {"Type": "Choice", "Choices": [rule], "Default": "Done"}
        states["Pause"]["Next"] = "Sign"

    shown = diff(change)
    assert "warning: from Sign no end can be reached\n" in shown.stdout
    assert "from Check no end" not in shown.stdout


def test_a_definition_with_errors_is_shown_as_by_validate_and_exits_1(diff):
    def change(states):
        states["Pause"]["Next"] = "Nowhere"

    shown = diff(change)
    assert shown.exit_code == 1
    assert "error[unknown_target]" in shown.stderr
    assert "new.json:1:" in shown.stderr
    assert "in 2 files\n" in shown.stdout
    told = json.loads(diff(change, "--json").stdout)
    assert not told["valid"]
    assert [file["valid"] for file in told["files"]] == [True, False]


@pytest.mark.parametrize("given", ["Pause", "Nobody=Check", "Pause=Nowhere", "=Check"])
def test_a_mapping_of_states_that_are_not_there_is_wrong_usage(diff, given):
    assert diff(without_pause, "--map", given).exit_code == 2


def test_a_name_in_a_mapping_may_hold_an_equals_sign(diff):
    def change(states):
        states["a=b"] = states.pop("Pause")
        states["Sign"]["Next"] = "a=b"

    told = json.loads(diff(change, "--map", "Check=a=b", "--json").stdout)
    assert told["mapping"] == {"Pause": "a=b", "Check": "a=b"}


def test_every_verdict_and_reason_is_documented():
    page = (ROOT / "docs/reference/comparing.md").read_text(encoding="utf-8")
    codes = [*REASONS, "moves", "moves_by_mapping", "blocked"]
    assert [code for code in codes if f"| `{code}` |" not in page] == []
