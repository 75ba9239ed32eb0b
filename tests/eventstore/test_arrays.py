"""Arrays as PostgreSQL takes them: what is sent is what arrives."""

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from timeline.eventstore.arrays import Blobs, Numbers, Texts, register

pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"])

_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))

real = settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@real
@given(
    texts=st.lists(st.none() | _texts),
    blobs=st.lists(st.binary()),
    numbers=st.lists(st.integers(-(2**63), 2**63 - 1)),
)
def test_an_array_arrives_as_it_was_sent(
    empty_database_url: str, texts: list[str | None], blobs: list[bytes], numbers: list[int]
) -> None:
    """Texts, NULLs among them, bytes and 64-bit numbers, of any count and none."""
    with psycopg.connect(empty_database_url) as connection:
        register(connection)

        row = connection.execute(
            "SELECT %s, %s, %s", [Texts.of(texts), Blobs.of(blobs), Numbers.of(numbers)]
        ).fetchone()

    assert row == (texts, blobs, numbers)
