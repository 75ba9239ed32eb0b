"""What executive orders, as the Federal Register gives them, become."""

import json
from typing import Any, Final

import pytest

from importer_inputs import given
from shared_files import shared
from timeline.domain.events import decode_data
from timeline.importers import federal_register
from timeline.importers.errors import InputRefused
from timeline.importers.federal_register import FederalRegister
from timeline.importers.sketch import Found, Note, NoteKind, Refused, Sketch, event_id

DOCUMENT: Final = {
    "executive_order_number": "13526",
    "title": "Classified <i>National</i>\nSecurity Information",
    "signing_date": "2009-12-29",
    "publication_date": "2010-01-05",
    "document_number": "E9-31418",
    "citation": "75 FR 707",
    "html_url": "https://www.federalregister.gov/d/E9-31418",
    "president": {"identifier": "barack-obama", "name": "Barack Obama"},
    "disposition_notes": "Revokes: EO 12958, April 17, 1995 (in part); EO 13292, March 25, 2003\n"
    "Amended by: EO 14000, January 1, 2030",
}
"""As the API has it."""


def _read(*raw: bytes | str) -> list[Found]:
    return list(FederalRegister(map(given, raw)).read())


def _document(**fields: Any) -> str:
    return json.dumps(DOCUMENT | fields)


def _sketches(found: list[Found]) -> dict[str, Sketch]:
    return {each.policy: each for each in found if isinstance(each, Sketch)}


def test_an_order_is_described_signed_and_related() -> None:
    """Orders are cited by number, also those that are not in the input; those act by an action."""
    (sketch,) = _sketches(_read(_document())).values()

    document = {
        "citation": "Federal Register document E9-31418",
        "class": "primary",
        "url": "https://www.federalregister.gov/d/E9-31418",
        "locator": "75 FR 707",
    }
    note = {
        "citation": "EO 13526, disposition notes",
        "publisher": "US National Archives, Office of the Federal Register",
        "class": "official",
    }
    assert sketch.policy == "us-executive-order-13526"
    assert sketch.described == {
        "title": "Classified <i>National</i> Security Information",
        "instrument": "executive_order",
        "jurisdiction": "ocd-division/country:us",
        "body": "President of the United States",
        "identifiers": [{"scheme": "eo", "value": "13526"}],
        "origin": {"system": "federal-register", "id": "order/13526"},
        "sources": [document],
    }
    signed, revoked, whole, amended = [dict(each.data) for each in sketch.statements]
    for each in (signed, amended, revoked, whole):
        each.pop("origin")
    assert signed == {
        "action": "signed",
        "occurred": "2009-12-29",
        "actors": [{"name": "Barack Obama", "role": "President"}],
        "sources": [document],
    }
    assert revoked == {
        "relation": "rescinds",
        "target": {"citation": {"scheme": "eo", "value": "12958"}},
        "scope": "partial",
        "occurred": "2009-12-29",
        "sources": [{**note, "locator": "Revokes: EO 12958, April 17, 1995"}],
    }
    assert whole["scope"] == "full"
    assert amended == {
        "action": "amended",
        "label": "Amended by",
        "occurred": "2030-01-01",
        "by": {"citation": {"scheme": "eo", "value": "14000"}},
        "scope": "full",
        "sources": [{**note, "locator": "Amended by: EO 14000, January 1, 2030"}],
    }


def _two(inverse: str) -> str:
    old = _document(
        executive_order_number=12958, signing_date="1995-04-17", disposition_notes=inverse
    )
    return f"[{old}, {_document()}]"


@pytest.mark.parametrize(
    ("inverse", "stance", "claim"),
    [
        ("Revoked in part by: EO 13526, December 29, 2009", "supports", None),
        ("Revoked by: EO 13526", "disputes", {"field": "scope", "value": "full"}),
    ],
)
def test_both_sides_statements_are_kept(inverse: str, stance: str, claim: Any) -> None:
    """The other side's note bears the acting order's relation out, or disputes it."""
    sketches = _sketches(_read(_two(inverse)))

    relation, source = (
        each
        for each in sketches["us-executive-order-13526"].statements
        if each.about.startswith("order/13526/revokes/12958")
    )
    assert source.data["event"] == event_id("federal-register", relation.about)
    assert (source.data["stance"], source.data.get("claim")) == (stance, claim)
    assert source.data["source"]["citation"] == "EO 12958, disposition notes"
    assert len(sketches["us-executive-order-12958"].statements) == 1


def test_what_only_the_other_side_says_is_the_acting_orders_relation() -> None:
    """A relation stands on the acting order, with the other's note as its source."""
    old = _document(
        executive_order_number="199-A", signing_date="", disposition_notes="Superseded by: EO 13526"
    )

    sketches = _sketches(_read(f"{old}\n{_document(disposition_notes='')}\n"))

    _, relation = sketches["us-executive-order-13526"].statements
    assert relation.data["sources"][0]["citation"] == "EO 199-A, disposition notes"
    assert relation.data["target"] == {"citation": {"scheme": "eo", "value": "199-A"}}
    (signed,) = sketches["us-executive-order-199-a"].statements
    assert signed.data["occurred"] == "../2010-01-05"


