"""Which values the two ends of a colormap stand for; `static/js/lib/scale.js` has the same rules.

- `map`: each map its own. Evidence (Grad-CAM and its family) from 0 to the map's maximum, so that
  zero stays zero and evidence against is not shown; masks and rollout from minimum to maximum.
- `row`: the same, over all maps of a model that have the same method and unit.
- `shared`: the same, over all maps of the analysis that have the same method and unit.
- `absolute`: fixed, so that photos compare. Shares and rollout as multiples of an even map (value
  x places), 0 to 8; gates from 0 to 1; evidence in logits (value x places: what the logit would be
  if the whole picture were this place), 0 to 20; a combined map from 0 to 1.

A diverging colormap shows evidence against as well: its range is even around zero. Maps without a
sign (masks, combined maps) take its upper half, so that their least is the middle.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from app.jobs.parameters import Scale

TOPS = {"share": 8.0, "rollout": 8.0, "evidence": 20.0}  # of the scale `absolute`, over places


class Extent(Protocol):
    """What of a heatmap's record the rules look at."""

    @property
    def model(self) -> str:
        """Model that it is of."""

    @property
    def method(self) -> str:
        """Method that made the map."""

    @property
    def unit(self) -> str:
        """What its numbers are: `share`, `gate`, `evidence`, `rollout` or `combined`."""

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
    def target(self) -> str | None:
        """Class that it is evidence for; None for a mask or rollout."""


def is_evidence(extent: Extent) -> bool:
    """True for maps for or against a class, false for what a model weighs by (masks, rollout)."""
    return extent.target is not None


def _absolute(extent: Extent) -> tuple[float, float]:
    top = TOPS.get(extent.unit)
    places = extent.shape[-1] * extent.shape[-2]
    return 0.0, 1.0 if top is None else top / places


def _shares(extent: Extent, other: Extent, rule: Scale) -> bool:
    """Whether `other` counts for the range of `extent`."""
    alike = (extent.method, extent.unit) == (other.method, other.unit)
    return alike and (rule == "shared" or (rule == "row" and extent.model == other.model))


def span(
    extent: Extent, others: Iterable[Extent], rule: Scale, *, diverging: bool
) -> tuple[float, float]:
    """Return (low, high): the values drawn with the first and the last colour; low <= high.

    `others` are all maps of the analysis, `extent` itself among them or not.
    """
    if rule == "absolute":
        low, high = _absolute(extent)
    else:
        group = [extent, *(other for other in others if _shares(extent, other, rule))]
        low, high = min(map_.min for map_ in group), max(map_.max for map_ in group)
    if diverging and extent.unit == "evidence":
        reach = max(abs(low), abs(high))
        return -reach, reach
    if is_evidence(extent):
        low, high = 0.0, max(high, 0.0)
    return (2 * low - high if diverging else low), high
