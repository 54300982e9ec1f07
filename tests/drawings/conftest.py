"""The known masses of the elements' tests are drawn here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "elements"))
