"""`timeline token`: made once, listed without the secret, revoked for good."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import Result
from sqlalchemy import Engine

from timeline.application.access import REMEMBERED_S, Access, Principal, Role
from timeline.application.errors import PrincipalTaken, TokenUnknown


def test_create_prints_the_token_alone(timeline: Callable[..., Result], engine: Engine) -> None:
    """`TOKEN=$(timeline token create …)` is all that a script needs."""
    result = timeline("token", "create", "desk", "--role", "curator")

    token = result.stdout.removesuffix("\n")
    assert (result.exit_code, result.stderr) == (0, "")
    assert Access(engine, str).recognise(token) == Principal("desk", Role.CURATOR)


def test_a_name_is_never_given_twice(timeline: Callable[..., Result]) -> None:
    """A name stands in the record for ever, so it stays with its first principal."""
    timeline("token", "create", "desk", "--role", "reader")
    timeline("token", "revoke", "desk")

    result = timeline("token", "create", "desk", "--role", "reader")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "desk" in result.stderr


def test_list_shows_all_but_the_tokens(timeline: Callable[..., Result]) -> None:
    """Names, roles and times are there for scripts and for people; the secret is nowhere."""
    made = [timeline("token", "create", name, "--role", "admin").stdout for name in ("b", "a")]
    timeline("token", "revoke", "b")

    listed = timeline("token", "list", "--json").stdout
    shown = timeline("token", "list").stdout

    records = json.loads(listed)
    assert [(each["name"], each["role"], each["revoked_at"] is None) for each in records] == [
        ("a", "admin", True),
        ("b", "admin", False),
    ]
    assert [line.split()[:2] for line in shown.splitlines()] == [["a", "admin"], ["b", "admin"]]
    assert not [token for token in made if token.strip() in listed + shown]


def test_revoking_nobody_is_refused(timeline: Callable[..., Result]) -> None:
    """A mistyped name is not taken for done."""
    result = timeline("token", "revoke", "nobody")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "nobody" in result.stderr


def test_revoking_twice_says_since_when(timeline: Callable[..., Result]) -> None:
    """Nothing is left to do, and the moment that counts stays the first one."""
    timeline("token", "create", "desk", "--role", "reader")
    timeline("token", "revoke", "desk")
    (before,) = json.loads(timeline("token", "list", "--json").stdout)

    result = timeline("token", "revoke", "desk")

    (after,) = json.loads(timeline("token", "list", "--json").stdout)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"The token of desk is revoked already, since {before['revoked_at']}." in result.stderr
    assert after == before


def test_of_two_who_take_a_name_at_once_one_gets_it(engine: Engine) -> None:
    """The other is told that it is taken, as if it had come a moment later."""
    names = [f"desk-{number}" for number in range(10)]

    def create(name: str) -> str | None:
        try:
            return Access(engine, lambda: "2026-11-22T10:00:00.123456Z").create(name, Role.READER)
        except PrincipalTaken:
            return None

    with ThreadPoolExecutor(2) as pool:
        made = [list(pool.map(create, (name, name))) for name in names]

    assert all(len([token for token in pair if token is not None]) == 1 for pair in made)


def test_a_token_revoked_elsewhere_works_a_second_longer_at_most(engine: Engine) -> None:
    """A service remembers whom it has recognised, and asks again before a second is over."""
    elapsed_s = 100.0
    service, operator = Access(engine, str, lambda: elapsed_s), Access(engine, str)
    token = operator.create("desk", Role.RECORDER)
    service.recognise(token)

    operator.revoke("desk")

    elapsed_s += REMEMBERED_S - 0.01
    assert service.remembered(token) == Principal("desk", Role.RECORDER)
    elapsed_s += 0.02
    assert service.remembered(token) is None
    with pytest.raises(TokenUnknown):
        service.recognise(token)
    assert REMEMBERED_S == 1
    assert operator.remembered(token) is None
