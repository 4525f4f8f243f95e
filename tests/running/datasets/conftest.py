"""What tests of Map Runs over data share with those of other running executions."""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2]
sys.path.insert(0, str(FOLDER / "running" / "moving"))  # played.py
