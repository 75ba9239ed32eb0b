"""What a payload may hold, and what is said about one that holds something else."""

import csv
import gzip
import json
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_builders import (
    CALIFORNIA,
    LOS_ANGELES,
    SOURCE,
    Json,
    acted,
    corrected,
    described,
    erased,
    event_id,
    merged,
    registered,
    related,
    retracted,
    supported,
)
from full_payloads import ACTION, FULL, IDENTIFIER, SELECTOR, SPONSOR, VOTE
from shared_files import shared
from timeline.domain.dates import Edtf, Occurrence
from timeline.domain.errors import InvalidData
from timeline.domain.events import (
    DATA_TYPES,
    SCHEMA_VERSIONS,
    ActionChanges,
    ActionRecorded,
    Counterpart,
    EventId,
    Identifier,
    JurisdictionId,
    Party,
    PolicyDescribed,
    PolicyId,
    PrincipalName,
    Scope,
    Sha256,
    Source,
    Url,
    citation_key,
    decode_data,
    field_type,
    plain,
    read,
)
from timeline.domain.situation import correct
from timeline.domain.vocabulary import Action, EventType

REQUIRED: dict[EventType, dict[str, Json]] = {
    draft.type: draft.data
    for draft in (
        registered("order-1"),
        described("order-1"),
        acted("order-1"),
        corrected("order-1", event_id(1), {}),
        supported("order-1", event_id(1)),
        related("order-1", {"policy": "order-2"}),
        retracted("order-1", event_id(1)),
        merged("order-1", "order-2"),
        erased("order-1", event_id(1)),
    )
}

EACH_FIELD = [(type, name) for type, data in FULL.items() for name in data]


def as_json(value: object) -> Json:
    """Return a payload, or a part of one, as it is written in JSON."""
    return json.loads(json.dumps(plain(value)))


def refusal(type: EventType, data: Json) -> tuple[str, str]:
    """Return the field and the reason with which a payload is refused."""
    with pytest.raises(InvalidData) as refused:
        decode_data(type, data)
    return refused.value.field, str(refused.value)


# --- shapes


@pytest.mark.parametrize("type", EventType)
def test_a_payload_with_every_field_is_read_whole(type: EventType) -> None:
    """What was read and is written again is what was sent, dates and all."""
    names = {field.encode_name for field in msgspec.structs.fields(DATA_TYPES[type])}

    data = decode_data(type, FULL[type])

    assert isinstance(data, DATA_TYPES[type])
    assert as_json(data) == FULL[type]
    assert set(FULL[type]) == names, "a field was added: it belongs into FULL"


@pytest.mark.parametrize("type", EventType)
def test_a_payload_with_only_the_required_fields_is_read(type: EventType) -> None:
    """All else may be absent, and absent stays absent."""
    data = decode_data(type, REQUIRED[type])

    assert as_json(data) == REQUIRED[type]


@pytest.mark.parametrize(
    ("type", "name"), [(type, name) for type, data in REQUIRED.items() for name in data]
)
def test_a_required_field_that_is_missing_is_named(type: EventType, name: str) -> None:
    """The writer learns which field to add."""
    data = {key: value for key, value in REQUIRED[type].items() if key != name}

    assert refusal(type, data) == (f"data.{name}", f"`{name}` is required")


@pytest.mark.parametrize("type", EventType)
def test_a_field_that_the_type_does_not_have_is_refused_by_name(type: EventType) -> None:
    """A misspelt field would otherwise be lost without a word; the writer learns what there is."""
    data = FULL[type] | {"occured": "2024"}

    field, reason = refusal(type, data)

    assert field == "data.occured"
    said, _, fields = reason.partition("; there are ")
    assert said == "There is no field `occured` here"
    assert sorted(fields.split(", ")) == sorted(FULL[type])


@pytest.mark.parametrize(("type", "name"), EACH_FIELD)
@pytest.mark.parametrize("wrong", [1.5, 7, True, [[1]]], ids=repr)
def test_a_value_of_a_wrong_type_is_refused_where_it_stands(
    type: EventType, name: str, wrong: Json
) -> None:
    """No field takes a float, a number, a boolean or a list of lists; nothing is converted."""
    field, _ = refusal(type, FULL[type] | {name: wrong})

    assert field.startswith(f"data.{name}")


