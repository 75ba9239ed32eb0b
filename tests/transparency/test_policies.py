"""Policies: which witnesses count, and how many of them it takes."""

import pytest

from timeline.transparency.errors import WrongPolicy
from timeline.transparency.keys import COSIGNATURE_V1, ED25519, SigningKey, VerifierKey
from timeline.transparency.policies import Policy

LOG = SigningKey("log.example/record", bytes(32)).verifier
A, B, C = (
    SigningKey(f"{name}.example", bytes([number]) * 32, COSIGNATURE_V1).verifier
    for number, name in enumerate("abc", 1)
)

POLICY = f"""\
# Who watches this log.
log {LOG} https://log.example/log

witness ann {A} https://a.example/
witness bob {B} http://b.example
witness cy {C}
group pair all ann bob
group most 1 pair cy
quorum most
"""


@pytest.mark.parametrize(
    ("cosigners", "enough"), [((), False), ((A,), False), ((A, B), True), ((C,), True)]
)
def test_groups_need_as_many_as_they_say(cosigners: tuple[object, ...], enough: bool) -> None:  # noqa: FBT001 - a table of cases
    """A group counts where enough of its members do; it may have groups as members."""
    policy = Policy.parse(POLICY)

    assert policy.satisfied([key for key in (A, B, C) if key in cosigners]) == enough
    assert policy.logs == (LOG,)
    assert [each.url for each in policy.witnesses.values()] == [
        "https://a.example",
        "http://b.example",
        None,
    ]


def test_nobody_may_be_enough() -> None:
    """A log may be watched without that anything depends on it."""
    assert Policy.parse(f"log {LOG}\nquorum none\n").satisfied([])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("watcher x", "begins with none of"),
        ("witness", "other words"),
        (f"witness ann {LOG}", "not one that cosigns"),
        (f"witness ann {A} ftp://a.example", "http"),
        (f"witness none {A}", "taken"),
        ("group g 1 nobody", "nothing before it"),
        ("group g 1", "has members"),
        ("quorum nobody", "nothing before it"),
        (f"log {A}", "not one that signs"),
        ("log x", "NAME"),
        (f"witness\u00a0ann {A}", "begins with none of"),
        (f"witness ann {A}\r", "control"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, reason: str) -> None:
    """A policy that is misread would trust the wrong ones."""
    with pytest.raises(WrongPolicy, match=reason) as refused:
        Policy.parse(f"\n{line}\nquorum none\n")

    assert refused.value.line == 2


@pytest.mark.parametrize("needed", ["0", "3", "-1", "x", "²"])
def test_a_group_needs_some_of_its_members(needed: str) -> None:
    """Neither none, nor more than there are."""
    with pytest.raises(WrongPolicy, match="cannot be needed"):
        Policy.parse(f"witness a {A}\nwitness b {B}\ngroup g {needed} a b\nquorum g\n")


def test_nobody_counts_twice() -> None:
    """Neither by the same key under another name, nor by standing in two groups."""
    again = VerifierKey("other.example", COSIGNATURE_V1, A.public)

    with pytest.raises(WrongPolicy, match="this key"):
        Policy.parse(f"witness a {A}\nwitness b {again}\nquorum a\n")
    with pytest.raises(WrongPolicy, match="twice"):
        Policy.parse(f"witness a {A}\ngroup g 1 a\ngroup h 1 a\nquorum h\n")
    renamed = VerifierKey("other.example", ED25519, LOG.public)
    with pytest.raises(WrongPolicy, match="another log"):
        Policy.parse(f"log {LOG}\nlog {renamed}\nquorum none\n")


def test_a_policy_has_so_much_and_no_more() -> None:
    """As many logs, witnesses and groups as the format asks for, each in the one before it."""
    keys = [bytes([number]) * 32 for number in range(1, 34)]
    watching = [SigningKey("w", key, COSIGNATURE_V1).verifier for key in keys]
    lines = {
        "logs": [f"log {SigningKey('l', key).verifier}" for key in keys],
        "witnesses": [f"witness w{at} {key}" for at, key in enumerate(watching)],
        "groups": [f"group g{at} 1 {f'g{at - 1}' if at else 'w0'}" for at in range(33)],
    }
    most = [line for kind in lines.values() for line in kind[:32]]

    assert Policy.parse("\n".join((*most, "quorum g31"))).satisfied(watching[:1])
    for kind, found in lines.items():
        with pytest.raises(WrongPolicy, match=f"more than 32 {kind}"):
            Policy.parse("\n".join((*most, found[32])))


def test_a_policy_ends_in_its_quorum() -> None:
    """Without one, or with a second one, it does not say what it takes."""
    with pytest.raises(WrongPolicy, match="no quorum"):
        Policy.parse(f"witness a {A}\n")
    with pytest.raises(WrongPolicy, match="once"):
        Policy.parse(f"witness a {A}\nquorum a\nquorum none\n")
    with pytest.raises(WrongPolicy, match="this key"):
        Policy.parse(f"witness a {A}\nwitness b {A}\nquorum a\n")
