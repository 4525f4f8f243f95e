"""Published versions, aliases and tags over boto3."""

import json
import urllib.request

import pytest


def definition(comment):
    return json.dumps(
        {"Comment": comment, "StartAt": "Only", "States": {"Only": {"Type": "Succeed"}}}
    )


def rest(url, method, path, body=None):
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url + path, method=method, data=body, headers=headers)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def update(sfn, arn, comment, **more):
    return sfn.update_state_machine(
        stateMachineArn=arn, definition=definition(comment), publish=True, **more
    )["stateMachineVersionArn"]


def versions(sfn, arn, **more):
    listed = sfn.list_state_machine_versions(stateMachineArn=arn, **more)
    return [
        int(v["stateMachineVersionArn"].rpartition(":")[2]) for v in listed["stateMachineVersions"]
    ]


def routing(*routes):
    return [{"stateMachineVersionArn": arn, "weight": weight} for arn, weight in routes]


# Versions


def test_a_revision_is_published_once_and_shown_as_it_was(sfn, make):
    arn = make(publish=True, versionDescription="the first")
    again = sfn.publish_state_machine_version(stateMachineArn=arn, description="another word")
    assert again["stateMachineVersionArn"] == f"{arn}:1"
    assert update(sfn, arn, "two") == f"{arn}:2"
    first = sfn.describe_state_machine(stateMachineArn=f"{arn}:1")
    assert (first["description"], first["stateMachineArn"]) == ("the first", f"{arn}:1")
    assert json.loads(first["definition"])["Comment"] == "one"
    second = sfn.describe_state_machine(stateMachineArn=f"{arn}:2")
    assert json.loads(second["definition"])["Comment"] == "two"
    assert "description" not in second
    assert versions(sfn, arn) == [2, 1]


def test_only_the_revision_that_is_named_is_published(sfn, make, refused):
    arn = make()
    first = sfn.publish_state_machine_version(stateMachineArn=arn, revisionId="INITIAL")
    assert first["stateMachineVersionArn"] == f"{arn}:1"
    current = sfn.update_state_machine(stateMachineArn=arn, definition=definition("two"))
    for other in ("INITIAL", "another"):
        code, message = refused(
            "publish_state_machine_version", stateMachineArn=arn, revisionId=other
        )
        assert code == "ConflictException"
        assert other in message
        assert current["revisionId"] in message
    done = sfn.publish_state_machine_version(stateMachineArn=arn, revisionId=current["revisionId"])
    assert done["stateMachineVersionArn"] == f"{arn}:2"


def test_a_number_is_never_given_twice(sfn, make, refused):
    arn = make(publish=True)
    update(sfn, arn, "two")
    for _ in range(2):
        sfn.delete_state_machine_version(stateMachineVersionArn=f"{arn}:2")
    assert refused("describe_state_machine", stateMachineArn=f"{arn}:2")[0] == (
        "StateMachineDoesNotExist"
    )
    again = sfn.publish_state_machine_version(stateMachineArn=arn)
    assert again["stateMachineVersionArn"] == f"{arn}:3"
    assert versions(sfn, arn) == [3, 1]


def test_pages_of_versions_are_full_though_numbers_are_missing(sfn, make):
    arn = make(publish=True)
    for number in range(2, 8):
        update(sfn, arn, str(number))
    for number in (6, 5, 2):
        sfn.delete_state_machine_version(stateMachineVersionArn=f"{arn}:{number}")
    page = sfn.list_state_machine_versions(stateMachineArn=arn, maxResults=2)
    assert versions(sfn, arn, maxResults=2) == [7, 4]
    assert versions(sfn, arn, maxResults=2, nextToken=page["nextToken"]) == [3, 1]
    last = sfn.list_state_machine_versions(
        stateMachineArn=arn, maxResults=2, nextToken=page["nextToken"]
    )
    assert "nextToken" not in last
    assert versions(sfn, arn, maxResults=0) == [7, 4, 3, 1]


