"""Ids of new events."""

import re
import time
from uuid import RFC_4122, UUID

from timeline.ids import EventIds

FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_an_id_is_a_uuid_of_version_7_that_tells_when_it_was_made() -> None:
    """Python's own reader agrees; no two are the same, and all four variants' digits come up."""
    ids = EventIds()
    before = time.time_ns() // 1_000_000

    made = [ids() for _ in range(500)]

    after = time.time_ns() // 1_000_000
    for each in made:
        read = UUID(each)
        assert FORM.fullmatch(each)
        assert (read.version, read.variant) == (7, RFC_4122)
        assert before <= read.int >> 80 <= after
    assert len(set(made)) == len(made)
    assert {each[19] for each in made} == set("89ab")
