"""`timeline verify`: on the database, and from outside over HTTP."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from attacks import attacking, reseal, rewrite_entry
from builders import acted
from file_server import FileServer, serving
from panels import unframed
from proven_log import KEY, ORIGIN, Mirror, ProvenLog
from timeline.application.verifying_write_side import UNCHECKED
from timeline.transparency.checkpoints import Checkpoint
from timeline.transparency.keys import COSIGNATURE_V1, SigningKey
from timeline.transparency.notes import signed
from timeline.transparency.tiles import bundle, unbundle

VKEY = str(KEY.verifier)

Timeline = Callable[..., Result]


@pytest.fixture
def database_url(proven_url: str) -> str:
    """Give the address of a database that holds the log."""
    return proven_url


@pytest.fixture
def log(proven_log: ProvenLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProvenLog:
    """Give a log of 300 events, with its key in the settings."""
    monkeypatch.setenv("TIMELINE_SIGNING_KEY_FILE", str(proven_log.key_file.path))
    monkeypatch.setenv("TIMELINE_LOG_ORIGIN", ORIGIN)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return proven_log


@pytest.fixture
def server(log: ProvenLog) -> Iterator[FileServer]:
    """Serve the log's files."""
    with serving(Mirror(log.engine)) as server:
        yield server


# --- on the database


def test_a_log_that_is_right(timeline: Timeline, log: ProvenLog) -> None:
    """What was checked is told, and what was not; progress goes to stderr."""
    result = timeline("verify")

    root = log.checkpoint().decode().splitlines()[2]
    assert result.exit_code == 0
    assert result.stderr == "Verified: 300 of 300\n"
    assert result.stdout.splitlines()[1:] == [
        "checked: 299 payloads, 1 erased, 1 tiles, 3 checkpoints, 0 cosignatures",
        f"not checked: {UNCHECKED}",
    ]
    assert Checkpoint.parse(f"{ORIGIN}\n300\n{root}\n").root.hex() in result.stdout


def test_a_log_that_is_wrong(timeline: Timeline, log: ProvenLog) -> None:
    """Each finding is a line with its position, and the exit code is 1."""
    with attacking(log.engine) as run:
        run("UPDATE log_entries SET recorded_by = 'mole' WHERE position IN (5, 9)")

    result = timeline("verify", "--quiet")
    as_json = timeline("verify", "--quiet", "--json")

    assert result.exit_code == as_json.exit_code == 1
    assert [line for line in result.stdout.splitlines() if line.startswith("wrong")] == [
        f"wrong: position {position}, entry: its entry has the recorded_by desk, and its row mole"
        for position in (5, 9)
    ]
    assert result.stderr == "Error: The log is not as it has to be in 2 ways.\n"
    assert [each["position"] for each in json.loads(as_json.stdout)["findings"]] == [5, 9]


def test_a_log_that_is_all_wrong_is_told_up_to_a_bound(timeline: Timeline, log: ProvenLog) -> None:
    """Nobody reads the same a million times."""
    with attacking(log.engine) as run:
        run("UPDATE log_entries SET recorded_by = 'mole'")

    result = timeline("verify", "--quiet")

    assert result.stdout.count("wrong: ") == 100
    assert result.stdout.endswith("not looked any further\n")
    assert "at least 100 ways" in result.stderr


