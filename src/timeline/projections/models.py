"""The list of read models: what `rebuild`, `replay` and the runner work on."""

from typing import Final

from timeline.projections.model import ReadModel
from timeline.projections.policies import POLICIES
from timeline.projections.relations import RELATIONS
from timeline.projections.timeline import TIMELINE

MODELS: Final[tuple[ReadModel, ...]] = (POLICIES, TIMELINE, RELATIONS)
"""All of them answer single requests together, so they advance in one transaction."""