@pytest.mark.parametrize("type", EventType)
@pytest.mark.parametrize("raw", [None, "text", 1, [], ["event"]], ids=repr)
def test_a_payload_is_an_object(type: EventType, raw: Json) -> None:
    """Anything else is refused as a whole."""
    assert refusal(type, raw)[0] == "data"


@pytest.mark.parametrize("type", EventType)
def test_every_type_has_a_payload_and_a_schema_version(type: EventType) -> None:
    """The entry names the version of the shape; all are at their first."""
    assert DATA_TYPES[type].__name__ == type.value
    assert SCHEMA_VERSIONS[type] == 1


NESTED: list[tuple[EventType, dict[str, Json], str, str]] = [
    (
        EventType.ACTION_RECORDED,
        {"sources": [SOURCE, {"title": "Where?"}]},
        "data.sources[1]",
        "A source has a `url` or a `citation`",
    ),
    (
        EventType.ACTION_RECORDED,
        {"sources": [SOURCE | {"class": "gossip"}]},
        "data.sources[0].class",
        "'gossip' is none of primary, official, news, secondary",
    ),
    (
        EventType.ACTION_RECORDED,
        {"sources": [SOURCE | {"class_": "news"}]},
        "data.sources[0].class_",
        "There is no field `class_` here",
    ),
    (
        EventType.ACTION_RECORDED,
        {"occurred": "2023-02-29"},
        "data.occurred",
        "'2023-02-29' has the day 29, which its month does not have",
    ),
    (
        EventType.ACTION_RECORDED,
        {"effective": "2024-11-19T10:30:00Z"},
        "data.effective",
        "'2024-11-19T10:30:00Z' has a time of day; only a date can stand here",
    ),
    (EventType.ACTION_RECORDED, {"until": 2024}, "data.until", "Expected a date as text"),
    (
        EventType.ACTION_RECORDED,
        {"vote": {"yes": 3.0}},
        "data.vote.yes",
        "Expected a whole number or null, got a number with a fraction",
    ),
    (EventType.ACTION_RECORDED, {"vote": {"no": -1}}, "data.vote.no", "It is 0 at the least"),
    (
        EventType.ACTION_RECORDED,
        {"vote": {"members": [{"name": "A", "vote": "perhaps"}]}},
        "data.vote.members[0].vote",
        "'perhaps' is none of yes, no, abstain, absent",
    ),
    (
        EventType.ACTION_RECORDED,
        {"by": {}},
        "data.by",
        "Exactly one of `policy`, `citation` is needed",
    ),
    (
        EventType.ACTION_RECORDED,
        {"by": {"policy": "order-1", "citation": "EO 1"}},
        "data.by",
        "Exactly one of `policy`, `citation` is needed",
    ),
    (EventType.ACTION_RECORDED, {"sources": []}, "data.sources", "At least 1 item is needed"),
    (
        EventType.ACTION_CORRECTED,
        {"changes": {"reason": "x"}},
        "data.changes.reason",
        "There is no field `reason` here",
    ),
    (
        EventType.ACTION_CORRECTED,
        {"changes": {"occurred": None}},
        "data.changes.occurred",
        "Expected a date as text",
    ),
    (
        EventType.ACTION_CORRECTED,
        {"changes": {"sources": []}},
        "data.changes.sources",
        "At least 1 item is needed",
    ),
    (
        EventType.SOURCE_ATTACHED,
        {"stance": "disputes"},
        "data",
        "A source that disputes has a `claim`",
    ),
    (
        EventType.SOURCE_ATTACHED,
        {"stance": "disputes", "claim": {"field": "until"}},
        "data.claim.value",
        "`value` is required",
    ),
    (
        EventType.RELATION_ASSERTED,
        {"target": {}},
        "data.target",
        "Exactly one of `policy`, `citation`, `selector` is needed",
    ),
    (
        EventType.RELATION_ASSERTED,
        {"target": {"citation": "EO 1", "selector": SELECTOR}},
        "data.target",
        "Exactly one of `policy`, `citation`, `selector` is needed",
    ),
    (
        EventType.RELATION_ASSERTED,
        {"target": {"selector": {"except": ["order-1"]}}},
        "data.target.selector",
        "A selector names at least one criterion besides `except`",
    ),
    (
        EventType.RELATION_ASSERTED,
        {"target": {"selector": SELECTOR | {"except": ["Order 1"]}}},
        "data.target.selector.except[0]",
        "Expected lower-case letters, digits and single hyphens",
    ),
]


