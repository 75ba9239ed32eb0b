"""Signing in to a record that is not public."""

from urllib.parse import urlencode

import httpx
import pytest

from http_client import Client, problem, registration
from timeline.application.access import Role
from timeline.http.cookies import is_own

HTML = {"Accept": "text/html"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def signed_in(
    client: Client, token: str, then: str = "/policies", **headers: str
) -> httpx.Response:
    """Send the form."""
    content = urlencode({"token": token, "then": then}).encode()
    return client.ask("POST", "/sign-in", headers={**FORM, **headers}, content=content)


def cookie_of(client: Client, role: Role) -> dict[str, str]:
    """Sign in and return the header by which a browser then asks."""
    kept = signed_in(client, client.tokens[role]).headers["set-cookie"]
    client.http.cookies.clear()
    return {"Cookie": kept.partition(";")[0]}


def test_a_page_asks_for_a_token_and_then_shows_itself(private: Client) -> None:
    """The form stands in the page's place; the cookie opens pages, and what their scripts fetch."""
    asked = private.ask("GET", "/policies?q=order", headers=HTML)
    cookie = cookie_of(private, Role.READER)

    assert asked.status_code == 401
    assert 'name="then" value="/policies?q=order"' in asked.text
    for target in ("/policies", "/v1/policies", "/compare"):
        answer = private.ask("GET", target, headers={**cookie, "Accept": "*/*"})
        assert answer.status_code == 200, target
    assert "private" in private.ask("GET", "/policies", headers=cookie).headers["cache-control"]
    assert "Sign out" in private.ask("GET", "/policies", headers=cookie).text


def test_a_kept_page_is_for_those_alone_who_are_signed_in(private: Client) -> None:
    """A page that was given to a reader a moment ago is not given to someone without a token."""
    cookie = cookie_of(private, Role.READER)
    assert private.ask("GET", "/policies", headers={**HTML, **cookie}).status_code == 200

    assert private.ask("GET", "/policies", headers=HTML).status_code == 401


@pytest.mark.parametrize("dry_run", ["", "?dry_run=true"])
def test_the_cookie_never_writes(private: Client, dry_run: str) -> None:
    """Even an administrator's cookie records nothing: writing takes the header."""
    cookie = cookie_of(private, Role.ADMIN)

    answer = private.ask(
        "POST",
        f"/v1/events{dry_run}",
        headers={**cookie, "Content-Type": "application/json"},
        content=b"{}",
    )

    assert problem(answer)[:2] == (401, "token-missing")
    assert private.record(registration()).status_code == 201


def test_the_cookie_is_guarded(private: Client) -> None:
    """Scripts and other sites cannot use it, and behind https it goes over https alone."""
    plain = signed_in(private, private.tokens[Role.READER]).headers["set-cookie"]
    proxied = signed_in(private, private.tokens[Role.READER], **{"X-Forwarded-Proto": "https"})
    private.http.cookies.clear()

    attributes = {part.strip() for part in plain.split(";")[1:]}
    assert attributes == {"Path=/", "HttpOnly", "SameSite=Strict"}
    assert proxied.headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize("token", ["", "timeline_nobody", "a; b", "ä", "x" * 200])
def test_an_unknown_token_is_refused_and_not_kept(private: Client, token: str) -> None:
    """The form comes back and says so; no cookie is set, and the token is not repeated."""
    answer = signed_in(private, token)

    assert answer.status_code == 401
    assert "Nobody has this token." in answer.text
    assert "set-cookie" not in answer.headers
    assert not token or f'"{token}"' not in answer.text


@pytest.mark.parametrize(
    "then",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:x",
        "",
        "/\n/",
        "//[",
    ],
)
def test_signing_in_leads_to_this_service_alone(private: Client, then: str) -> None:
    """An address elsewhere is no place to go on to."""
    answer = signed_in(private, private.tokens[Role.READER], then)
    private.http.cookies.clear()

    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_another_site_can_neither_sign_in_nor_out(private: Client) -> None:
    """What a browser says to come from elsewhere is refused, and no cookie changes."""
    other = {"Sec-Fetch-Site": "cross-site"}
    into = signed_in(private, private.tokens[Role.READER], **other)
    out = private.ask("POST", "/sign-out", headers=other)

    assert (into.status_code, out.status_code) == (400, 400)
    assert "set-cookie" not in {**into.headers, **out.headers}