@pytest.mark.parametrize(
    "raw",
    [
        _document(),
        f"[{_document()}]",
        json.dumps({"count": 1, "results": [DOCUMENT]}),
        json.dumps({"count": 1, "results": [DOCUMENT]}, indent=2),
        f"{_document()}\n{_document()}\n",
        (
            "executive_order_number,title,signing_date,document_number,citation,html_url,disposition_notes\n"
            '13526,"Classified <i>National</i>\nSecurity Information",2009-12-29,E9-31418,75 FR 707,'
            'https://www.federalregister.gov/d/E9-31418,"Revokes: EO 12958, April 17, 1995 (in part); '
            'EO 13292, March 25, 2003\nAmended by: EO 14000, January 1, 2030"\n'
        ),
    ],
)
def test_all_forms_say_the_same(raw: str) -> None:
    """One document, an array, a page, lines that say it twice, a table."""
    (sketch,) = _sketches(_read(raw)).values()

    (expected,) = _sketches(_read(_document())).values()
    assert sketch.described == expected.described
    assert [each.about for each in sketch.statements] == [
        each.about for each in expected.statements
    ]


@pytest.mark.parametrize(
    ("raw", "place", "field", "reason"),
    [
        (_document(executive_order_number="1/2"), "given:1", "executive_order_number", "no number"),
        (_document(signing_date="12/29/2009"), "given:1", "signing_date", "'12/29/2009' is no day"),
        (f'{_document()}\n{{"a":\n', "given:2", "", "It is no JSON"),
        ('{"results": [7]}', "given:1 (results[0])", "", "Expected a JSON object"),
        (
            f"{_document()}\n{_document(title='Other')}",
            "given:2",
            "executive_order_number",
            "otherwise",
        ),
        ("number,notes\n1,x,y\n", "given:2", "", "The row has 3 cells, the header 2"),
        (b"number,notes\n1,\xff\n", "given:2", "notes", "It is no UTF-8 text"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(
    raw: bytes | str, place: str, field: str, reason: str
) -> None:
    """File, line, and what is wrong with which field."""
    (refused,) = [each for each in _read(raw) if isinstance(each, Refused)]

    assert (str(refused.place), refused.field) == (place, field)
    assert reason in refused.reason


def test_while_an_order_cannot_be_read_nothing_is_taken_back() -> None:
    """What its notes would have said of others may be what was recorded before."""
    (whole,) = _sketches(_read(_document())).values()
    (part,) = _sketches(_read(f"{_document()}\n[]\n")).values()

    assert (whole.whole, part.whole) == (True, False)


def test_a_table_of_something_else_is_refused() -> None:
    """There is no column with a number."""
    with pytest.raises(InputRefused, match="given:1: No column of the table is named"):
        _read("a,b\n1,2\n")


def test_orders_that_are_held_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes without end are refused, not held."""
    monkeypatch.setattr(federal_register, "MAX_HELD_CHARACTERS", 100)

    with pytest.raises(InputRefused, match="given:1: There are more than 100 characters of notes"):
        _read(_document())


def test_other_documents_and_doubts_are_told() -> None:
    """A proclamation is left out; an order that acts on itself or on a later one is told."""
    later = _document(
        executive_order_number="13600", signing_date="2012-02-09", disposition_notes=""
    )
    notes = "Amends: EO 13600, February 9, 2012; EO 13526; Proc. 7\nContinues: EO 13600\nNote: x"

    found = _read(f'{{"type": "Proclamation"}}\n{later}\n{_document(disposition_notes=notes)}')

    doubtful, left_out = NoteKind.DOUBTFUL, NoteKind.LEFT_OUT
    assert [(each.kind, each.about) for each in found if isinstance(each, Note)] == [
        (left_out, "documents that are no executive orders"),
        (left_out, "an order that acts on itself"),
        (left_out, "other documents that notes name"),
        (left_out, "notes that begin with 'Note'"),
        (doubtful, "an order that acts on one that was signed later"),
        (doubtful, "until when EO 13526 continues others"),
        (doubtful, "an order that acts on one that was signed later"),
    ]


def test_all_of_a_real_table_is_what_the_record_takes() -> None:
    """733 orders and what their notes say: each payload can be read, no id is there twice."""
    found = _read(shared("data/executive_orders.csv").read_bytes())

    sketches = _sketches(found)
    statements = [each for sketch in sketches.values() for each in sketch.statements]
    for each in statements:
        decode_data(each.type, json.loads(json.dumps(each.data)))
    assert [each for each in found if isinstance(each, Refused)] == []
    assert (len(sketches), len(statements)) == (733, len({each.about for each in statements}))
