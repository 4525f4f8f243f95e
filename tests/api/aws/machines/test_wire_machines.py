"""State machines over boto3: made once, changed by revisions, deleted for good."""

import json
import urllib.request

import pytest

ROLE = "arn:aws:iam::123456789012:role/orders"
LOGS = {
    "level": "ALL",
    "includeExecutionData": True,
    "destinations": [
        {"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:logs:eu-central-1:1:log-group:g:*"}}
    ],
}


def definition(comment="one", **state):
    states = {"Only": {"Type": "Pass", "End": True, **state}}
    return json.dumps({"Comment": comment, "StartAt": "Only", "States": states})


def rest(url, method, path, body=None):
    request = urllib.request.Request(
        url + path, method=method, data=body, headers={"content-type": "application/yaml"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def without_metadata(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def test_a_definition_comes_back_to_the_byte_with_the_defaults_of_what_was_not_said(sfn, make):
    given = '{ "StartAt":"A",\n\t"States": {"A": {"Type": "Succeed", "Comment": "żółć \\u00e9 😀"}}}\r\n'
    arn = make(definition=given)
    shown = without_metadata(sfn.describe_state_machine(stateMachineArn=arn))
    assert shown.pop("creationDate")
    assert shown == {
        "stateMachineArn": arn,
        "name": arn.rpartition(":")[2],
        "status": "ACTIVE",
        "type": "STANDARD",
        "definition": given,
        "roleArn": ROLE,
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
        "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
    }


def test_what_only_aws_can_act_on_is_kept_and_given_back(sfn, make):
    key = {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "k", "kmsDataKeyReusePeriodSeconds": 60}
    arn = make(
        loggingConfiguration=LOGS,
        tracingConfiguration={"enabled": True},
        encryptionConfiguration=key,
    )
    shown = sfn.describe_state_machine(stateMachineArn=arn)
    assert shown["loggingConfiguration"] == LOGS
    assert shown["tracingConfiguration"] == {"enabled": True}
    assert shown["encryptionConfiguration"] == key


def test_a_creation_is_repeated_whatever_the_role_and_the_tags(sfn, make):
    arn = make(tags=[{"key": "a", "value": "1"}])
    made = sfn.describe_state_machine(stateMachineArn=arn)
    assert make(roleArn=ROLE + "-2", tags=[{"key": "b", "value": "2"}]) == arn
    assert sfn.describe_state_machine(stateMachineArn=arn)["roleArn"] == made["roleArn"]
    assert sfn.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "a", "value": "1"}]


@pytest.mark.parametrize(
    "other",
    [
        {"definition": definition() + " "},
        {"type": "EXPRESS"},
        {"loggingConfiguration": LOGS},
        {"tracingConfiguration": {"enabled": True}},
        {"encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "k"}},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_creation_of_something_else_is_refused(make, refused, name, other):
    arn = make()
    asked = {"name": name, "definition": definition(), "roleArn": ROLE, **other}
    told = f"State Machine Already Exists: '{arn}'"
    assert refused("create_state_machine", **asked) == ("StateMachineAlreadyExists", told)


def test_a_revision_has_an_id_once_something_was_changed(sfn, make):
    arn = make()
    assert "revisionId" not in sfn.describe_state_machine(stateMachineArn=arn)
    ids = []
    for change in (
        {"definition": definition("two")},
        {"roleArn": ROLE + "-2"},
        {"loggingConfiguration": LOGS},
        {"tracingConfiguration": {"enabled": True}},
        {"encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "k"}},
        {"definition": definition()},
    ):
        updated = sfn.update_state_machine(stateMachineArn=arn, **change)
        shown = sfn.describe_state_machine(stateMachineArn=arn)
        assert updated["revisionId"] == shown["revisionId"]
        assert change.items() <= shown.items()
        ids.append(updated["revisionId"])
    assert len(set(ids)) == len(ids)
    assert shown["loggingConfiguration"] == LOGS


def test_an_update_that_changes_nothing_makes_no_revision(sfn, make):
    arn = make()
    same = {"definition": definition(), "loggingConfiguration": {"level": "OFF"}}
    updated = sfn.update_state_machine(stateMachineArn=arn, **same)
    assert set(without_metadata(updated)) == {"updateDate"}
    assert "revisionId" not in sfn.describe_state_machine(stateMachineArn=arn)


def test_an_update_says_something_of_a_whole_state_machine_that_is_there(sfn, make, refused):
    arn = make(publish=True)
    assert refused("update_state_machine", stateMachineArn=arn)[0] == "MissingRequiredParameter"
    for missing in (f"{arn}:1", f"{arn}-not"):
        told = f"State Machine Does Not Exist: '{missing}'"
        answer = refused("update_state_machine", stateMachineArn=missing, roleArn=ROLE)
        assert answer == ("StateMachineDoesNotExist", told)
    answer = refused("update_state_machine", stateMachineArn=f"{arn}/Each", roleArn=ROLE)
    assert answer[0] == "ValidationException"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"name": "a b"}, "InvalidName"),
        ({"definition": '{"StartAt": "A"}'}, "InvalidDefinition"),
        ({"definition": "StartAt: A"}, "InvalidDefinition"),
        ({"loggingConfiguration": {"level": "ALL"}}, "InvalidLoggingConfiguration"),
        (
            {"loggingConfiguration": LOGS | {"destinations": LOGS["destinations"] * 2}},
            "InvalidLoggingConfiguration",
        ),
        (
            {"encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY"}},
            "InvalidEncryptionConfiguration",
        ),
        ({"versionDescription": "first"}, "ValidationException"),
        ({"tags": [{"key": str(n), "value": ""} for n in range(51)]}, "TooManyTags"),
    ],
)
def test_what_is_refused_makes_nothing(sfn, refused, name, given, code):
    asked = {"name": name, "definition": definition(), "roleArn": ROLE, **given}
    assert refused("create_state_machine", **asked)[0] == code
    entries = sfn.get_paginator("list_state_machines").paginate().search("stateMachines[].name")
    assert name not in list(entries)


