"""Activities: queues that have been given an ARN."""

from __future__ import annotations

from typing import Any

from api.aws.arguments import arn, page, tags_of
from api.aws.call import Call, Handler
from api.aws.errors import AwsError
from api.rest.receive import ClientGone, Stopping, is_gone
from engine.errors import (
    ActivityAlreadyExists,
    ActivityNotFound,
    InvalidName,
    LeaseLost,
    QuotaExceeded,
    TaskClosed,
)
from engine.store.catalog.activities import AWS_OWNED_KEY, Activity, Encryption
from engine.views import LeasedTask

POLL_MS = 60_000  # how long a poll without a task is held, as AWS
TAGS_MAX = 50


async def create_activity(call: Call) -> dict[str, Any]:
    name = call.given["name"]
    tags = tags_of(call.given)
    shown = call.place.activity(name)
    if len(tags) > TAGS_MAX:
        raise AwsError("TooManyTags", f"Too many tags: '{shown}'", resourceName=shown)
    encryption = _encryption(call.given.get("encryptionConfiguration", {}))
    try:
        made = await call.engine.activities.create(call.caller, name, encryption, tags)
    except InvalidName:
        raise AwsError("InvalidName", f"Invalid Name: '{name}'") from None
    except ActivityAlreadyExists:
        raise AwsError("ActivityAlreadyExists", f"Activity Already Exists: '{shown}'") from None
    return {"activityArn": shown, "creationDate": made.created_ms / 1000}


async def describe_activity(call: Call) -> dict[str, Any]:
    name = _name(call)
    try:
        found = await call.engine.activities.describe(call.caller, name)
    except ActivityNotFound:
        raise _does_not_exist(call) from None
    return _entry(call, found) | {"encryptionConfiguration": _shown(found.encryption)}


async def delete_activity(call: Call) -> dict[str, Any]:
    await call.engine.activities.delete(call.caller, _name(call))
    return {}


async def list_activities(call: Call) -> dict[str, Any]:
    found, more = page(
        call.given,
        await call.engine.activities.all(call.caller),
        key=lambda each: each.name,
        listing="activities",
    )
    return {"activities": [_entry(call, each) for each in found], **more}


async def get_activity_task(call: Call) -> dict[str, Any]:
    """A task, or after a minute none. A worker that has hung up gets none; the task goes to another."""
    name = _name(call)
    worker = call.given.get("workerName", "")
    work = call.engine.activities.lease(call.caller, name, wait_ms=POLL_MS, worker=worker)
    try:
        task = await call.hold(work, name)
        if task is not None:
            await call.engine.activities.keep(call.caller, task)
            if await is_gone(call.receive):
                await call.engine.activities.give_back(call.caller, task)
                raise ClientGone
    except ActivityNotFound:
        raise _does_not_exist(call) from None
    except QuotaExceeded as error:
        raise AwsError("ActivityWorkerLimitExceeded", str(error)) from None
    except (Stopping, TaskClosed, LeaseLost):
        task = None
    return _task(task)


def _task(task: LeasedTask | None) -> dict[str, Any]:
    if task is None:
        return {"taskToken": None}
    return {"taskToken": task.token, "input": task.input.text.decode()}


def _name(call: Call) -> str:
    return arn(call.given["activityArn"], "activity").rest


def _does_not_exist(call: Call) -> AwsError:
    shown = call.given["activityArn"]
    return AwsError("ActivityDoesNotExist", f"Activity Does Not Exist: '{shown}'")


def _entry(call: Call, activity: Activity) -> dict[str, Any]:
    return {
        "activityArn": call.place.activity(activity.name),
        "name": activity.name,
        "creationDate": activity.created_ms / 1000,
    }


def _encryption(given: dict[str, Any]) -> Encryption:
    """Raises AwsError where a key and its type do not belong together."""
    kind, key = given.get("type", AWS_OWNED_KEY), given.get("kmsKeyId")
    if (kind == AWS_OWNED_KEY) != (key is None):
        raise AwsError(
            "InvalidEncryptionConfiguration",
            "Invalid Encryption Configuration: 'a kmsKeyId is given with CUSTOMER_MANAGED_KMS_KEY, and only then'",
        )
    return Encryption(kind, key, given.get("kmsDataKeyReusePeriodSeconds"))


def _shown(encryption: Encryption) -> dict[str, Any]:
    members = {
        "type": encryption.type,
        "kmsKeyId": encryption.key,
        "kmsDataKeyReusePeriodSeconds": encryption.reuse_seconds,
    }
    return {name: value for name, value in members.items() if value is not None}


HANDLERS: dict[str, Handler] = {
    "CreateActivity": create_activity,
    "DeleteActivity": delete_activity,
    "DescribeActivity": describe_activity,
    "GetActivityTask": get_activity_task,
    "ListActivities": list_activities,
}