@pytest.mark.parametrize(("type", "changes", "field", "reason"), NESTED)
def test_what_is_wrong_deep_inside_is_named_by_its_path(
    type: EventType, changes: dict[str, Json], field: str, reason: str
) -> None:
    """The path is the one in the payload as sent, in JSON's names."""
    told = refusal(type, REQUIRED[type] | changes)

    assert told[0] == field
    assert told[1].startswith(reason)


@pytest.mark.parametrize("name", ["a`b", "x - at `$.title`", "title` - at `$.body", "", "$", "a.b"])
def test_a_field_name_made_to_mislead_stays_within_the_payload(name: str) -> None:
    """Whatever a sender writes, the refusal points below `data` and never fails itself."""
    field, _ = refusal(
        EventType.POLICY_REGISTERED, REQUIRED[EventType.POLICY_REGISTERED] | {name: 1}
    )

    assert field == "data" or field.startswith("data.")


# --- bounds

BOUNDS: list[tuple[EventType, str, int, Json]] = [
    (EventType.POLICY_REGISTERED, "sources", 100, [SOURCE]),
    (EventType.POLICY_DESCRIBED, "sources", 100, [SOURCE]),
    (EventType.ACTION_RECORDED, "sources", 100, [SOURCE]),
    (EventType.ACTION_CORRECTED, "sources", 100, [SOURCE]),
    (EventType.ACTION_CORRECTED, "changes.sources", 100, [SOURCE]),
    (EventType.ACTION_CORRECTED, "settles", 100, [event_id(2)]),
    (EventType.RELATION_ASSERTED, "sources", 100, [SOURCE]),
    (EventType.POLICY_REGISTERED, "topics", 64, ["immigration"]),
    (EventType.POLICY_DESCRIBED, "topics", 64, ["immigration"]),
    (EventType.POLICY_REGISTERED, "identifiers", 64, [IDENTIFIER]),
    (EventType.POLICY_DESCRIBED, "identifiers", 64, [IDENTIFIER]),
    (EventType.POLICY_REGISTERED, "sponsors", 64, [SPONSOR]),
    (EventType.POLICY_DESCRIBED, "sponsors", 64, [SPONSOR]),
    (EventType.ACTION_RECORDED, "actors", 64, [SPONSOR]),
    (EventType.ACTION_CORRECTED, "changes.actors", 64, [SPONSOR]),
    (EventType.ACTION_RECORDED, "vote.members", 1_000, VOTE["members"]),
    (EventType.RELATION_ASSERTED, "target.selector.except", 64, ["order-1"]),
    (EventType.POLICY_REGISTERED, "title", 1_000, "ñ"),
    (EventType.POLICY_DESCRIBED, "title", 1_000, "\U0001f5fd"),
    (EventType.ACTION_RECORDED, "label", 1_000, "x"),
    (EventType.POLICY_REGISTERED, "summary", 20_000, "x"),
    (EventType.EVENT_RETRACTED, "reason", 20_000, "x"),
    (EventType.POLICIES_MERGED, "duplicate", 128, "x"),
    (EventType.PAYLOAD_ERASED, "authority", 500, "x"),
]


def put(data: dict[str, Json], path: str, value: Json) -> dict[str, Json]:
    """Return the payload with one value replaced; the path is dotted."""
    changed = deepcopy(data)
    at: Any = changed
    *way, last = path.split(".")
    for name in way:
        at = at[name]
    at[last] = value
    return changed


@pytest.mark.parametrize(("type", "path", "bound", "one"), BOUNDS)
def test_a_bound_is_the_last_size_that_is_taken(
    type: EventType, path: str, bound: int, one: Json
) -> None:
    """As many as the bound says are taken, one more is refused by path; text counts characters."""
    decode_data(type, put(FULL[type], path, one * bound))

    field, reason = refusal(type, put(FULL[type], path, one * (bound + 1)))

    assert field == f"data.{path}"
    assert reason.startswith(f"At most {bound} ")