@pytest.mark.parametrize(
    ("origin", "host", "proto", "own"),
    [
        ("http://record.example", "record.example", "", True),
        ("http://record.example:8000", "record.example:8000", "", True),
        ("https://record.example", "record.example", "https", True),
        ("https://record.example", "record.example:443", "", True),
        ("https://public.example", "inside:8000", "", True),
        ("https://evil.example", "record.example", "", False),
        ("http://record.example:8001", "record.example:8000", "", False),
        ("http://record.example", "record.example", "https", False),
        ("http://public.example", "inside:8000", "", False),
        ("https://public.example.evil.example", "inside:8000", "", False),
        ("null", "record.example", "", False),
        ("http://[", "[", "", False),
    ],
)
def test_where_a_form_comes_from_is_told_by_its_origin_alone(
    *, origin: str, host: str, proto: str, own: bool
) -> None:
    """By plain HTTP browsers say no more; scheme and port count, behind a proxy the public address."""
    headers = {"origin": origin, "host": host, "x-forwarded-proto": proto}
    scope = {"headers": [(name.encode(), value.encode()) for name, value in headers.items()]}

    assert is_own(scope, origin, "https://public.example") is own


def test_a_form_of_another_origin_changes_no_cookie(private: Client) -> None:
    """Neither in nor out, where the browser says the origin alone; and from our own page both work."""
    token = private.tokens[Role.READER]
    answers = {}
    for origin in ("https://evil.example", f"http://{private.http.base_url.host}"):
        into = signed_in(private, token, Origin=origin)
        out = private.ask("POST", "/sign-out", headers={"Origin": origin})
        private.http.cookies.clear()
        answers[origin] = (into.status_code, out.status_code, "set-cookie" in into.headers)

    assert list(answers.values()) == [(400, 400, False), (303, 303, True)]


def test_what_a_token_opened_is_kept_by_nobody_else(private: Client) -> None:
    """Pages, answers, tiles and streams alike; errors are kept by nobody at all."""
    private.record(registration())
    cookie = cookie_of(private, Role.READER)

    for accept, target in (
        ("*/*", "/policies"),
        ("*/*", "/v1/policies"),
        ("application/x-ndjson", "/v1/events"),
        ("text/csv", "/v1/timeline"),
        ("*/*", "/v1/vocabulary"),
    ):
        by_token = private.get(target, role=Role.READER, Accept=accept)
        by_cookie = private.ask("GET", target, headers={**cookie, "Accept": accept})
        for answer in (by_token, by_cookie):
            assert answer.headers["cache-control"] == "private, no-cache", target
            varies = answer.headers["vary"].split(", ")
            assert varies[-2:] == ["Authorization", "Cookie"], target
        again = private.ask(
            "GET",
            target,
            headers={**cookie, "Accept": accept, "If-None-Match": by_cookie.headers["etag"]},
        )
        assert (again.status_code, again.headers["cache-control"]) == (304, "private, no-cache")
    assert private.get("/v1/policies").headers["cache-control"] == "no-store"
    assert private.ask("GET", "/schema").headers["cache-control"] == "no-cache"


def test_signing_out_ends_it(private: Client) -> None:
    """The browser is told to forget the token."""
    answer = private.ask("POST", "/sign-out")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert answer.headers["set-cookie"].startswith("timeline_token=; Max-Age=0")


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Content-Type": "application/json"}, b"{}", 415),
        (FORM, b"token=" + b"x" * 9_000, 413),
        (FORM, b"&".join(b"a%d=1" % n for n in range(50)), 400),
        (FORM, b"token=\xff", 400),
    ],
)
def test_a_form_is_bounded(
    private: Client, headers: dict[str, str], content: bytes, status: int
) -> None:
    """What is no form of ours is refused before anything is looked up."""
    answer = private.ask("POST", "/sign-in", headers=headers, content=content)

    assert answer.status_code == status
