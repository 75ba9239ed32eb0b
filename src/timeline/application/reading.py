"""Reading: answers to the questions of `queries`, each from one snapshot at one position.

Owns nothing but their sum: both clocks are in `moments`, the answers in `listings`, `picturing`, `one_policy`,
`log_reading`, `finding` and `changes`, those for feeds and calendars in `feeds` and `calendars`. Must not
know HTTP, nor how read models are kept.
"""

from timeline.application.calendars import Calendars
from timeline.application.feeds import Feeds
from timeline.application.finding import Finding
from timeline.application.log_reading import LogReading
from timeline.application.one_policy import OnePolicy
from timeline.application.picturing import Picturing


class Reader(LogReading, Picturing, OnePolicy, Finding, Feeds, Calendars):
    """Answers questions about the record."""
