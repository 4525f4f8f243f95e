"""Detent's Python SDK: a client for callers, a worker for those who perform tasks, a kit for testing handlers.

Speaks the `/v1` HTTP face and imports nothing of the engine.
"""

from detent.client import Client
from detent.errors import (
    Conflict,
    DetentError,
    ExecutionAlreadyExists,
    ExecutionClosed,
    Forbidden,
    Invalid,
    InvalidDefinition,
    LeaseLost,
    NotFound,
    NotJson,
    QuotaExceeded,
    TaskClosed,
    TaskError,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unreachable,
)
from detent.pages import Pages, SyncPages
from detent.sync import SyncClient
from detent.task import Task
from detent.worker import Worker

__all__ = [
    "Client",
    "Conflict",
    "DetentError",
    "ExecutionAlreadyExists",
    "ExecutionClosed",
    "Forbidden",
    "Invalid",
    "InvalidDefinition",
    "LeaseLost",
    "NotFound",
    "NotJson",
    "Pages",
    "QuotaExceeded",
    "SyncClient",
    "SyncPages",
    "Task",
    "TaskClosed",
    "TaskError",
    "TooLarge",
    "Unauthenticated",
    "Unavailable",
    "Unreachable",
    "Worker",
]
