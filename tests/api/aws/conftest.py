"""The scripted engine of the tests one folder up serves these too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
