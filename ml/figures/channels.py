"""Masks that have channels, reduced in another way than by their mean; as the page does it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ml.errors import MlError
from ml.explain.combine import combine
from ml.explain.results import Track

MEAN = "mean"
RULES: Mapping[str, str] = {
    MEAN: "the mean over channels",
    "max": "the largest of their channels at each place",
    "l2": "the L2 norm over channels",
}


def check(rule: str) -> None:
    """Raise MlError for a rule that is none of `RULES`, and no channel's number."""
    if rule not in RULES and not re.fullmatch(r"[0-9]{1,4}", rule):
        raise MlError(f"--channel takes {', '.join(RULES)} or a number, not {rule!r}.")


def in_words(rule: str) -> str:
    """Return what a mask of several channels shows; nothing for their mean, as it always is."""
    return "" if rule == MEAN else f"masks of several channels: {RULES.get(rule, f'no. {rule}')}"


def by_channel(tracks: Sequence[Track], rule: str) -> Iterator[Track]:
    """Yield a photo's tracks with its masks reduced by `rule`.

    A stage that does not have the channel is left out, and of one channel the combined map.

    Args:
        tracks: Of one model, with its `attention-channels`, [1, c, h, w], if it has them.
        rule: A name in `RULES`, or a channel's number.
    """
    stacks = {t.stage: torch.from_numpy(t.values) for t in tracks if t.values.ndim == 4}
    if rule == MEAN or not stacks:
        yield from tracks
        return
    maps = {stage: _reduced(stack, rule) for stage, stack in stacks.items()}
    grids = [grid for grid in maps.values() if grid is not None]
    for track in tracks:
        if track.method == "attention":
            if track.stage != "combined":
                grid = maps[track.stage]
            else:
                height, width = track.values.shape[-2:]
                grid = None if rule.isdigit() else combine(grids, (height, width))
            if grid is not None:
                yield replace(track, values=grid.numpy())
        elif track.values.ndim == 3:
            yield track


def _reduced(stack: Tensor, rule: str) -> Tensor | None:
    """(1, c, h, w) -> (1, h, w); None if there is no such channel."""
    if rule == "max":
        return stack.amax(1)
    if rule == "l2":
        return stack.square().sum(1).sqrt()
    return stack[:, int(rule)] if int(rule) < stack.shape[1] else None
