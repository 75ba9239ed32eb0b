"""Older shapes: every event that was ever recorded can be read, as what it says today."""

import json
from pathlib import Path
from typing import Any

import pytest

from timeline.domain.errors import ReplacementShapesMissing, UnknownShape, UpcasterMissing
from timeline.domain.events import DATA_TYPES, SCHEMA_VERSIONS
from timeline.domain.upcasting import check_chain, read_recorded, upcast, upcast_replacement
from timeline.domain.vocabulary import EventType

SAMPLES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "samples" / "shapes.ndjson").read_text().splitlines()
]
ACTION = EventType.ACTION_RECORDED
ERASURE = EventType.PAYLOAD_ERASED
VERSIONS = {**SCHEMA_VERSIONS, ACTION: 3, ERASURE: 3}
REPLACEMENTS = {schema: {**SCHEMA_VERSIONS, ACTION: schema} for schema in (1, 2, 3)}


def renamed(data: dict[str, Any]) -> dict[str, Any]:
    """Bring an action from a first shape, in which `date` was the word, to a second."""
    rest = {name: value for name, value in data.items() if name != "date"}
    return {**rest, "happened": data["date"]}


def renamed_again(data: dict[str, Any]) -> dict[str, Any]:
    """Bring it to a third."""
    rest = {name: value for name, value in data.items() if name != "happened"}
    return {**rest, "occurred": data["happened"]}


def same(data: dict[str, Any]) -> dict[str, Any]:
    """Leave an erasure as it is: its number went up with that of actions."""
    return data


STEPS = {
    (ACTION, 1): renamed,
    (ACTION, 2): renamed_again,
    (ERASURE, 1): same,
    (ERASURE, 2): same,
}


@pytest.mark.parametrize(
    "sample", SAMPLES, ids=lambda sample: f"{sample['type']}-{sample['schema']}"
)
def test_a_stored_sample_of_every_shape_is_read(sample: dict[str, Any]) -> None:
    """What was recorded once is read for ever."""
    type = EventType(sample["type"])

    assert isinstance(read_recorded(type, sample["schema"], sample["data"]), DATA_TYPES[type])


def test_there_is_a_sample_of_every_shape() -> None:
    """A new shape comes with a sample of the one before."""
    shapes = {
        (type.value, schema) for type in EventType for schema in range(1, SCHEMA_VERSIONS[type] + 1)
    }

    assert {(each["type"], each["schema"]) for each in SAMPLES} == shapes


@pytest.mark.parametrize(
    ("schema", "data"),
    [(1, {"date": "2024"}), (2, {"happened": "2024"}), (3, {"occurred": "2024"})],
)
def test_a_payload_goes_through_the_steps_from_its_shape_on(
    schema: int, data: dict[str, Any]
) -> None:
    """Each step brings it to the next; today's goes through none."""
    before = dict(data)

    assert upcast(ACTION, schema, data, STEPS, VERSIONS) == {"occurred": "2024"}
    assert data == before


def test_a_chain_with_a_hole_is_refused() -> None:
    """The service does not start where it could not read its record."""
    check_chain()
    check_chain(STEPS, VERSIONS, REPLACEMENTS)

    with pytest.raises(UpcasterMissing, match="ActionRecorded from shape 2"):
        check_chain({(ACTION, 1): renamed}, VERSIONS, REPLACEMENTS)


@pytest.mark.parametrize(
    ("schema", "replacement"),
    [(1, {"date": "2024"}), (2, {"happened": "2024"}), (3, {"occurred": "2024"})],
)
def test_what_replaces_an_erased_payload_goes_through_its_steps_too(
    schema: int, replacement: dict[str, Any]
) -> None:
    """The shape of the erasure tells the shape that its replacement was judged in."""
    erasure = {"event": "an-action", "replacement": replacement}

    read = upcast_replacement(ACTION, schema, erasure, STEPS, VERSIONS, REPLACEMENTS)

    assert read == {"occurred": "2024"}
    assert upcast_replacement(ACTION, schema, {}, STEPS, VERSIONS, REPLACEMENTS) is None


@pytest.mark.parametrize(
    ("versions", "replacements", "schema"),
    [
        ({**VERSIONS, ERASURE: 2}, REPLACEMENTS, 2),
        (VERSIONS, {1: REPLACEMENTS[1], 3: REPLACEMENTS[3]}, 2),
        (VERSIONS, {**REPLACEMENTS, 1: {ACTION: 1}}, 1),
    ],
    ids=["not-raised", "forgotten", "incomplete"],
)
def test_a_shape_that_changes_without_that_of_erasures_is_refused(
    versions: dict[EventType, int], replacements: dict[int, dict[EventType, int]], schema: int
) -> None:
    """Else nobody could tell in which shape a replacement is; the service does not start."""
    with pytest.raises(ReplacementShapesMissing, match=f"PayloadErased of shape {schema}"):
        check_chain(STEPS, versions, replacements)


@pytest.mark.parametrize("schema", [0, 4])
def test_a_shape_that_is_not_known_is_refused(schema: int) -> None:
    """What a newer version recorded is not guessed at."""
    with pytest.raises(UnknownShape, match=f"shape {schema}, and this version knows 3"):
        upcast(ACTION, schema, {}, STEPS, VERSIONS)
