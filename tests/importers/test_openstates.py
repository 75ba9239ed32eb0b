"""What Open States' bills become."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from importer_inputs import given
from timeline.domain.events import decode_data
from timeline.domain.vocabulary import EventType
from timeline.importers.errors import InputRefused
from timeline.importers.label_tables import read_tables
from timeline.importers.openstates import OpenStates
from timeline.importers.openstates_actions import OpenStatesLabels
from timeline.importers.sketch import Found, Note, NoteKind, Refused, Sketch

SAMPLES: Final = Path(__file__).resolve().parents[1] / "samples" / "openstates"


def _read(*raw: bytes | str, labels: bytes = b"") -> list[Found]:
    tables = read_tables(OpenStatesLabels, "openstates", "mine.toml" if labels else "", labels)
    return list(OpenStates(map(given, raw), tables).read())


def _sketches(found: list[Found]) -> list[Sketch]:
    return [each for each in found if isinstance(each, Sketch)]


def _bill(**fields: Any) -> str:
    bill = {
        "id": "ocd-bill/1",
        "identifier": "HB 1",
        "session": "2025",
        "jurisdiction": {"id": "ocd-jurisdiction/country:us/state:nc/government"},
        "from_organization": {"classification": "lower"},
        "title": "T",
        "classification": ["bill"],
    }
    return json.dumps(bill | fields)


def _actions(bill: Sketch) -> list[tuple[str, str]]:
    return [
        (each.data["occurred"], str(each.data["action"]))
        for each in bill.statements
        if each.type is EventType.ACTION_RECORDED
    ]


@pytest.fixture(scope="module")
def found() -> list[Found]:
    """Return what is read of a bill that was vetoed and enacted over the veto."""
    return _read((SAMPLES / "vetoed_and_overridden.json").read_bytes())


@pytest.fixture(scope="module")
def bill(found: list[Found]) -> Sketch:
    """Return that bill."""
    (bill,) = _sketches(found)
    return bill


def test_a_bill_is_named_and_described(bill: Sketch) -> None:
    """State, session and number make its id; text stays text, a link that is none is no source."""
    assert bill.policy == "nc-2025-hb-12"
    assert bill.about == "bill/ocd-bill/7a1c2f7e-0000-4000-8000-000000000012"
    assert bill.described == {
        "title": "An Act <b>to limit</b> detention in county jails",
        "instrument": "bill",
        "jurisdiction": "ocd-division/country:us/state:nc",
        "identifiers": [
            {"scheme": "nc-bill", "value": "2025 HB 12"},
            {"scheme": "openstates", "value": "ocd-bill/7a1c2f7e-0000-4000-8000-000000000012"},
        ],
        "origin": {
            "system": "openstates",
            "id": bill.about,
            "recorded": "2025-06-30T06:00:00.123456+00:00",
        },
        "sources": [
            {"url": "https://www.ncleg.gov/BillLookUp/2025/H12", "class": "official"},
            {
                "url": "https://www.ncleg.gov/Sessions/2025/Bills/House/PDF/H12v0.pdf",
                "class": "primary",
                "title": "Filed",
            },
        ],
        "body": "House of Representatives",
        "topics": ["Immigration", "Counties"],
        "sponsors": [
            {"name": "First", "role": "primary"},
            {"name": "Second", "role": "cosponsor"},
        ],
        "summary": "Counties hold nobody for others for more than a day.",
    }


def test_a_bill_of_two_chambers_passes_with_the_second(bill: Sketch) -> None:
    """One chamber's passage or override only advances it; of many words the weightiest counts."""
    assert _actions(bill) == [
        ("2025-01-14", "proposed"),
        ("2025-01-15", "introduced"),
        ("2025-03-02", "advanced"),
        ("2025-03-10", "amended"),
        ("2025-03-10", "advanced"),
        ("2025-05-20", "passed"),
        ("2025-05-28", "passed"),
        ("2025-05-30", "sent_to_executive"),
        ("2025-06-06", "vetoed"),
        ("2025-06-18", "advanced"),
        ("2025-06-20", "override_passed"),
        ("2025-06-20", "enacted"),
        ("2025-06-20", "other"),
        ("2025-06-20", "other"),
    ]


