"""What a run of random workflows does; with orders of the kill test among them, where asked for."""

from __future__ import annotations

from dataclasses import dataclass

from tests.chaos.rig.faults import Schedule

# How often each kind of kill comes, of ten thousand; by the weights of a minute.
WEIGHTS = {"engine": 20.0, "api": 4.0, "worker": 10.0, "redis": 0.5}
PAUSES, REDIS_PAUSES, BURSTS = 6.0, 2.0, 4.0  # likewise, beside the kills

# Parts of the kills of engines and API that hit a held claim: what kills are aimed for, and what a run needs.
AIMED, HELD = 0.4, 0.3


@dataclass(frozen=True)
class Plan:
    """`executions` are random workflows, `orders` come on top. `kills` are shared out among engines, API, workers, Redis.

    `calm` leaves out everything but kills. `strict_times` makes a slow recovery or a late timer a finding, which only a
    machine of its own allows. `mutant`: of tests/chaos/broken/program.py. `stuck_seconds`: without an end, outside faults.
    """

    executions: int = 9200
    orders: int = 800
    kills: int = 200
    seed: int = 1
    engines: int = 2
    workers: int = 2
    lease_ms: int = 3000
    gap_seconds: tuple[float, float] = (0.3, 1.4)
    calm: bool = False
    strict_times: bool = False
    settle_seconds: float = 180.0
    stuck_seconds: float = 60.0
    loss: float = 0.0  # part of commits whose reply is lost, all the time
    pauses: int | None = None  # None: by weight
    mutant: str = ""

    @property
    def schedule(self) -> Schedule:
        total = sum(WEIGHTS.values())
        share = {kind: round(self.kills * weight / total) for kind, weight in WEIGHTS.items()}
        share["redis"] = max(1, share["redis"]) if self.kills and not self.calm else 0
        share["engine"] += self.kills - sum(share.values())
        pauses, redis_pauses, bursts = (
            0 if self.calm else round(self.kills * weight / total)
            for weight in (PAUSES, REDIS_PAUSES, BURSTS)
        )
        return Schedule(
            engine_kills=share["engine"],
            api_kills=share["api"],
            worker_kills=share["worker"],
            redis_kills=share["redis"],
            pauses=pauses if self.pauses is None else self.pauses,
            redis_pauses=redis_pauses,
            bursts=bursts,
            held_min=round((share["engine"] + share["api"]) * AIMED),
            lease_ms=self.lease_ms,
            gap_seconds=self.gap_seconds,
            seed=self.seed,
        )
