"""Express executions: run in the memory of one process, for minutes, and forgotten. Nothing of them is stored.

`Express` starts and ends them, `Run` is one of them and applies its transitions, `MemoryTasks` are their tasks (offered
to workers, or performed here), `Remembered` is what can still be told of them.
"""

from engine.express.express import Express
from engine.express.remembered import Remembered
from engine.express.run import Run
from engine.express.tasks import MemoryTasks

__all__ = ["Express", "MemoryTasks", "Remembered", "Run"]
