"""Distributed Map: what it asks of a Map Run, and what becomes of its answer."""

from engine.core.states.distributed.arrive import arrive

__all__ = ["arrive"]
