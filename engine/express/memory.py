"""What a run in memory keeps: frames, values and records, tasks that are out, and what is due when."""

from __future__ import annotations

import heapq

from engine.core.context import key_of
from engine.core.effects import (
    CancelTask,
    CancelTimer,
    Effect,
    Record,
    ScheduleTask,
    StartTimer,
    Transition,
)
from engine.core.events import Event
from engine.core.execution import ROOT, Frame, FrameId
from engine.documents import Document

TaskKey = tuple[FrameId, int]
TimerKey = tuple[FrameId, int, str]


class Memory:
    """A store with no failures and no other writers."""

    def __init__(self) -> None:
        self.frames: dict[FrameId, Frame] = {}
        self.values: dict[str, Document] = {}
        self.records: list[Record] = []
        self.tasks: dict[TaskKey, ScheduleTask] = {}
        self.timers: dict[TimerKey, int] = {}

    def frame(self, frame: FrameId) -> Frame | None:
        return self.frames.get(frame)

    def value(self, key: str) -> Document | None:
        return self.values.get(key)

    def write(self, transition: Transition) -> None:
        for frame_id, frame in transition.frames.items():
            if frame is None:
                self.frames.pop(frame_id, None)
            else:
                self.frames[frame_id] = frame
        for key, value in transition.values.items():
            if value is None:
                self.values.pop(key, None)
            else:
                self.values[key] = value
        self.records.extend(transition.records)
        for effect in transition.effects:
            self._perform(effect)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case ScheduleTask():
                self.tasks[effect.frame, effect.revision] = effect
            case CancelTask():
                self.tasks.pop((effect.frame, effect.revision), None)
            case StartTimer():
                self.timers[effect.frame, effect.revision, effect.kind] = effect.due_ms
            case CancelTimer():
                self.timers.pop((effect.frame, effect.revision, effect.kind), None)
            case _:
                pass

    def left_behind(self, *, succeeded: bool) -> list[str]:
        """What a closed execution must not have left: anything but signals that nobody consumed.

        One that has not succeeded keeps its root frame, with its variables, for a redrive.
        """
        kept = ("s:",) if succeeded else ("s:", key_of(ROOT, ""))
        return [
            *(f"frame {frame}" for frame in self.frames if succeeded or frame != ROOT),
            *(f"value {key}" for key in self.values if not key.startswith(kept)),
            *(f"task {frame}@{revision}" for frame, revision in self.tasks),
            *(f"timer {frame}@{revision}#{kind}" for frame, revision, kind in self.timers),
        ]


class Agenda:
    """What will happen when, in the order of time; at one time, in the order of planning."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, TaskKey | None, Event | TaskKey]] = []
        self._count = 0

    def plan(self, at_ms: int, event: Event | TaskKey, task: TaskKey | None = None) -> None:
        """Have `event` happen at `at_ms`, if `task` is still out then. A bare task key is a heartbeat."""
        self._count += 1
        heapq.heappush(self._heap, (at_ms, self._count, task, event))

    def next_ms(self) -> int | None:
        return self._heap[0][0] if self._heap else None

    def pop(self) -> tuple[TaskKey | None, Event | TaskKey]:
        _, _, task, event = heapq.heappop(self._heap)
        return task, event
