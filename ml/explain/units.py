"""What the numbers of a map are, by how it was made."""

from __future__ import annotations

from ml.networks.types import Unit


def unit_of(method: str, stage: str, mask_unit: Unit) -> Unit:
    """Return the unit of one map.

    Args:
        method: `attention`, `attention-channels`, `rollout`, or one of `ml.explain.cam.METHODS`.
        stage: A stage, or `combined`.
        mask_unit: Of the mechanism whose masks `attention` shows.
    """
    if stage == "combined":
        return "combined"
    if method == "rollout":
        return "rollout"
    return mask_unit if method.startswith("attention") else "evidence"
