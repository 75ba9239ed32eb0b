"""Inputs and what is in them: whatever a file holds, memory and disk stay bounded."""

import gzip
import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline.importers import opening, reading
from timeline.importers.errors import InputRefused
from timeline.importers.opening import Input, Inputs
from timeline.importers.reading import documents, lines, rows, undecodable


def held(*names: object, standard_input: bytes = b"") -> list[tuple[str, bytes]]:
    """Return all inputs with what they hold."""
    inputs = Inputs([str(each) for each in names], io.BytesIO(standard_input))
    return [(each.name, each.stream.read()) for each in inputs]


def of(text: bytes) -> Input:
    """Return an input that holds a text."""
    return Input("a.txt", io.BytesIO(text))


def test_files_are_unpacked_whatever_they_are_called(tmp_path: Path) -> None:
    """By their first bytes; a member's name stands behind its archive's."""
    plain, packed, archive = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    plain.write_bytes(b"plain")
    packed.write_bytes(gzip.compress(b"packed"))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.mkdir("in")
        file.writestr("in/one", b"one")
        file.writestr("two", gzip.compress(b"two"))

    found = held(plain, packed, archive, "-", standard_input=gzip.compress(b"piped"))

    assert found == [
        (str(plain), b"plain"),
        (str(packed), b"packed"),
        (f"{archive}/in/one", b"one"),
        (f"{archive}/two", b"two"),
        ("-", b"piped"),
    ]


def test_a_folder_is_all_its_files_but_hidden_ones(tmp_path: Path) -> None:
    """In the order of their names; how much of them is read is known."""
    for name in ("b", "a", ".hidden", "in/c", ".git/d"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1234")

    inputs = Inputs([str(tmp_path)])
    names = [Path(each.name).name for each in inputs if each.stream.read()]

    assert names == ["a", "b", "c"]
    assert (inputs.read_bytes, inputs.size_bytes) == (12, 12)


def test_what_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    """Before anything of what stands before it is read."""
    with pytest.raises(InputRefused, match="There is no such file"):
        Inputs([str(tmp_path), str(tmp_path / "none")])


def _zip_of(path: Path, member: bytes, times: int = 1) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(times):
            file.writestr(f"{number}.json", member)
    return path


def test_a_bomb_is_refused_before_it_fills_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what came out for what went in: of a gzip, of a member, and of all members together."""
    monkeypatch.setattr(opening, "FREE_BYTES", 1_000_000)
    blanks = b" " * 3_000_000
    packed = tmp_path / "a.gz"
    packed.write_bytes(gzip.compress(blanks))

    for bomb in (
        packed,
        _zip_of(tmp_path / "b.zip", blanks),
        _zip_of(tmp_path / "c.zip", blanks, 9),
    ):
        with pytest.raises(InputRefused, match="at most 250 for each") as refused:
            held(bomb)
        assert refused.value.file == str(bomb)


def test_what_unpacks_to_too_much_is_refused_however_well_it_was_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound on everything holds beside the ratio."""
    monkeypatch.setattr(opening, "FREE_BYTES", 10)
    monkeypatch.setattr(opening, "MAX_UNPACKED_BYTES", 100)
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(range(200))))

    with pytest.raises(InputRefused, match="more than 100 bytes"):
        held(tmp_path / "a.gz")


def _broken(kind: str, tmp_path: Path) -> Path:
    path = tmp_path / "broken"
    if kind == "cut gzip":
        path.write_bytes(gzip.compress(b"some text" * 100)[:-9])
    elif kind == "no gzip":
        path.write_bytes(b"\x1f\x8b" + b"0123456789")
    elif kind == "cut zip":
        path.write_bytes(_zip_of(path, b"some").read_bytes()[:-9])
    elif kind == "wrong sum":
        path.write_bytes(_zip_of(path, b"some").read_bytes().replace(b"\x1b", b"\x1c", 1))
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("a", b"some text")
        path.write_bytes(path.read_bytes().replace(b"some text", b"same text", 1))
    elif kind == "within":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("b.zip", _zip_of(tmp_path / "b.zip", b"some").read_bytes())
    else:
        path.write_bytes(_zip_of(path, b"some").read_bytes())
        raw = bytearray(path.read_bytes())
        at = raw.rfind(b"PK\x05\x06")
        struct.pack_into("<L", raw, at + 12, 2**31)
        path.write_bytes(bytes(raw))
    return path


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("cut gzip", "cannot be unpacked"),
        ("no gzip", "cannot be unpacked"),
        ("cut zip", "no whole zip archive"),
        ("wrong sum", "cannot be unpacked: Bad CRC"),
        ("within", "an archive within an archive"),
        ("long list", "lists more than"),
    ],
)
def test_what_is_broken_is_named(kind: str, reason: str, tmp_path: Path) -> None:
    """Damage is found where it is, and an archive's list is measured before it is read."""
    with pytest.raises(InputRefused, match=reason):
        held(_broken(kind, tmp_path))


