"""Which values the two ends of a colormap stand for; `static/js/lib/scale.js` has the same rules.

- `map`: each map its own. Evidence (Grad-CAM and its family) from 0 to the map's maximum, so that
  zero stays zero and evidence against is not shown; a learnt mask from its minimum to its maximum.
- `row`: the same, over all maps of a model that have the same method and unit.
- `shared`: the same, over all maps of the analysis that have the same method and unit.
- `absolute`: fixed, so that photos compare. A learnt mask that sums to 1 is shown as multiples of
  an even mask (value x places), 0 to 8; any other learnt mask from 0 to 1; evidence in logits
  (value x places: what the logit would be if the whole picture were this place), 0 to 20; a
  combined map, an average of maps scaled to [0, 1], from 0 to 1.

A diverging colormap shows evidence against as well: its range is even around zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

from app.jobs.parameters import Scale

Kind = Literal["share", "gate", "evidence", "combined"]
UNIFORM_MULTIPLES = 8.0
LOGITS = 20.0


class Extent(Protocol):
    """What of a heatmap's record the rules look at."""

    @property
    def model(self) -> str:
        """Model that it is of."""

    @property
    def method(self) -> str:
        """Method that made the map."""

    @property
    def stage(self) -> str:
        """Stage, or `combined`."""

    @property
    def shape(self) -> list[int]:
        """[h, w] or [c, h, w]."""

    @property
    def min(self) -> float:
        """Smallest value."""

    @property
    def max(self) -> float:
        """Largest value."""

    @property
    def sum(self) -> float:
        """Sum of all values."""


def is_learnt(method: str) -> bool:
    """True for masks the model has learnt, false for evidence (Grad-CAM and its family)."""
    return method.startswith("attention")


def kind(extent: Extent) -> Kind:
    """Return what the numbers are: only maps of the same kind can share a scale."""
    if extent.stage == "combined":
        return "combined"
    if not is_learnt(extent.method):
        return "evidence"
    sums_to_one = extent.min >= 0 and abs(extent.sum - 1) < 0.01
    return "share" if sums_to_one else "gate"


def _absolute(extent: Extent) -> tuple[float, float]:
    top = {"share": UNIFORM_MULTIPLES, "evidence": LOGITS}.get(kind(extent))
    places = extent.shape[-1] * extent.shape[-2]
    return 0.0, 1.0 if top is None else top / places


def _shares(extent: Extent, other: Extent, rule: Scale) -> bool:
    """Whether `other` counts for the range of `extent`."""
    alike = (extent.method, kind(extent)) == (other.method, kind(other))
    return alike and (rule == "shared" or (rule == "row" and extent.model == other.model))


def span(
    extent: Extent, others: Iterable[Extent], rule: Scale, *, diverging: bool
) -> tuple[float, float]:
    """Return (low, high): the values drawn with the first and the last colour; low <= high.

    `others` are all maps of the analysis, `extent` itself among them or not.
    """
    evidence = not is_learnt(extent.method)
    if rule == "absolute":
        low, high = _absolute(extent)
    else:
        group = [extent, *(other for other in others if _shares(extent, other, rule))]
        low, high = min(one.min for one in group), max(one.max for one in group)
        if evidence and not diverging:
            low, high = 0.0, max(high, 0.0)
    if evidence and diverging:
        reach = max(abs(low), abs(high))
        return -reach, reach
    return low, high
