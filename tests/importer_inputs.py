"""Inputs for importers, from text."""

import io

from timeline.importers.opening import Input


def given(raw: bytes | str, name: str = "given") -> Input:
    """Return an input that holds this."""
    content = raw.encode() if isinstance(raw, str) else raw
    return Input(name, io.BytesIO(content))
