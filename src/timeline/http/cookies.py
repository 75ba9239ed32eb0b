"""The cookie by which a browser reads a record that is not public.

Owns its name, its form and which pages may change it. It holds a token, is kept from scripts and other
sites, and counts for reading alone: whoever writes sends the token in a header, which no other site can
make a browser do.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from timeline.http.requests import Scope, header

NAME: Final = "timeline_token"

TOKEN: Final = re.compile(r"[\w-]{1,128}", re.ASCII)
"""What a cookie's value may be; every token is one."""

MAX_COOKIES: Final = 64
"""Cookies of one header that are looked at: others on the same host may have set some."""


def cookie_token(scope: Scope) -> str | None:
    """Return the token that a browser's cookie holds, None where there is none."""
    for name, value in scope["headers"]:
        if name != b"cookie":
            continue
        for part in str(value, "latin-1").split(";", MAX_COOKIES)[:MAX_COOKIES]:
            key, _, token = part.strip().partition("=")
            if key == NAME and TOKEN.fullmatch(token):
                return token
    return None


def kept(scope: Scope, token: str) -> str:
    """Return the header that has a browser keep a token until it is closed."""
    return f"{NAME}={token}; {_attributes(scope)}"


def forgotten(scope: Scope) -> str:
    """Return the header that has a browser forget its token."""
    return f"{NAME}=; Max-Age=0; {_attributes(scope)}"


def is_own(scope: Scope, origin: str, public_url: str) -> bool:
    """Tell whether an origin is that of this service's own pages.

    They are found at TIMELINE_PUBLIC_URL, or where the request was sent to, as far as it tells: a
    proxy that ends TLS may not pass on the scheme, so that a page by https counts for one by http.
    The reverse does not hold: anyone on the way can write a page that comes by http.

    Args:
        scope: the request.
        origin: the header.
        public_url: the setting, empty where it is not set.

    """
    asked = _place(origin)
    if asked is None:
        return False
    if asked == _place(public_url):
        return True
    host = header(scope, b"host") or ""
    return asked == _place(f"{asked[0]}://{host}") and (asked[0] == "https" or not _is_https(scope))


def _place(url: str) -> tuple[str, str, int] | None:
    """Return the scheme, the host and the port of an address of HTTP; None where it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    usual = _PORTS.get(parts.scheme)
    if usual is None or not parts.hostname or parts.username is not None:
        return None
    return parts.scheme, parts.hostname, usual if port is None else port


_PORTS: Final = {"http": 80, "https": 443}


def _attributes(scope: Scope) -> str:
    attributes = "Path=/; HttpOnly; SameSite=Strict"
    return f"{attributes}; Secure" if _is_https(scope) else attributes


def _is_https(scope: Scope) -> bool:
    """Tell whether the browser came by https, as a proxy in front may know alone.

    Whoever lies about it only gets a cookie that is guarded more.
    """
    forwarded = (header(scope, b"x-forwarded-proto") or "").partition(",")[0].strip()
    return "https" in {scope.get("scheme"), forwarded.lower()}