def test_a_vote_is_put_to_the_action_that_it_decided(bill: Sketch) -> None:
    """By day, chamber and motion; excused is absent, not voting abstains."""
    votes = {
        each.data["label"]: each.data["vote"] for each in bill.statements if "vote" in each.data
    }

    assert votes == {
        "Passed 3rd Reading": {
            "yes": 62,
            "no": 50,
            "abstain": 3,
            "absent": 5,
            "members": [{"name": "First", "vote": "yes"}, {"name": "Second", "vote": "absent"}],
        }
    }


def test_related_bills_are_cited_by_session_and_number(bill: Sketch) -> None:
    """So they resolve once they are imported, and are the same in the bulk export."""
    relations = [each.data for each in bill.statements if each.type is EventType.RELATION_ASSERTED]

    assert [(each["relation"], each["target"]) for each in relations] == [
        ("companion_of", {"citation": {"scheme": "nc-bill", "value": "2025 SB 9"}}),
        ("similar_to", {"citation": {"scheme": "nc-bill", "value": "2023 HB 88"}}),
    ]


def test_what_has_no_place_is_told(found: list[Found]) -> None:
    """Unknown words, links that are none, and a vote on nothing are counted, not dropped."""
    notes = {(each.kind, each.about) for each in found if isinstance(each, Note)}

    assert notes == {
        (NoteKind.UNKNOWN_LABEL, "an action's classification 'teleportation'"),
        (NoteKind.UNKNOWN_LABEL, "actions without a classification"),
        (NoteKind.LEFT_OUT, "links that are no web addresses"),
        (NoteKind.LEFT_OUT, "votes that belong to no action"),
    }


def test_all_is_what_the_record_takes(bill: Sketch) -> None:
    """Each payload can be read as its event, and each id is there once."""
    decode_data(EventType.POLICY_REGISTERED, bill.described)
    for each in bill.statements:
        decode_data(each.type, json.loads(json.dumps(each.data)))
        assert each.data["origin"]["id"] == each.about

    assert len({each.about for each in bill.statements}) == len(bill.statements) == 16


def test_an_action_found_later_moves_no_other() -> None:
    """Ids follow from what actions say, so that one more in the middle is one more event."""
    actions = [
        {"date": f"2025-01-0{day}", "description": "Read", "order": day, "id": f"x{day}"}
        for day in (1, 2, 3)
    ]
    again = [each | {"id": "new"} for each in actions]

    (fewer,) = _sketches(_read(_bill(actions=[actions[0], actions[2]])))
    (more,) = _sketches(_read(_bill(actions=again)))

    known = {each.about for each in fewer.statements}
    assert len({each.about for each in more.statements} - known) == 1


def test_the_bulk_export_is_read_alike() -> None:
    """Its fields have other names; its README is no bill; a bill given twice is told once."""
    bulk = (SAMPLES / "bulk.json").read_bytes()
    inputs = [given("Open States Data Export\n", "x.zip/README"), given(bulk), given(bulk)]
    tables = read_tables(OpenStatesLabels, "openstates")

    found = list(OpenStates(inputs, tables).read())

    unicameral, resolution = _sketches(found)
    assert (unicameral.policy, resolution.policy) == ("ne-108-lb-21", "oh-2023-h-r-no-4")
    assert _actions(unicameral) == [
        ("2023-01-05", "introduced"),
        ("2023-04-20", "passed"),
        ("2023-05-01", "lapsed_into_law"),
    ]
    assert unicameral.statements[1].data["vote"] == {"yes": 40, "no": 3}
    assert unicameral.statements[1].data["body"] == "Legislature"
    assert _actions(resolution) == [("2023-02-01", "passed")]
    assert resolution.described["sources"] == [{"citation": "H.R. No. 4, 2023"}]
    again = "bills that are given more than once; the first counts"
    assert [each.about for each in found if isinstance(each, Note)].count(again) == 2


