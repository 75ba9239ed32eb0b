"""The routes of all pages, and of what they load."""

from typing import Final

from timeline.http.pages import assets, entry, reference

HANDLERS: Final = (*entry.HANDLERS, *reference.HANDLERS, *assets.HANDLERS)
