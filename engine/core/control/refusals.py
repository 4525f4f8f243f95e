"""Why an order is refused: stable codes, which callers match, and what each means, for people."""

from __future__ import annotations

ALREADY_PAUSED = "already_paused"
NOT_PAUSED = "not_paused"
PAUSED = "paused"
ALREADY_CANCELLED = "already_cancelled"
CLOSING = "closing"
NO_FRAME = "frame_not_found"
NO_BACKOFF = "no_backoff"
NO_NEXT = "no_next"
NO_STATE = "state_not_in_scope"
TOO_LARGE = "data_too_large"
NO_VARIABLE = "variable_not_assignable"
CROWDED = "too_many_ready"
NOT_REDRIVABLE = "not_redrivable"

MEANINGS = {
    ALREADY_PAUSED: "The execution is paused already.",
    NOT_PAUSED: "The execution is not paused.",
    PAUSED: "The execution is paused; resume it first, or terminate it.",
    ALREADY_CANCELLED: "A graceful stop is under way already.",
    CLOSING: "The execution is ending.",
    NO_FRAME: "No such strand is alive.",
    NO_BACKOFF: "No such strand waits for its next attempt.",
    NO_NEXT: "The state has no single Next to go on to; name one.",
    NO_STATE: "There is no state of that name in the strand's scope.",
    TOO_LARGE: "The data would exceed the payload limit.",
    NO_VARIABLE: "A variable of that name cannot be set in this strand.",
    CROWDED: "Too many strands go on at this moment; try again.",
    NOT_REDRIVABLE: "There is nothing left of the execution to go on from.",
}
