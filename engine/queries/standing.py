"""How the store stands, as far as this process knows: what it promises, whether it can be used, what it has lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.clock import iso
from engine.errors import StoreRefused
from engine.store.server.promise import Promise
from engine.views import Health


@dataclass(slots=True)
class Standing:
    """Kept up to date by the process (`engine/serve/watching.py`), read by whoever answers callers.

    `lost`: why Redis cannot be used, while it cannot. `unsafe`: why nothing new may be begun on it, while that is so: it
    answers, and might delete what it is given. `incarnation`: 0, or the ms at which it was last noticed that Redis
    lacked what it had acknowledged; `loss`: what this process knows of that.
    """

    promise: Promise | None = None
    lost: str | None = None
    unsafe: str | None = None
    incarnation: int = 0
    loss: str | None = None

    def admit(self) -> None:
        """Raises StoreRefused where nothing new may be begun."""
        if self.unsafe is not None:
            raise StoreRefused(self.unsafe)

    def health(self) -> Health:
        if self.promise is None or self.lost is not None:
            return Health("down", "none", {}, [self.lost or "not checked yet"])
        facts = self.promise.facts | {
            "incarnation": iso(self.incarnation) if self.incarnation else None
        }
        losses = [self.loss] if self.loss else []
        if self.unsafe is not None:
            return Health("down", "none", facts, [self.unsafe, *losses])
        status: Literal["ok", "degraded"] = "degraded" if losses else "ok"
        return Health(status, self.promise.mode, facts, [*losses, *self.promise.reasons])