@pytest.mark.parametrize(
    ("type", "path"),
    [
        (EventType.POLICY_REGISTERED, "title"),
        (EventType.POLICY_REGISTERED, "body"),
        (EventType.ACTION_RECORDED, "provision"),
        (EventType.ACTION_RECORDED, "label"),
        (EventType.EVENT_RETRACTED, "reason"),
    ],
)
def test_text_that_says_nothing_is_refused(type: EventType, path: str) -> None:
    """An empty text is no title, reason or provision; what is not known is left out."""
    assert refusal(type, put(FULL[type], path, ""))[0] == f"data.{path}"


# --- patterns

PATTERNS: list[tuple[Any, list[str], list[str]]] = [
    (
        PolicyId,
        ["a", "7", "la-ordinance-188441", "x" * 128],
        [
            "",
            "-",
            "a-",
            "-a",
            "a--b",
            "A",
            "a_b",
            "a b",
            "a\n",
            "\na",
            "é",
            "a/b",
            "\u0661",
            "x" * 129,
        ],
    ),
    (
        PrincipalName,
        ["newsroom", "desk-2", "x" * 64],
        ["", "Newsroom", "a@b.example", "newsroom\n", "x" * 65],
    ),
    (
        EventId,
        ["01936f0e-7b1c-7def-8000-0123456789ab", "00000000-0000-0000-0000-000000000000"],
        [
            "",
            "01936F0E-7B1C-7DEF-8000-0123456789AB",
            "01936f0e-7b1c-7def-8000-0123456789aB",
            "01936f0e7b1c7def80000123456789ab",
            "{01936f0e-7b1c-7def-8000-0123456789ab}",
            "urn:uuid:01936f0e-7b1c-7def-8000-0123456789ab",
            "01936f0e-7b1c-7def-8000-0123456789ab\n",
            "01936f0e-7b1c-7def-8000-0123456789ag",
            "01936f0e-7b1c-7def-8000-0123456789a",
        ],
    ),
    (
        JurisdictionId,
        [
            "ocd-division/country:us",
            CALIFORNIA,
            LOS_ANGELES,
            "ocd-division/country:us/state:nm/county:doña_ana",
            "ocd-division/country:us/state:nh/sldl:hillsborough~1.5-a",
            "ocd-division/country:ca/region-type:1",
            "ocd-division/country:us/place:" + "x" * 226,
        ],
        [
            "",
            "ocd-division/country:usa",
            "ocd-division/country:US",
            "ocd-division/country:us/",
            "ocd-division/country:us/state",
            "ocd-division/country:us/state:",
            "ocd-division/country:us/state:CA",
            "ocd-division/country:us/state:ca:x",
            "ocd-division/country:us//place:x",
            "ocd-division/country:us/place:los angeles",
            "ocd-division/country:us/place:los_angeles\n",
            "ocd-division/country:us/county:DOÑA_ANA",
            "ocd-division/country:us/county:don\u0303a_ana",
            "ocd-division/country:us/place:a\u00a0b",
            "ocd-division/state:ca",
            "ocd-jurisdiction/country:us",
            " ocd-division/country:us",
            "ocd-division/country:us/place:" + "x" * 227,
        ],
    ),
    (
        Url,
        ["http://a", "https://a.example/b?c#d", "https://x.example/ñ"],
        ["", "https://", "ftp://a", "//a", "javascript:alert(1)", "https://a b", "https://a\n"],
    ),
    (Sha256, ["0f" * 32], ["", "0F" * 32, "0f" * 31, "0f" * 32 + "\n", "zz" * 32]),
]


@pytest.mark.parametrize(("kind", "good"), [(k, g) for k, goods, _ in PATTERNS for g in goods])
def test_text_that_fits_its_pattern_is_taken(kind: Any, good: str) -> None:
    """Slugs, ids, divisions, addresses and digests as the world writes them."""
    assert read(kind, good, "here") == good