def test_the_bulk_export_and_the_api_say_the_same_of_a_bill() -> None:
    """Named or classified, a chamber is the same; so are the ids of actions, and the vote."""
    days = (("House", "lower", "2025-01-02"), ("Senate", "upper", "2025-02-03"))
    api = [
        {
            "date": f"{day}T00:00:00+00:00",
            "description": "Passed",
            "classification": ["passage"],
            "organization": {"name": name, "classification": kind},
        }
        for name, kind, day in days
    ]
    bulk = [
        {
            "date": day,
            "description": "Passed",
            "classification": ["passage"],
            "organization__name": name,
        }
        for name, _, day in days
    ]
    vote = {"start_date": "2025-02-03", "motion_classification": ["passage"]}
    counts = {"counts": [{"option": "yes", "value": 3}]}

    (one,) = _sketches(
        _read(
            _bill(
                actions=api, votes=[vote | counts | {"organization": {"classification": "upper"}}]
            )
        )
    )
    (other,) = _sketches(
        _read(
            _bill(
                session=None,
                legislative_session="2025",
                jurisdiction=None,
                jurisdiction_name="North Carolina",
                from_organization=None,
                chamber="lower",
                actions=bulk,
                votes=[vote | counts | {"organization__classification": "upper"}],
            )
        )
    )

    assert (one.policy, one.statements) == (other.policy, other.statements)
    assert _actions(one) == [("2025-01-02", "advanced"), ("2025-02-03", "passed")]
    assert one.statements[1].data["vote"] == {"yes": 3}


def test_a_veto_that_one_chamber_overrode_is_doubtful() -> None:
    """The other chamber's vote may be missing, so it is told and enacts nothing."""
    action = {
        "date": "2025-01-01",
        "description": "Overridden",
        "classification": ["veto-override-passage"],
        "organization": {"name": "House", "classification": "lower"},
    }

    found = _read(_bill(actions=[action]))

    assert _actions(_sketches(found)[0]) == [("2025-01-01", "advanced")]
    assert [(each.kind, each.about) for each in found if isinstance(each, Note)] == [
        (NoteKind.DOUBTFUL, "a veto that one of two chambers overrode")
    ]


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"identifier": ""}, "identifier", "needs"),
        ({"session": None}, "legislative_session", "needs"),
        (
            {"jurisdiction": "Atlantis"},
            "jurisdiction",
            "'Atlantis' is in no row of [jurisdictions]",
        ),
        ({"actions": [{"description": "Passed"}, "Signed"]}, "actions", "a list of JSON objects"),
        ({"related_bills": {"identifier": "HB 2"}}, "related_bills", "a list of JSON objects"),
    ],
)
def test_a_bill_that_cannot_be_named_is_refused(
    fields: dict[str, Any], field: str, reason: str
) -> None:
    """With its place, and what is wrong; the next one is read."""
    (refused, bill) = _read(f"{_bill(**fields)}\n{_bill()}\n")

    assert isinstance(refused, Refused)
    assert (str(refused.place), refused.field) == ("given:1", field)
    assert reason in refused.reason
    assert isinstance(bill, Sketch)


def test_what_an_answer_leaves_out_is_not_taken_back() -> None:
    """Without `include=actions` an answer has no such field; an empty list says that there is none."""
    found = _read(f"{_bill()}\n{_bill(identifier='HB 2', actions=[], related_bills=[])}\n")

    assert [each.untold for each in _sketches(found)] == [
        {EventType.ACTION_RECORDED, EventType.RELATION_ASSERTED},
        set(),
    ]


def test_lists_with_something_else_in_them_are_told() -> None:
    """What describes a bill is told without it, as nothing that happened is lost."""
    found = _read(_bill(sponsorships=[5, {"name": "A"}], sources="https://e.example"))

    assert _sketches(found)[0].described["sponsors"] == [{"name": "A"}]
    assert {each.about for each in found if isinstance(each, Note)} == {
        "sponsorships that are no JSON objects",
        "sources that are no JSON objects",
    }


def test_a_broken_line_is_refused_and_the_next_is_read() -> None:
    """A line that is no JSON, and an item that is no object."""
    found = _read(f'{_bill()}\n{{"id": \n[1]\n')

    assert [str(each.place) for each in found if isinstance(each, Refused)] == [
        "given:2",
        "given:3",
    ]


def test_further_tables_extend_and_replace() -> None:
    """A user's rows come first; a value that is no action is refused with its row."""
    labels = b'[actions]\nteleportation = "took_effect"\npassage = "advanced"\n'
    action = {
        "date": "2025-01-01",
        "description": "Gone",
        "classification": ["passage", "teleportation"],
    }

    (bill,) = _sketches(_read(_bill(actions=[action]), labels=labels))

    assert _actions(bill) == [("2025-01-01", "took_effect")]
    with pytest.raises(InputRefused, match=r"mine.toml: \[actions\] x: Invalid enum value"):
        _read(_bill(), labels=b'[actions]\nx = "nonsense"\n')
    with pytest.raises(InputRefused, match=r"mine.toml: It is no TOML"):
        _read(_bill(), labels=b"[actions")
