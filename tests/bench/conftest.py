"""The benchmark's own modules, which lie beside the package and not in it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
