"""The routes of all pages, and of what they load."""

from typing import Final

from timeline.http.pages import (
    assets,
    audit,
    compare,
    entry,
    finding,
    policies,
    policy,
    record,
    reference,
    signing_in,
)

HANDLERS: Final = (
    *entry.HANDLERS,
    *reference.HANDLERS,
    *policies.HANDLERS,
    *policy.HANDLERS,
    *compare.HANDLERS,
    *audit.HANDLERS,
    *record.HANDLERS,
    *finding.HANDLERS,
    *signing_in.HANDLERS,
    *assets.HANDLERS,
)
