"""Measurements of what the documents claim: `python -m bench`, and what it is made of."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
"""The checkout, where `python -m bench` works."""
