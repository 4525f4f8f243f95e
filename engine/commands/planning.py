"""What would become of executions if they were migrated now: the same judgement as the migration's, and nothing written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from engine.core.execution import ROOT, Enter, Execution, Frame
from engine.core.moving.undo import UNDO, read_undo, way_back
from engine.core.moving.verdict import HISTORY_FULL, Moves, Verdict, full_history, judge
from engine.language.comparing.reach import ends_reachable
from engine.language.comparing.shapes import missing_paths
from engine.language.machine import Machine
from engine.runtime.bulk.routes import Route
from engine.views import Outcomes, PositionPlan, VerdictView

Position = tuple[int, str, Outcomes, str, str]  # version, state, outcome, where to, reason

WARNINGS_MAX = 5  # told of one execution


def verdict_of(execution: Execution, route: Route, records_max: int) -> VerdictView:
    """The verdict on one execution, with warnings where it moves; a history has at most `records_max` records."""
    full = full_history(route.new, execution.last_record, records_max)
    if full:
        return _refused(execution, HISTORY_FULL, full)
    verdict = judge(execution.frames, route.old, route.new, Moves(route.mapping, route.explicit))
    warnings = [] if verdict.outcome == "blocked" else _warnings(execution, verdict, route.new)
    return _view(execution, verdict, _target(execution, verdict), warnings)


def verdict_back(
    execution: Execution, migration: str, machines: dict[int, Machine], records_max: int
) -> VerdictView:
    """The verdict on taking a migration back; `machines` has those of the versions it may go back to and is on."""
    kept = execution.values.get(UNDO)
    undo = read_undo(kept) if kept is not None else None
    if undo is None or undo.operation != migration:
        return _refused(execution, "not_moved_by_it", "another migration has moved it, or none")
    old, new = machines[execution.version], machines[undo.version]
    full = full_history(new, execution.last_record, records_max)
    if full:
        return _refused(execution, HISTORY_FULL, full)
    moves, _, used = way_back(undo, execution.frames, new)
    if used:
        detail = f"the data that was made for strand {used} has been used since"
        return _refused(execution, "moved_on", detail)
    verdict = judge(execution.frames, old, new, moves)
    return _view(execution, verdict, _target(execution, verdict), [])


def version_back(execution: Execution, migration: str) -> int | None:
    """The version that taking the migration back leads to."""
    kept = execution.values.get(UNDO)
    undo = read_undo(kept) if kept is not None else None
    return undo.version if undo is not None and undo.operation == migration else None


def _view(execution: Execution, verdict: Verdict, target: str, warnings: list[str]) -> VerdictView:
    at = execution.frames.get(verdict.frame or ROOT)
    return VerdictView(
        execution.id,
        execution.version,
        at.state if at is not None else "",
        verdict.outcome,
        target,
        verdict.reason,
        verdict.detail,
        warnings[:WARNINGS_MAX],
    )


def _refused(execution: Execution, reason: str, detail: str) -> VerdictView:
    root = execution.frames.get(ROOT)
    state = root.state if root is not None else ""
    return VerdictView(execution.id, execution.version, state, "blocked", "", reason, detail, [])


def _target(execution: Execution, verdict: Verdict) -> str:
    """Where the execution's own strand goes; "" where it is blocked."""
    root = execution.frames.get(ROOT)
    if verdict.outcome == "blocked" or root is None:
        return ""
    found = [strand.state for strand in verdict.strands if strand.frame == ROOT]
    return found[0] if found else root.state


def _warnings(execution: Execution, verdict: Verdict, new: Machine) -> list[str]:
    """What may go wrong after the move, as far as the data and the new definition tell."""
    strands = {strand.frame: strand for strand in verdict.strands}
    found: list[str] = []
    for frame in execution.frames.values():
        if frame is None or not frame.state:
            continue
        strand = strands.get(frame.id)
        state = strand.state if strand is not None else frame.state
        if state not in new.states:
            continue  # dropped with its parent
        entered = not isinstance(frame.hold, Enter) and not (strand is not None and strand.renewed)
        found += _of_strand(frame, state, new, entered=entered)
        if len(found) >= WARNINGS_MAX:
            break
    return list(dict.fromkeys(found))


def _of_strand(frame: Frame, state: str, new: Machine, *, entered: bool) -> list[str]:
    told = [
        f"path_missing: {missing.state} reads {missing.path}, which the data does not have"
        for missing in missing_paths(new, state, frame.input.value, entered=entered)
    ]
    if not ends_reachable(new, state):
        told.append(f"no_end: from {state} no end can be reached")
    return told


@dataclass(slots=True)
class Tallied:
    """Verdicts, counted by position."""

    counts: Counter[Position] = field(default_factory=Counter)
    warned: Counter[Position] = field(default_factory=Counter)
    example: dict[Position, VerdictView] = field(default_factory=dict)

    def add(self, verdict: VerdictView) -> None:
        position: Position = (
            verdict.version,
            verdict.state,
            verdict.outcome,
            verdict.to,
            verdict.reason,
        )
        self.counts[position] += 1
        self.warned[position] += bool(verdict.warnings)
        known = self.example.get(position)
        if known is None or (verdict.warnings and not known.warnings):
            self.example[position] = verdict

    def total(self, outcome: str) -> int:
        return sum(count for position, count in self.counts.items() if position[2] == outcome)

    def positions(self) -> list[PositionPlan]:
        """The most frequent first."""
        return [
            PositionPlan(
                version,
                state,
                outcome,
                to,
                count,
                reason,
                self.example[version, state, outcome, to, reason].detail,
                self.warned[version, state, outcome, to, reason],
                self.example[version, state, outcome, to, reason].warnings,
                self.example[version, state, outcome, to, reason].id,
            )
            for (version, state, outcome, to, reason), count in self.counts.most_common()
        ]
