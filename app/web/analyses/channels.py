"""Masks of several channels, reduced in another way than by their mean, as the page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from app.db.analyses import is_learnt
from app.db.tables import Heatmap
from app.storage.blobs import BlobStore
from app.web.analyses.drawing import npy


def reduced(
    blobs: BlobStore, maps: Sequence[Heatmap], stacks: Sequence[Heatmap], rule: str
) -> list[tuple[Heatmap, npy.Array | None]]:
    """Return the maps, each with what `rule` makes of it, or None if it stays as it is.

    A mask that does not have the channel is left out, and of one channel the combined map.

    Args:
        blobs: Where the maps are.
        maps: Of one analysis, [h, w].
        stacks: Its maps `attention-channels`, [c, h, w].
        rule: `mean`, `max`, `l2` or a channel's number.
    """
    grids: dict[str, dict[str, npy.Array]] = {}
    for stack in stacks if rule != "mean" else ():
        stages = grids.setdefault(stack.model, {})
        with suppress(IndexError):
            stages[stack.stage] = npy.channel(npy.load(blobs.get(stack.blob_key)), rule)
    kept: list[tuple[Heatmap, npy.Array | None]] = []
    for one in maps:
        known = grids.get(one.model) if is_learnt(one) else None
        if known is None:
            kept.append((one, None))
        elif one.stage in known:
            kept.append((one, known[one.stage]))
        elif one.stage == "combined" and not rule.isdigit():
            kept.append((one, npy.combined(list(known.values()), one.shape)))
    return kept