def test_resources_that_only_detent_knows_are_accepted(sfn, make):
    states = {
        "Call": {"Type": "Task", "Resource": "https://example.com/pay", "Next": "Ask"},
        "Ask": {"Type": "Task", "Resource": "signal:approval", "Next": "Child"},
        "Child": {"Type": "Task", "Resource": "workflow:child", "End": True},
    }
    given = json.dumps({"StartAt": "Call", "States": states})
    assert sfn.describe_state_machine(stateMachineArn=make(definition=given))["definition"] == given


def test_what_states_read_of_variables_is_told(sfn, make):
    states = {
        "Set": {"Type": "Pass", "Assign": {"b": 1, "a": 2}, "Next": "Get"},
        "Get": {"Type": "Pass", "Parameters": {"x.$": "$b", "y.$": "$a"}, "End": True},
    }
    arn = make(definition=json.dumps({"StartAt": "Set", "States": states}))
    shown = sfn.describe_state_machine(stateMachineArn=arn)
    assert {state: sorted(names) for state, names in shown["variableReferences"].items()} == {
        "Get": ["a", "b"]
    }
    hidden = sfn.describe_state_machine(stateMachineArn=arn, includedData="METADATA_ONLY")
    assert (hidden["definition"], "variableReferences" in hidden) == ("{}", False)


def test_pages_of_state_machines_hold_each_once_though_some_are_deleted_meanwhile(sfn, name):
    names = [f"{name}-{letter}" for letter in "abcde"]
    arns = [
        sfn.create_state_machine(name=each, definition=definition(), roleArn=ROLE)[
            "stateMachineArn"
        ]
        for each in names
    ]
    found, token = [], {}
    while True:
        page = sfn.list_state_machines(maxResults=2, **token)
        found += [each["name"] for each in page["stateMachines"] if each["name"] in names]
        if names[1] in found:
            sfn.delete_state_machine(stateMachineArn=arns[0])
            sfn.delete_state_machine(stateMachineArn=arns[3])
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert found in ([*names[:3], names[4]], names)  # d may have been on the page already


def test_a_token_that_no_list_gave_is_refused(refused):
    told = ("InvalidToken", "Invalid Token: 'Invalid token'")
    assert refused("list_state_machines", nextToken="xxx") == told


def test_a_deleted_state_machine_is_gone_and_one_made_anew_begins_anew(sfn, make, refused):
    arn = make(publish=True, tags=[{"key": "a", "value": "1"}])
    sfn.update_state_machine(stateMachineArn=arn, definition=definition("two"), publish=True)
    routing = [{"stateMachineVersionArn": f"{arn}:1", "weight": 100}]
    sfn.create_state_machine_alias(name="live", routingConfiguration=routing)
    for _ in range(2):
        sfn.delete_state_machine(stateMachineArn=arn)
    for gone in (arn, f"{arn}:1"):
        assert refused("describe_state_machine", stateMachineArn=gone) == (
            "StateMachineDoesNotExist",
            f"State Machine Does Not Exist: '{gone}'",
        )
    assert refused("describe_state_machine_alias", stateMachineAliasArn=f"{arn}:live")[0] == (
        "ResourceNotFound"
    )
    again = make(type="EXPRESS", publish=True)
    assert again == arn
    shown = sfn.describe_state_machine(stateMachineArn=arn)
    assert (shown["type"], "revisionId" in shown) == ("EXPRESS", False)
    assert sfn.list_tags_for_resource(resourceArn=arn)["tags"] == []
    assert sfn.list_state_machine_aliases(stateMachineArn=arn)["stateMachineAliases"] == []
    versions = sfn.list_state_machine_versions(stateMachineArn=arn)["stateMachineVersions"]
    assert [version["stateMachineVersionArn"] for version in versions] == [f"{arn}:1"]


def test_a_definition_published_otherwise_is_a_state_machine_too(sfn, served_url, name):
    yaml = b"StartAt: A\nStates:\n  A: {Type: Succeed}\n"
    rest(served_url, "PUT", f"/v1/definitions/{name}", yaml)
    listed = sfn.get_paginator("list_state_machines").paginate().search("stateMachines[]")
    [entry] = [each for each in listed if each["name"] == name]
    arn = entry["stateMachineArn"]
    shown = sfn.describe_state_machine(stateMachineArn=arn)
    assert json.loads(shown["definition"]) == {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
    assert shown["roleArn"].endswith(":role/detent")
    assert shown["creationDate"] == entry["creationDate"]
    assert sfn.update_state_machine(stateMachineArn=arn, roleArn=ROLE)["revisionId"]
    rest(served_url, "PUT", f"/v1/definitions/{name}", yaml + b"Comment: more\n")
    shown = sfn.describe_state_machine(stateMachineArn=arn)
    assert (shown["roleArn"], json.loads(shown["definition"])["Comment"]) == (ROLE, "more")
    assert shown["creationDate"] == entry["creationDate"]
    was = rest(served_url, "DELETE", f"/v1/definitions/{name}")
    assert was["version"] == 3
    listed = sfn.get_paginator("list_state_machines").paginate().search("stateMachines[].name")
    assert name not in list(listed)