def test_an_archive_on_standard_input_is_refused() -> None:
    """Its list of members stands at its end."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    file = io.BytesIO()
    zipfile.ZipFile(file, "w").close()
    inputs = Inputs(["-"], cast("BinaryIO", Pipe(file.getvalue())))

    with pytest.raises(InputRefused, match="save it and give the file"):
        list(inputs)


# ---- what is in them


def test_a_line_is_read_only_as_far_as_it_may_go() -> None:
    """However long it is, the bound and one byte are read, and the message names the line."""

    class Endless(io.RawIOBase):
        given = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            buffer[:] = (b"ab\n" + b"x" * len(buffer))[: len(buffer)]
            Endless.given += len(buffer)
            return len(buffer) if Endless.given < 100_000_000 else 0

    source = Input("a.csv", io.BufferedReader(Endless()))
    raw = source.stream.readline()

    with pytest.raises(InputRefused) as refused:
        list(lines(source, 1_000))

    assert (raw, refused.value.line) == (b"ab\n", 1)
    assert Endless.given < 1_000_000


def test_rows_know_their_lines() -> None:
    """A quoted cell goes over lines; a mark of byte order is no text; blank lines are no rows."""
    table = b'\xef\xbb\xbfid,title\r\n1,"a\nb"\r\n\r\n2,c\xff\r\n'

    found = list(rows(of(table)))

    assert [(row.line, row.cells[0]) for row in found] == [(1, "id"), (2, "1"), (5, "2")]
    assert [undecodable(row.cells) for row in found] == [None, None, 1]


@pytest.mark.parametrize(
    ("table", "line", "reason"),
    [
        (b'a\n"x', 2, "The row cannot be read"),
        (b'a\n"' + b"x" * 140_000 + b'"', 2, "field larger than"),
        (b"a\n" + b"," * 1_000, 2, "more than 1000 cells"),
        (b"a\n" + b'"x\n",' * 600_000, None, "longer than"),
    ],
    ids=["no end", "long cell", "many cells", "endless row"],
)
def test_a_row_is_bounded(table: bytes, line: int | None, reason: str) -> None:
    """In its cells, in each, and altogether, over however many lines it goes."""
    with pytest.raises(InputRefused, match=reason) as refused:
        list(rows(of(table)))

    assert line is None or refused.value.line == line


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b'{"a": 1}\n\n{"a": 2}', [(1, b'{"a": 1}\n'), (3, b'{"a": 2}')]),
        (b'{"a": 1}\n{"a\n{"a": 3}', [(1, b'{"a": 1}\n'), (2, b'{"a\n'), (3, b'{"a": 3}')]),
        (b'{"a":\n 1}', [(1, b'{"a":\n 1}')]),
        (
            b'[1,\n {"a": "],"},\n\n [2, "\\"]"]\n]',
            [(1, b"1"), (2, b'{"a": "],"}'), (4, b'[2, "\\"]"]')],
        ),
        (b"\xef\xbb\xbf[]", []),
        (b"", []),
        (b"no json", [(1, b"no json")]),
    ],
    ids=["lines", "broken line", "one", "array", "empty array", "nothing", "no json"],
)
def test_documents_are_lines_an_arrays_items_or_one(
    text: bytes, found: list[tuple[int, bytes]]
) -> None:
    """Each with the line that it begins in; a broken line takes no other with it."""
    assert [tuple(each) for each in documents(of(text))] == found


@given(
    st.lists(
        st.recursive(
            st.text() | st.integers() | st.booleans(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        )
    ),
    st.integers(1, 7),
    st.sampled_from([None, 1]),
)
def test_an_array_is_cut_into_its_items_wherever_it_was_read(
    items: list[object], size: int, indent: int | None
) -> None:
    """A piece of the input may end within a text, an escape, a number."""

    class Slow(io.BytesIO):
        def read1(self, _: int | None = -1) -> bytes:
            return super().read(size)

        def readline(self, _: int | None = -1) -> bytes:
            return super().readline(2)

    text = json.dumps(items, indent=indent, ensure_ascii=False).encode()

    found = [json.loads(each.raw) for each in documents(Input("a.json", Slow(text)))]

    assert found == items


@pytest.mark.parametrize(
    "text", [b'["' + b"x" * 200, b'{"a": "' + b"x" * 200, b'{"a": 1}\n{"' + b"x" * 200]
)
def test_a_document_is_bounded(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an array, by itself, and in a line."""
    monkeypatch.setattr(reading, "MAX_DOCUMENT_BYTES", 100)

    with pytest.raises(InputRefused, match="longer than"):
        list(documents(of(text)))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[1,\n2,\n" + b"," * 1_000_000, "a.txt:3: An item is missing before a comma."),
        (b"[1,2,\n" + b"[" * 1_000_000, "a.txt:2: There are more than 100 brackets within"),
    ],
)
def test_an_array_that_is_none_ends_at_once(text: bytes, reason: str) -> None:
    """Not once all of it was looked at: a step is taken for a bracket, and none for what is no item."""
    found = documents(of(text))

    assert [next(found).raw, next(found).raw] == [b"1", b"2"]
    with pytest.raises(InputRefused) as refused:
        next(found)
    assert str(refused.value).startswith(reason)


def test_an_array_without_an_end_is_refused() -> None:
    """After what stands in it."""
    found = documents(of(b'[1,\n {"a"'))

    assert next(found).raw == b"1"
    with pytest.raises(InputRefused, match="has no end"):
        next(found)
