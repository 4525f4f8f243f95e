"""The service integrations of Step Functions: which services and actions there are, and the patterns each takes.

Detent calls none of these services. A task with such a Resource is performed by the workers of a queue that is named
like the call (`dynamodb:putItem`), so that a definition written for AWS runs as it is.
https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html, and integrate-services.html for the SDK's.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from engine.language.problems import nearest

_SDK = "aws-sdk:"
_SDK_CALL = re.compile(r"aws-sdk:([a-z][a-z0-9]*):([a-z][A-Za-z0-9]*)")
_PATTERN = re.compile(r"\.sync(?::2)?$")

# Service, the patterns beside request and response, and the actions that take them. lambda, http and states stand
# elsewhere in the guide but are of the same form.
_TABLE = """
apigateway        token       invoke
athena            sync        startQueryExecution
athena            -           stopQueryExecution getQueryExecution getQueryResults
batch             sync        submitJob
bedrock           token       invokeModel
bedrock           sync,token  createModelCustomizationJob
codebuild         sync        startBuild startBuildBatch retryBuildBatch
codebuild         -           stopBuild stopBuildBatch deleteBuildBatch batchDeleteBuilds batchGetReports
databrew          sync        startJobRun
dynamodb          -           getItem putItem deleteItem updateItem
ecs               sync,token  runTask
eks               sync        createCluster deleteCluster createFargateProfile deleteFargateProfile
eks               sync        createNodegroup deleteNodegroup
eks               sync,token  runJob
eks               token       call
elasticmapreduce  sync        createCluster terminateCluster addStep
elasticmapreduce  -           cancelStep setClusterTerminationProtection
elasticmapreduce  -           modifyInstanceFleetByName modifyInstanceGroupByName
emr-containers    sync        deleteVirtualCluster startJobRun
emr-containers    -           createVirtualCluster
emr-serverless    sync        createApplication startApplication stopApplication deleteApplication
emr-serverless    sync        startJobRun cancelJobRun
events            token       putEvents
glue              sync        startJobRun
http              -           invoke
lambda            token       invoke
mediaconvert      sync        createJob
sagemaker         sync        createHyperParameterTuningJob createLabelingJob createProcessingJob
sagemaker         sync        createTrainingJob createTransformJob
sagemaker         -           createEndpoint createEndpointConfig createModel updateEndpoint
sns               token       publish
sqs               token       sendMessage
"""


def _read(table: str) -> dict[str, dict[str, frozenset[str]]]:
    services: dict[str, dict[str, frozenset[str]]] = {}
    for line in table.split("\n"):
        if line:
            service, patterns, *actions = line.split()
            taken = frozenset(patterns.split(",")) - {"-"}
            services.setdefault(service, {}).update(dict.fromkeys(actions, taken))
    return services


SERVICES = _read(_TABLE)


class Call(NamedTuple):
    """What a well-formed integration asks for. `action` keeps `.sync`; `service` keeps `aws-sdk:`."""

    service: str
    action: str

    @property
    def queue(self) -> str:
        """The queue whose workers perform it: the same for a service's own integration and for the SDK's."""
        return f"{self.service.removeprefix(_SDK)}:{self.action}"


class Unknown(NamedTuple):
    """Why there is no such integration; `hint` says what there is."""

    hint: str
    callback: bool = False  # it exists, but does not take .waitForTaskToken


def is_nested(call: str) -> bool:
    """Whether the engine itself does what the call asks of Step Functions; all else asked of it is for workers."""
    own = ("startExecution", "startSyncExecution", "sendTask")
    return call.startswith(("states:", *(f"{_SDK}sfn:{action}" for action in own)))


def integration(call: str, *, callback: bool) -> Call | Unknown:
    """The integration that `call` names: what follows the account in its ARN, without .waitForTaskToken.

    Of the SDK's every well-formed call is taken: there are more than nine thousand, and new ones every week.
    """
    if call.startswith(_SDK):
        found = _SDK_CALL.fullmatch(call)
        return Unknown(_sdk_hint(call)) if found is None else Call(_SDK + found[1], found[2])
    service, _, action = call.partition(":")
    known = SERVICES.get(service)
    if known is None:
        near = nearest(service, SERVICES)
        return Unknown(f"Did you mean {near}:{action}?" if near and action else _ELSE)
    plain = _PATTERN.sub("", action)
    if plain not in known:
        near = nearest(plain, known)
        listed = ", ".join(known)
        return Unknown(
            f"Did you mean {service}:{near}{action[len(plain) :]}?"
            if near
            else f"The actions of {service} are {listed}; others are called as aws-sdk:{service}:ACTION."
        )
    if action != plain and (action != plain + ".sync" or "sync" not in known[plain]):
        return Unknown(f"{service}:{plain} has no pattern {action[len(plain) :]}.")
    if callback and "token" not in known[plain]:
        return Unknown(
            f"Write {service}:{plain}, or let workers do it: activity:NAME.waitForTaskToken.",
            callback=True,
        )
    return Call(service, action)


def _sdk_hint(call: str) -> str:
    if _PATTERN.search(call):
        return "The integrations of the SDK have no pattern .sync."
    return "Write aws-sdk:SERVICE:ACTION, the service in small letters, the action in camel case."


_ELSE = "Other services are called as aws-sdk:SERVICE:ACTION."
