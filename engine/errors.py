"""Every situation a caller of the engine can be told about: one class each.

The class's docstring is its message, `code` is stable and public, `status` is the HTTP status the faces answer
with, and the facts of the case are keyword arguments, kept in `facts` and shown to the caller.
"""

from __future__ import annotations

from typing import Any, ClassVar


class EngineError(Exception):
    """Something went wrong in the engine."""

    code: ClassVar[str] = "engine_error"
    status: ClassVar[int] = 500

    def __init__(self, detail: str | None = None, **facts: Any) -> None:
        self.title = (type(self).__doc__ or "").strip().splitlines()[0]
        self.detail = detail
        self.facts = facts
        super().__init__(f"{self.title} {detail}" if detail else self.title)


class InvalidDocument(EngineError):
    """The text is not a JSON document that Detent accepts."""

    code = "invalid_document"
    status = 400


class InvalidRequest(EngineError):
    """The request is not of the form this operation takes."""

    code = "invalid_request"
    status = 400


class InvalidConnections(EngineError):
    """The file of connections cannot be used."""

    code = "invalid_connections"
    status = 500


class InvalidName(EngineError):
    r"""The name is not allowed: 1 to 80 characters, no white space, control characters or any of <>{}[]?*"#%\^|~`$&,;:/."""

    code = "invalid_name"
    status = 400


class InvalidDefinition(EngineError):
    """The definition has problems; nothing was published."""

    code = "invalid_definition"
    status = 400

    def __init__(self, problems: Any) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{len(self.problems)} problem(s)")


class Unauthenticated(EngineError):
    """A bearer token is required, and the one given (if any) is not it."""

    code = "unauthenticated"
    status = 401


class DefinitionNotFound(EngineError):
    """There is no definition of that name, or no such version of it."""

    code = "definition_not_found"
    status = 404


class AliasNotFound(EngineError):
    """The definition has no alias of that name."""

    code = "alias_not_found"
    status = 404


class ExecutionNotFound(EngineError):
    """There is no execution of that id."""

    code = "execution_not_found"
    status = 404


class OperationNotFound(EngineError):
    """There is no operation of that id."""

    code = "operation_not_found"
    status = 404


class OperationAlreadyExists(EngineError):
    """An operation of that id exists, and asks for something else."""

    code = "operation_already_exists"
    status = 409


class OperationEnded(EngineError):
    """The operation has ended; it cannot be paused, resumed or cancelled any more."""

    code = "operation_ended"
    status = 409


class TaskNotFound(EngineError):
    """No task was ever handed out under that token."""

    code = "task_not_found"
    status = 404


class ActivityNotFound(EngineError):
    """There is no activity of that name."""

    code = "activity_not_found"
    status = 404


class ActivityAlreadyExists(EngineError):
    """The activity exists with another encryption, which never changes."""

    code = "activity_already_exists"
    status = 409


class MapRunNotFound(EngineError):
    """There is no Map Run of that id."""

    code = "map_run_not_found"
    status = 404


class MapRunClosed(EngineError):
    """The Map Run has ended; what it keeps to cannot be changed any more."""

    code = "map_run_closed"
    status = 409


class ExecutionAlreadyExists(EngineError):
    """An execution of that name exists with another input, or has already ended."""

    code = "execution_already_exists"
    status = 409


class ExecutionClosed(EngineError):
    """The execution has already ended; nothing was changed."""

    code = "execution_closed"
    status = 409


class TaskClosed(EngineError):
    """The task has already ended otherwise; this outcome was not accepted."""

    code = "task_closed"
    status = 409


class LeaseLost(EngineError):
    """The lease lapsed and the task is no longer this worker's."""

    code = "lease_lost"
    status = 409


class OrderRefused(EngineError):
    """The execution cannot do that as it stands; nothing was changed."""

    code = "order_refused"
    status = 409


class StateTestRefused(EngineError):
    """The parts of a request to test a state do not go together, or not with the state."""

    code = "state_test_refused"
    status = 400


class DefinitionTypeConflict(EngineError):
    """The definition exists with another type, and a definition's type never changes; nothing was published."""

    code = "definition_type_conflict"
    status = 409


class DefinitionAlreadyExists(EngineError):
    """A definition of that name exists, and is not the one that was to be made."""

    code = "definition_already_exists"
    status = 409


class AliasAlreadyExists(EngineError):
    """An alias of that name exists, and leads elsewhere."""

    code = "alias_already_exists"
    status = 409


class RevisionConflict(EngineError):
    """Another revision than the one named is current; nothing was changed."""

    code = "revision_conflict"
    status = 409


class TooManyChanges(EngineError):
    """Others change it at the same time, again and again; nothing was changed. Try again."""

    code = "too_many_changes"
    status = 409


class VersionInUse(EngineError):
    """Aliases lead to the published version; it was not deleted."""

    code = "version_in_use"
    status = 409


class ChangesNotKept(EngineError):
    """This server keeps no changes of executions to follow: set DETENT_CHANGES_KEPT."""

    code = "changes_not_kept"
    status = 409


class ExpressUnsupported(EngineError):
    """Express executions do not support this operation."""

    code = "express_operation_unsupported"
    status = 409


class PayloadTooLarge(EngineError):
    """The payload is larger than the limit."""

    code = "payload_too_large"
    status = 413


class SignalInvalid(EngineError):
    """The payload is not what any state that waits for the signal takes; nothing was accepted."""

    code = "signal_invalid"
    status = 422


class QuotaExceeded(EngineError):
    """A quota is used up; nothing was changed."""

    code = "quota_exceeded"
    status = 429


class StoreUnavailable(EngineError):
    """Redis cannot be reached or refuses writes; nothing was acknowledged. Try again."""

    code = "store_unavailable"
    status = 503


class OutcomeUnknown(StoreUnavailable):
    """Redis or its replicas did not confirm it; whether the write happened, and will last, is unknown. Repeat the request."""

    code = "outcome_unknown"
    status = 503


class StoreRefused(EngineError):
    """The store cannot be used."""

    code = "store_refused"
    status = 503


class StaleCommit(EngineError):
    """Another holder claimed or committed this execution first; nothing was written."""

    code = "stale_commit"
    status = 409
