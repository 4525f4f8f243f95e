"""The Step Functions wire protocol, for boto3, the aws CLI, Terraform and whatever else speaks it.

`POST /` with `X-Amz-Target: AWSStepFunctions.<Operation>`, JSON 1.0. Requests are checked against the service model that
botocore ships; what an operation means is the engine's commands and queries.
"""
