"""Makes `elements_oracles` importable: tests are imported by path, not from packages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