def test_a_version_that_aliases_lead_to_is_not_deleted(sfn, make, refused):
    arn = make(publish=True)
    for alias in ("b", "a"):
        sfn.create_state_machine_alias(name=alias, routingConfiguration=routing((f"{arn}:1", 100)))
    code, told = refused("delete_state_machine_version", stateMachineVersionArn=f"{arn}:1")
    assert code == "ConflictException"
    assert told == (
        "Version to be deleted must not be referenced by an alias. "
        "Current list of aliases referencing this version: [a, b]"
    )
    for alias in ("a", "b"):
        sfn.delete_state_machine_alias(stateMachineAliasArn=f"{arn}:{alias}")
    sfn.delete_state_machine_version(stateMachineVersionArn=f"{arn}:1")
    assert versions(sfn, arn) == []


# Aliases


def test_an_alias_is_made_once_and_changed_as_often_as_is_wanted(sfn, make, refused):
    arn = make(publish=True)
    second = update(sfn, arn, "two")
    asked = {"name": "live", "description": "d", "routingConfiguration": routing((f"{arn}:1", 100))}
    made = sfn.create_state_machine_alias(**asked)
    assert made["stateMachineAliasArn"] == f"{arn}:live"
    assert sfn.create_state_machine_alias(**asked)["creationDate"] == made["creationDate"]
    other = asked | {"routingConfiguration": routing((second, 100))}
    assert refused("create_state_machine_alias", **other)[0] == "ConflictException"
    shared = routing((f"{arn}:1", 90), (second, 10))
    sfn.update_state_machine_alias(stateMachineAliasArn=f"{arn}:live", routingConfiguration=shared)
    sfn.update_state_machine_alias(stateMachineAliasArn=f"{arn}:live", description="e")
    shown = sfn.describe_state_machine_alias(stateMachineAliasArn=f"{arn}:live")
    assert (shown["name"], shown["description"]) == ("live", "e")
    assert shown["routingConfiguration"] == shared
    assert shown["creationDate"] == made["creationDate"] <= shown["updateDate"]


@pytest.mark.parametrize(
    ("routes", "told"),
    [
        (
            [("{arn}:1", 50), ("{arn}:1", 50)],
            "Routing configuration must contain distinct state machine version ARNs. Received: [{arn}:1, {arn}:1]",
        ),
        (
            [("{arn}:1", 60), ("{arn}:2", 41)],
            "Sum of routing configuration weights must equal 100. Received: [60, 41]",
        ),
        (
            [("{arn}", 100)],
            "Routing configuration must contain state machine version ARNs. Received: [{arn}]",
        ),
    ],
)
def test_a_routing_that_is_none_is_refused(sfn, make, refused, routes, told):
    arn = make(publish=True)
    update(sfn, arn, "two")
    asked = routing(*((each.format(arn=arn), weight) for each, weight in routes))
    answer = refused("create_state_machine_alias", name="live", routingConfiguration=asked)
    assert answer == ("ValidationException", told.format(arn=arn))
    assert sfn.list_state_machine_aliases(stateMachineArn=arn)["stateMachineAliases"] == []


def test_an_alias_leads_to_what_is_published(make, refused):
    arn = make(publish=True)
    asked = routing((f"{arn}:2", 100))
    assert refused("create_state_machine_alias", name="live", routingConfiguration=asked)[0] == (
        "ResourceNotFound"
    )
    for method, given in (
        ("describe_state_machine_alias", {}),
        ("delete_state_machine_alias", {}),
        ("update_state_machine_alias", {"description": "d"}),
    ):
        answer = refused(method, stateMachineAliasArn=f"{arn}:none", **given)
        assert answer[0] == "ResourceNotFound"


def test_aliases_are_listed_by_age_in_pages_and_by_the_version_they_lead_to(sfn, make):
    arn = make(publish=True)
    second = update(sfn, arn, "two")
    for alias, version in (("c", f"{arn}:1"), ("a", second), ("b", f"{arn}:1")):
        sfn.create_state_machine_alias(name=alias, routingConfiguration=routing((version, 100)))

    def listed(**more):
        answer = sfn.list_state_machine_aliases(**({"stateMachineArn": arn} | more))
        names = [
            each["stateMachineAliasArn"].rpartition(":")[2]
            for each in answer["stateMachineAliases"]
        ]
        return names, answer.get("nextToken")

    assert sorted(listed()[0]) == ["a", "b", "c"]
    names, token = listed(maxResults=2)
    assert names + listed(nextToken=token)[0] == listed()[0]
    assert sorted(listed(stateMachineArn=f"{arn}:1")[0]) == ["b", "c"]
    assert listed(stateMachineArn=second)[0] == ["a"]


