"""Server-sent events as the client reads them, from a server that means it no good."""

from itertools import islice, repeat

import pytest

from timeline.client import UnexpectedAnswer
from timeline.client.following import messages

URL = "https://timeline.example"


def test_an_event_without_end_is_not_kept() -> None:
    """Lines of data that never end an event end the reading of it, however short each is."""
    endless = repeat(b"data: " + bytes(1_000))

    with pytest.raises(UnexpectedAnswer, match="bytes"):
        list(messages(islice(endless, 100_000), URL))