@pytest.mark.parametrize(("kind", "bad"), [(k, b) for k, _, bads in PATTERNS for b in bads])
def test_text_that_does_not_fit_its_pattern_is_refused(kind: Any, bad: str) -> None:
    """Upper case, blanks, line ends and look-alikes would make two names of one thing."""
    with pytest.raises(InvalidData) as refused:
        read(kind, bad, "here")

    assert refused.value.field == "here"


def test_every_division_of_the_united_states_is_a_jurisdiction() -> None:
    """Letters with accents included: Doña Ana, Cañon City and Bayamón are places too."""
    with gzip.open(shared("data/ocd_divisions_us.csv.gz"), "rt", encoding="utf-8") as file:
        divisions = [row["id"] for row in csv.DictReader(file)]

    assert len(divisions) > 80_000
    assert read(tuple[JurisdictionId, ...], divisions, "here") == tuple(divisions)


# --- identifiers and citations


@pytest.mark.parametrize(
    ("scheme", "value"),
    [("LA-Ordinance", "188441"), ("la-ordinance", " 188 441 "), ("la-ordinance", "188\t441")],
)
def test_identifiers_compare_without_case_and_spaces(scheme: str, value: str) -> None:
    """Sources write one number in many ways."""
    assert Identifier(scheme=scheme, value=value).key == "la-ordinance:188441"


@pytest.mark.parametrize(
    ("scheme", "value", "field"),
    [
        ("", "1", "scheme"),
        ("a b", "1", "scheme"),
        ("a:b", "1", "scheme"),
        ("a\n", "1", "scheme"),
        ("a", "", "value"),
        ("a", " \t", "value"),
    ],
)
def test_an_identifier_has_a_scheme_of_one_word_and_a_value(
    scheme: str, value: str, field: str
) -> None:
    """`scheme:value` stays unambiguous, and no two identifiers agree by being blank."""
    with pytest.raises(InvalidData) as refused:
        read(Identifier, {"scheme": scheme, "value": value}, "data")

    assert refused.value.field == f"data.{field}"


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
SCHEMES = WORDS.filter(lambda text: not any(mark.isspace() or mark == ":" for mark in text))
VALUES = WORDS.filter(lambda text: bool(text.strip()))


@given(scheme=SCHEMES, value=VALUES)
def test_a_citation_written_as_text_resolves_as_its_identifier(scheme: str, value: str) -> None:
    """`scheme:value` and {scheme, value} are the same citation, whatever the letters."""
    identifier = read(Identifier, {"scheme": scheme, "value": value}, "data")

    assert citation_key(f"{scheme}:{value}") == citation_key(identifier) == identifier.key
    assert (
        citation_key(f"{scheme.upper().lower()}:{value}")
        == Identifier(scheme=scheme.upper().lower(), value=f" {value} ").key
    )


@given(text=WORDS, scheme=SCHEMES, value=VALUES)
def test_plain_words_resolve_to_no_identifier(text: str, scheme: str, value: str) -> None:
    """Only text of the form `scheme:value` names an identifier; "the 1985 resolution" does not."""
    head, colon, tail = text.partition(":")
    is_identifier = colon and head and tail.strip() and not any(mark.isspace() for mark in head)

    if not is_identifier:
        assert citation_key(text) != Identifier(scheme=scheme, value=value).key


def test_a_counterpart_is_the_same_however_it_is_cited() -> None:
    """Who acts is one key in the fold; a policy and a citation of equal letters stay apart."""
    written = Counterpart(citation="LA-Ordinance: 188 441")
    listed = Counterpart(citation=Identifier(scheme="la-ordinance", value="188441"))

    assert written.key == listed.key == "citation/la-ordinance:188441"
    assert Counterpart(citation="order-1").key != Counterpart(policy="order-1").key


# --- null and absent


@pytest.mark.parametrize("name", ["body", "summary", "origin"])
def test_null_clears_an_optional_field_of_a_description(name: str) -> None:
    """A field given as null is told apart from one that is not given."""
    data = decode_data(EventType.POLICY_DESCRIBED, {"reason": "unknown", name: None})

    assert getattr(data, name) is None
    assert as_json(data) == {"reason": "unknown", name: None}