def test_an_alias_of_either_face_works_in_the_other(sfn, served_url, make, name):
    arn = make(publish=True)
    update(sfn, arn, "two")
    asked = routing((f"{arn}:2", 100))
    sfn.create_state_machine_alias(name="wire", routingConfiguration=asked)
    path = f"/v1/definitions/{name}"
    assert rest(served_url, "GET", f"{path}/aliases/wire")["routing"] == [
        {"version": 2, "weight": 100}
    ]
    started = rest(served_url, "POST", f"{path}/executions", b'{"alias": "wire"}')
    assert started["version"] == 2
    rest(served_url, "PUT", f"{path}/aliases/wire", b'{"version": 1}')
    shown = sfn.describe_state_machine_alias(stateMachineAliasArn=f"{arn}:wire")
    assert shown["routingConfiguration"] == routing((f"{arn}:1", 100))
    # One that leads to what is not published has no form over the wire.
    sfn.update_state_machine(stateMachineArn=arn, definition=definition("three"))
    rest(served_url, "PUT", f"{path}/aliases/rest", b'{"version": 3}')
    listed = sfn.list_state_machine_aliases(stateMachineArn=arn)["stateMachineAliases"]
    assert [each["stateMachineAliasArn"] for each in listed] == [f"{arn}:wire"]
    assert update(sfn, arn, "three") == f"{arn}:3"
    shown = sfn.describe_state_machine_alias(stateMachineAliasArn=f"{arn}:rest")
    assert shown["routingConfiguration"] == routing((f"{arn}:3", 100))


# Tags


def test_tags_are_set_replaced_and_removed_by_key(sfn, make):
    arn = make(tags=[{"key": "a", "value": "1"}])
    sfn.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": ""}, {"key": "a", "value": "2"}])
    assert sfn.list_tags_for_resource(resourceArn=arn)["tags"] == [
        {"key": "a", "value": "2"},
        {"key": "b", "value": ""},
    ]
    sfn.untag_resource(resourceArn=arn, tagKeys=["a", "c"])
    assert sfn.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": ""}]


def test_a_resource_has_fifty_tags_at_most(sfn, make, refused):
    arn = make()
    sfn.tag_resource(resourceArn=arn, tags=[{"key": str(n), "value": ""} for n in range(50)])
    more = [{"key": "more", "value": ""}]
    assert refused("tag_resource", resourceArn=arn, tags=more)[0] == "TooManyTags"
    assert len(sfn.list_tags_for_resource(resourceArn=arn)["tags"]) == 50


def test_a_version_has_no_tags_nor_has_what_is_not_there(make, refused):
    arn = make(publish=True)
    for missing in (f"{arn}:1", f"{arn}-not", arn.replace(":stateMachine:", ":activity:")):
        answer = refused("list_tags_for_resource", resourceArn=missing)
        assert answer == ("ResourceNotFound", f"Resource not found: '{missing}'")


def test_activities_have_tags_as_well(sfn, name):
    made = sfn.create_activity(name=name, tags=[{"key": "a", "value": "1"}])
    arn = made["activityArn"]
    sfn.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}])
    sfn.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert sfn.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]


@pytest.mark.parametrize("operation", ["tag_resource", "create_state_machine", "create_activity"])
def test_a_tag_without_a_key_is_refused_and_nothing_is_made(sfn, make, operation):
    arguments = {
        "tag_resource": lambda: {"resourceArn": make()},
        "create_state_machine": lambda: {"name": "untagged", "definition": "{}", "roleArn": "r"},
        "create_activity": lambda: {"name": "untagged"},
    }[operation]()
    with pytest.raises(sfn.exceptions.ClientError) as refused:
        getattr(sfn, operation)(tags=[{"key": "a", "value": "1"}, {"value": "2"}], **arguments)
    assert refused.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "1 validation error detected: Value null at 'tags.2.member.key' failed to satisfy"
        " constraint: Member must not be null",
    }
    assert "untagged" not in [each["name"] for each in sfn.list_activities()["activities"]]
