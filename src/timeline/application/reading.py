"""Reading: answers to the questions of `queries`, each from one snapshot at one position.

Owns nothing but their sum: both clocks are in `moments`, the answers in `listings`, `one_policy`,
`log_reading` and `changes`. Must not know HTTP, nor how read models are kept.
"""

from timeline.application.listings import Listings
from timeline.application.log_reading import LogReading
from timeline.application.one_policy import OnePolicy


class Reader(LogReading, Listings, OnePolicy):
    """Answers questions about the record."""
