"""`timeline import --from legistar`: tables of a council, imported and followed."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from click.testing import Result

Timeline = Callable[..., Result]

NEVER: Final = "0001-01-01T00:00:00Z"
ROWS: Final = (
    "action_row_id,matter_id,action_date,action,body,passed_flag,last_modified\n"
    f'9,7,2025-12-31T16:50:00Z,"Vetoed by Mayor\r\n",Mayor,,{NEVER}\n'
)
MATTERS: Final = (
    "matter_id,file,path,type,body,local_law,last_modified,name,title\n"
    f'7,Int 0001-2025,introduction/1.json,Introduction,City Council,,{NEVER},,"A Local\nLaw"\n'
)


def test_tables_are_imported_by_one_command_and_again_for_what_changed(
    timeline: Timeline, tmp_path: Path
) -> None:
    """Packed tables in any order; what the second run finds changed is corrected and taken back."""
    rows, matters = tmp_path / "rows.csv.gz", tmp_path / "matters.csv"
    rows.write_bytes(gzip.compress((ROWS + f"10,7,{NEVER},Deferred,,,{NEVER}\n").encode()))
    matters.write_text(MATTERS)
    command = ("import", "--from", "legistar", str(rows), str(matters), "--json")

    first, again = timeline(*command), timeline(*command)
    rows.write_bytes(gzip.compress(ROWS.replace("Vetoed", "Signed Into Law").encode()))
    dry, changed = timeline(*command, "--dry-run"), timeline(*command)

    told = [json.loads(each.stdout.splitlines()[-1]) for each in (first, again, dry, changed)]
    assert [each.exit_code for each in (first, again, dry, changed)] == [0] * 4
    assert [
        {name: each[name] for name in ("recorded", "corrected", "retracted", "known")}
        for each in told
    ] == [
        {"recorded": 3, "corrected": 0, "retracted": 0, "known": 0},
        {"recorded": 0, "corrected": 0, "retracted": 0, "known": 3},
        {"recorded": 0, "corrected": 1, "retracted": 1, "known": 1},
        {"recorded": 0, "corrected": 1, "retracted": 1, "known": 1},
    ]
    assert (told[2].pop("dry_run"), told[3].pop("dry_run")) == (True, False)
    assert told[2] == told[3]
    foretold = [json.loads(line) for line in dry.stdout.splitlines()[:-1]]
    assert [(Path(each["file"]).name, each["line"], each["kind"]) for each in foretold] == [
        ("rows.csv.gz", 2, "corrected"),
        ("matters.csv", 2, "retracted"),
    ]
    assert (foretold[0]["action"], foretold[0]["changes"]) == ("signed", ["action", "label"])
