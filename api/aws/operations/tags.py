"""Tags of state machines and activities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from api.aws.arguments import arn, tags_of
from api.aws.call import Call, Handler
from api.aws.errors import AwsError
from api.aws.machine_arns import no_resource
from engine.arns import Arn
from engine.commands.state_machines.rules import tagged
from engine.errors import ActivityNotFound, DefinitionNotFound, InvalidName, QuotaExceeded


async def tag_resource(call: Call) -> dict[str, Any]:
    given = tags_of(call.given)
    with _told(call) as resource:
        if resource.kind == "activity":
            await call.engine.activities.retag(
                call.caller, resource.rest, lambda tags: tagged(tags, given)
            )
        else:
            await call.engine.state_machines.tag(call.caller, resource.rest, given)
    return {}


async def untag_resource(call: Call) -> dict[str, Any]:
    keys = call.given["tagKeys"]
    with _told(call) as resource:
        if resource.kind == "activity":
            await call.engine.activities.retag(call.caller, resource.rest, _without(keys))
        else:
            await call.engine.state_machines.untag(call.caller, resource.rest, keys)
    return {}


async def list_tags_for_resource(call: Call) -> dict[str, Any]:
    tags: Mapping[str, str]
    with _told(call) as resource:
        if resource.kind == "activity":
            tags = (await call.engine.activities.describe(call.caller, resource.rest)).tags
        else:
            tags = await call.engine.state_machines.tags(call.caller, resource.rest)
    return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}


def _without(keys: list[str]) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda tags: {key: value for key, value in tags.items() if key not in keys}


@contextmanager
def _told(call: Call) -> Iterator[Arn]:
    """The resource, and in AWS's words what is wrong with it. A version or an alias is none: tags are the machine's."""
    text = call.given["resourceArn"]
    try:
        yield arn(text, "stateMachine", "activity")
    except (DefinitionNotFound, ActivityNotFound, InvalidName):
        raise no_resource(text) from None
    except QuotaExceeded:
        raise AwsError("TooManyTags", f"Too many tags: '{text}'", resourceName=text) from None


HANDLERS: dict[str, Handler] = {
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags_for_resource,
}
