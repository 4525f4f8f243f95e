"""Driving Map Runs: items in, children started and their ends gathered, one outcome out for the task that the run is.

`MapRunner` performs the engine's queue of Map Runs, `Drive` is one run in this process's hands, `StandardChildren` are its
children where they are executions of their own (Express ones: `engine.express.children`), `Stopper` ends a run.
"""

from engine.runtime.maps.bells import Bells
from engine.runtime.maps.runner import MapRunner

__all__ = ["Bells", "MapRunner"]