@pytest.mark.usefixtures("log")
def test_without_a_key_it_says_that_nobody_vouches(
    timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a database says of itself is checked, and no more is claimed."""
    monkeypatch.delenv("TIMELINE_SIGNING_KEY_FILE")

    found = json.loads(timeline("verify", "--json").stdout)

    assert found["findings"] == []
    assert found["keys"] == []
    assert "no signature was checked" in found["unchecked"][0]
    assert "--key" in found["unchecked"][0]
    assert not any("earlier keys" in each for each in found["unchecked"])


@pytest.mark.usefixtures("log")
def test_a_key_can_be_given(timeline: Timeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """So can an auditor with a copy of the database, who is not to have the private key."""
    monkeypatch.delenv("TIMELINE_SIGNING_KEY_FILE")
    other = SigningKey(ORIGIN, bytes(32)).verifier

    right = timeline("verify", "--key", VKEY)
    wrong = timeline("verify", "--key", str(other))

    assert right.exit_code == 0
    assert wrong.exit_code == 1
    assert "none of the checkpoints is signed by a key that is known here" in wrong.stdout


def test_checkpoints_of_earlier_keys_are_told_of(timeline: Timeline, log: ProvenLog) -> None:
    """Once a key is retired, its checkpoints are checked with what the database lists."""
    newer = SigningKey(ORIGIN, bytes(range(1, 33)))
    log.key_file.write([KEY, newer])
    log.record(acted("an-order"))
    log.sign()
    log.key_file.write([newer])

    alone = timeline("verify", "--json")
    both = timeline("verify", "--json", "--key", VKEY)

    assert (alone.exit_code, both.exit_code) == (0, 0)
    assert "3 checkpoints are signed by earlier keys" in json.loads(alone.stdout)["unchecked"][0]
    assert json.loads(both.stdout)["unchecked"] == [UNCHECKED]


# --- over HTTP


def test_a_log_is_checked_from_outside(
    timeline: Timeline, log: ProvenLog, server: FileServer, tmp_path: Path
) -> None:
    """With nothing but its public key; the first time it is said that it is the first."""
    result = timeline("verify", "--url", server.url, "--key", VKEY)

    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"log: {ORIGIN}, 300 entries, root ")
    assert "checked: 300 entries, 3 tiles\n" in result.stdout
    assert "none: it is seen for the first time" in result.stdout
    assert "not checked: payloads" in result.stdout
    assert [each.read_bytes() for each in (tmp_path / "state").rglob("*.checkpoint")] == [
        log.checkpoint()
    ]


def test_a_log_that_grew_is_the_one_seen_before(
    timeline: Timeline, log: ProvenLog, server: FileServer
) -> None:
    """What was seen is remembered, by the log's name and key."""
    timeline("verify", "--url", server.url, "--key", VKEY)
    log.record(acted("an-order"))
    log.sign()

    result = timeline("verify", "--url", f"{server.url}/log/", "--key", VKEY, "--json")

    found = json.loads(result.stdout)
    assert (result.exit_code, found["size"], found["seen"]) == (0, 301, [300])


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_fork_is_detected_the_next_time(
    timeline: Timeline, log: ProvenLog, server: FileServer
) -> None:
    """Both checkpoints are shown, since they are the proof; what was seen stays remembered."""
    timeline("verify", "--url", server.url, "--key", VKEY)
    seen = log.checkpoint().decode()
    with attacking(log.engine) as run:
        rewrite_entry(run, 100, recorded_by="mole")
        reseal(run)
        run("DELETE FROM log_checkpoints")
        run("DELETE FROM log_nodes")
    log.forget()
    log.sign()

    results = [timeline("verify", "--url", server.url, "--key", VKEY) for _ in range(2)]

    for result in results:
        assert result.exit_code == 1
        assert "wrong: seen: it is a fork: its first 300 entries" in result.stdout
        assert seen in result.stdout
        assert log.checkpoint().decode() in result.stdout


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_another_key_is_no_other_log(
    timeline: Timeline, log: ProvenLog, server: FileServer, tmp_path: Path
) -> None:
    """Whoever is given a fork with a key of its own is told that the log was seen under another one.

    It may be another log of the same name, too: what is seen of that is kept apart where it is asked.
    """
    timeline("verify", "--url", server.url, "--key", VKEY)
    stranger = SigningKey(ORIGIN, bytes(range(9, 41)))
    log.key_file.write([stranger])
    log.record(acted("an-order"))
    log.sign()

    result = timeline("verify", "--url", server.url, "--key", str(stranger.verifier))
    apart = timeline(
        *("verify", "--url", server.url, "--key", str(stranger.verifier)),
        *("--state", str(tmp_path / "apart")),
    )
    both = timeline("verify", "--url", server.url, "--key", VKEY, "--key", str(stranger.verifier))

    assert result.exit_code == 2
    said = unframed(result.stderr)
    for words in (
        f"A log by the name of {ORIGIN} was seen before",
        "It may be a fork",
        "--key OLD --key NEW",
        "another log of the same name",
        "--state FILE",
        "TIMELINE_LOG_ORIGIN",
    ):
        assert words in said
    assert (apart.exit_code, both.exit_code) == (0, 0)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_keys_are_changed_under_whoever_checks(
    timeline: Timeline, log: ProvenLog, server: FileServer
) -> None:
    """While two sign, what `/log/vkey` answers is given as it is; later, who signs is named."""
    timeline("verify", "--url", server.url, "--key", VKEY)
    newer = SigningKey(ORIGIN, bytes(range(9, 41)))
    log.key_file.write([KEY, newer])
    log.record(acted("an-order"))
    log.sign()

    both = timeline("verify", "--url", server.url, "--key", f"{VKEY}\n{newer.verifier}\n")
    old = timeline("verify", "--url", server.url, "--key", VKEY)
    log.key_file.write([newer])
    log.record(acted("an-order"))
    log.sign()
    retired = timeline("verify", "--url", server.url, "--key", VKEY)
    new = timeline("verify", "--url", server.url, "--key", str(newer.verifier))

    assert [each.exit_code for each in (both, old, retired, new)] == [0, 0, 2, 0]
    assert retired.stdout == ""
    said = unframed(retired.stderr)
    assert f"signed by {ORIGIN}+{newer.verifier.id.hex()}" in said
    assert "--key OLD --key NEW" in said


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_checkpoint_from_elsewhere_is_compared(
    timeline: Timeline, log: ProvenLog, server: FileServer, tmp_path: Path
) -> None:
    """`--since` takes one that another person saw; what another key signed is refused."""
    since = tmp_path / "since"
    words = ("verify", "--url", server.url, "--key", VKEY, "--since", str(since))
    since.write_bytes(bytes(signed(Checkpoint(ORIGIN, 301, bytes(32)).text, [KEY])))
    longer = timeline(*words)
    since.write_bytes(log.checkpoint())
    same = timeline(*words)
    stranger = SigningKey(ORIGIN, bytes(32))
    since.write_bytes(bytes(signed(Checkpoint(ORIGIN, 1, bytes(32)).text, [stranger])))
    unknown = timeline(*words)

    assert (
        "position 301, seen: it is shortened or stale: it has 300 entries; it had 301"
        in longer.stdout
    )
    assert (longer.exit_code, same.exit_code, unknown.exit_code) == (1, 0, 2)
    assert "none of the known keys has signed it" in unframed(unknown.stderr)
    assert "with --key" in unframed(unknown.stderr)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_checkpoint_of_a_retired_key_is_no_finding(
    timeline: Timeline, log: ProvenLog, tmp_path: Path
) -> None:
    """It is compared once its key is given, which the keys that are left say nothing of."""
    since = tmp_path / "since"
    since.write_bytes(log.checkpoint())
    newer = SigningKey(ORIGIN, bytes(range(1, 33)))
    log.key_file.write([KEY, newer])
    log.record(acted("an-order"))
    log.sign()
    log.key_file.write([newer])

    alone = timeline("verify", "--since", str(since))
    both = timeline("verify", "--since", str(since), "--key", VKEY)

    assert (alone.exit_code, both.exit_code) == (2, 0)
    assert "with --key" in alone.stderr


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_witness_that_is_named_has_to_have_cosigned(
    timeline: Timeline, log: ProvenLog, server: FileServer, tmp_path: Path
) -> None:
    """Its line is missing: the exit code is 1, and what was seen is right and remembered."""
    witness = str(SigningKey("witness.example", bytes(32), COSIGNATURE_V1).verifier)

    result = timeline("verify", "--url", server.url, "--key", VKEY, "--key", witness)

    assert result.exit_code == 1
    assert f"not cosigned by: {witness}\n" in result.stdout
    assert "wrong: " not in result.stdout
    assert "1 of 1 witnesses" in result.stderr
    assert [each.read_bytes() for each in (tmp_path / "state").rglob("*.checkpoint")] == [
        log.checkpoint()
    ]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_token_for_a_log_that_is_not_public(timeline: Timeline, server: FileServer) -> None:
    """It comes from the environment, as command lines can be read by everybody on a machine."""
    words = ("verify", "--url", server.url, "--key", VKEY)

    timeline(*words, TIMELINE_TOKEN="timeline_secret")  # noqa: S106 - of nothing

    assert set(server.authorizations) == {"Bearer timeline_secret"}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_no_terminal_obeys_an_entry(timeline: Timeline, log: ProvenLog, server: FileServer) -> None:
    """What a log says is shown with escapes, and not at any length."""
    mirror = Mirror(log.engine)
    entries = list(unbundle(mirror.get("tile/entries/000", 1 << 30)))
    policy = "\x9b2J" + "x" * 60_000
    entries[9] = entries[9].replace(b'"a-rule"', b'"%b"' % policy.encode(), 1)
    server.files = Mirror(log.engine, {"tile/entries/000": bundle(entries)})

    result = timeline("verify", "--url", server.url, "--key", VKEY)

    assert result.exit_code == 1
    assert "\x9b" not in result.stdout
    assert r"\u009b2Jxxx" in result.stdout
    assert max(map(len, result.stdout.splitlines())) < 300


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_what_was_seen_can_be_kept_in_a_file(
    timeline: Timeline, log: ProvenLog, server: FileServer, tmp_path: Path
) -> None:
    """As for a check that runs somewhere without a home; a smaller one never takes its place."""
    kept = tmp_path / "deep" / "kept"
    words = ("verify", "--url", server.url, "--key", VKEY, "--state", str(kept))

    first = timeline(*words)

    assert (first.exit_code, kept.read_bytes()) == (0, log.checkpoint())
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_used_wrongly(timeline: Timeline, server: FileServer) -> None:
    """Without the key there is nothing to check by; a witness's key is none of the log's."""
    witness = str(SigningKey("witness.example", bytes(32), COSIGNATURE_V1).verifier)
    for words in (
        ("--url", server.url),
        ("--url", server.url, "--key", "nonsense"),
        ("--url", server.url, "--key", "\n"),
        ("--url", server.url, "--key", f"{VKEY}\nnonsense"),
        ("--url", server.url, "--key", witness),
        ("--state", "somewhere"),
        ("--key", witness),
    ):
        assert timeline("verify", *words).exit_code == 2, words


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_log_that_cannot_be_reached(timeline: Timeline) -> None:
    """One line says why; nothing is claimed of the log."""
    result = timeline("verify", "--url", "ftp://log.example", "--key", VKEY)

    assert (result.exit_code, result.stdout) == (1, "")
    assert "no address like https://" in result.stderr


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_log_that_is_away_is_told_from_one_that_is_wrong(
    timeline: Timeline, log: ProvenLog, server: FileServer, tmp_path: Path
) -> None:
    """A script reads it from `outcome`, and a person in words; what was seen before stays."""
    words = ("verify", "--quiet", "--url", server.url, "--key", VKEY)
    right = timeline(*words, "--json")
    server.statuses = [403, 403]
    away = timeline(*words, "--json")
    told = timeline(*words)
    server.files = Mirror(log.engine, {"tile/0/000": bytes(8192)})
    wrong = timeline(*words, "--json")

    outcomes = [json.loads(each.stdout) for each in (right, away, wrong)]
    assert [(each["outcome"], each["ok"], each["reachable"]) for each in outcomes] == [
        ("verified", True, True),
        ("unreachable", False, False),
        ("wrong", False, True),
    ]
    assert [each.exit_code for each in (right, away, told, wrong)] == [0, 1, 1, 1]
    assert outcomes[1]["unread"] in told.stderr
    assert "could not be checked" in told.stderr
    assert "300 entries when it was seen before" in told.stderr
    assert told.stdout == ""
    assert [each.read_bytes() for each in (tmp_path / "state").rglob("*.checkpoint")] == [
        log.checkpoint()
    ]
