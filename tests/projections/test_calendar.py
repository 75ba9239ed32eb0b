"""The rows of days: what two pictures of a policy differ in, found where they differ."""

from hypothesis import given, settings
from hypothesis import strategies as st

from domain_builders import Draft, acted, corrected, disputed, event_id, registered
from history_builders import past
from timeline.domain.history import Folder
from timeline.projections import calendar
from timeline.projections.model import Part, Row, RowKey, Rows, Seen, parts, whole

DAYS = ("2024-01-01", "2024-03-01", "2024-06-01", "2024-09-01")
ACTIONS = ("issued", "hearing_held", "suspended", "resumed", "challenged", "confirmed", "rescinded")

actions = st.tuples(st.sampled_from(ACTIONS), st.sampled_from((*DAYS, "2024", "2024-03/..")))


def rows(part: Part | None) -> dict[RowKey, Row]:
    found: Rows = {}
    if part is not None:
        calendar.add_rows(part, found)
    return {key: fact.row for key, fact in found.items()}


def changed(
    before: dict[RowKey, Row], after: dict[RowKey, Row]
) -> tuple[set[RowKey], dict[RowKey, Row]]:
    """Return which rows go, and which come or differ."""
    return before.keys() - after.keys(), {
        key: row for key, row in after.items() if before.get(key) != row
    }


@settings(max_examples=150, deadline=None)
@given(
    acts=st.lists(actions, min_size=1, max_size=7),
    others=st.lists(st.tuples(st.integers(0, 6), st.sampled_from(DAYS)), max_size=3),
    claimed=st.booleans(),
)
def test_what_two_pictures_differ_in_is_what_all_of_their_rows_do(
    acts: list[tuple[str, str]], others: list[tuple[int, str]], *, claimed: bool
) -> None:
    """Days that stay as they are have no part in it, whichever of two positions is the earlier."""
    told: list[Draft] = [registered("law", instrument="executive_order")]
    told += [acted("law", action=action, occurred=day) for action, day in acts]
    for number, day in others:
        about = event_id(2 + number % len(acts))
        if claimed:
            told.append(disputed("law", about, field="occurred", value=day))
        else:
            told.append(corrected("law", about, {"occurred": day}))
    events, folder = past(*told), Folder("law")
    histories = [folder.fold(events[: place + 1]) for place in range(len(events))]
    pictures = [Seen(history) for history in histories if history is not None]

    for before in pictures:
        for after in pictures:
            old, new = parts(before, after)

            assert changed(rows(old), rows(new)) == changed(rows(whole(before)), rows(whole(after)))