@pytest.mark.parametrize(
    "name", ["title", "instrument", "jurisdiction", "identifiers", "topics", "sponsors", "sources"]
)
def test_null_does_not_clear_what_a_policy_cannot_lack(name: str) -> None:
    """A list is cleared by an empty list; a policy always has a title and sources."""
    field, _ = refusal(EventType.POLICY_DESCRIBED, {"reason": "unknown", name: None})

    assert field == f"data.{name}"


def test_a_description_keeps_apart_what_is_empty_and_what_is_not_said() -> None:
    """An empty list of topics takes all topics away; silence leaves them."""
    data = decode_data(EventType.POLICY_DESCRIBED, {"reason": "none", "topics": []})

    assert isinstance(data, PolicyDescribed)
    assert data.topics == ()
    assert data.identifiers is msgspec.UNSET


def changes(**raw: Json) -> ActionChanges:
    """Return the changes of a correction."""
    data: ActionChanges = read(ActionChanges, raw, "data.changes")
    return data


def action(raw: dict[str, Json]) -> ActionRecorded:
    """Return a recorded action."""
    data: ActionRecorded = read(ActionRecorded, raw, "data")
    return data


CLEARABLE = sorted(set(ACTION) - {"action", "occurred", "sources"})


@pytest.mark.parametrize("name", CLEARABLE)
def test_a_correction_to_null_leaves_the_action_as_if_the_field_were_not_given(name: str) -> None:
    """Null clears: what remains is the action without that field, and nothing else changes."""
    without = {key: value for key, value in ACTION.items() if key != name}

    assert correct(action(ACTION), changes(**{name: None})) == action(without)


@pytest.mark.parametrize("name", ["action", "occurred", "sources"])
def test_what_an_action_cannot_lack_is_not_cleared(name: str) -> None:
    """An action without a date or a source is to be retracted."""
    with pytest.raises(InvalidData) as refused:
        changes(**{name: None})

    assert refused.value.field == f"data.changes.{name}"


def test_a_correction_replaces_what_it_names_and_adds_its_sources() -> None:
    """Values and lists are replaced; sources only ever grow; the rest stays."""
    corrected_action = correct(
        action(ACTION),
        changes(
            action="signed",
            occurred="2024-12-09",
            actors=[{"name": "Karen Bass"}],
            vote={"yes": 14},
            sources=[SOURCE],
        ),
    )

    assert corrected_action == msgspec.structs.replace(
        action(ACTION),
        action=Action.SIGNED,
        occurred=Occurrence.parse("2024-12-09"),
        actors=(Party(name="Karen Bass"),),
        vote=read(field_type(ActionRecorded, "vote"), {"yes": 14}, "vote"),
        sources=(*action(ACTION).sources, Source(url=SOURCE["url"])),
    )


def test_an_empty_correction_changes_nothing() -> None:
    """It may stand for itself: to settle a dispute in favour of what is recorded."""
    assert correct(action(ACTION), changes()) == action(ACTION)


def test_an_action_that_does_not_say_otherwise_covers_the_whole_policy() -> None:
    """`full` is the scope of an action without one."""
    assert action(REQUIRED[EventType.ACTION_RECORDED]).scope is Scope.FULL


def test_dates_arrive_parsed() -> None:
    """A moment keeps its time of day; the other dates are days and intervals."""
    recorded = action(ACTION)

    assert recorded.occurred == Occurrence.parse("2024-11-19T10:30:00-08:00")
    assert recorded.occurred.time == "10:30:00.000000"
    assert recorded.effective == Edtf.parse("2024-12")


@pytest.mark.parametrize(("type", "name"), EACH_FIELD)
def test_each_field_has_a_type_that_reads_its_own_value(type: EventType, name: str) -> None:
    """Claims are read by the type of the field that they dispute."""
    kind = field_type(DATA_TYPES[type], name)

    assert kind is not None
    assert as_json(read(kind, FULL[type][name], "here")) == FULL[type][name]


def test_a_field_that_a_payload_does_not_have_has_no_type() -> None:
    """Nor does one by its name in the code, where JSON's differs."""
    assert field_type(Source, "class_") is None  # type: ignore[arg-type]
    assert field_type(ActionRecorded, "occured") is None
