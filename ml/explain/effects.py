"""Does a mask matter? What a network would say of a photo with its masks made even, or a blob.

Each of a network's masks is replaced alone, then all at once; the rest of the network runs again
from where the first replaced mask acts, on features that its own forward pass computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ml.explain.interventions import blob, even
from ml.explain.replay import Recording, replay
from ml.networks.network import Network
from ml.networks.types import STAGES, Stage

ALL = "combined"  # what all stages together are called
EDITS = {"if_even": even, "if_blob": blob}  # fields of `MaskEffects`


@dataclass(frozen=True)
class Effect:
    """What another mask does to an answer.

    probability_change: Of the target class, calibrated, -1..1.
    answer_changed: Whether another class becomes the likeliest.
    """

    probability_change: float
    answer_changed: bool


@dataclass(frozen=True)
class MaskEffects:
    """What an even mask, and a blob, do to an answer; `target` is the class, by name."""

    target: str
    if_even: Effect
    if_blob: Effect


def effects_of_masks(
    network: Network,
    seen: Recording,
    masks: Sequence[str],
    logits: Tensor,
    target: tuple[int, str],
    temperature: float,
) -> dict[str, MaskEffects]:
    """Return stage, or `combined` for all of them -> what the photo's answer would become.

    Args:
        network: In eval mode.
        seen: Of its forward pass over one photo.
        masks: The stages that have masks.
        logits: What it said, (K,).
        target: Index and name of the class.
        temperature: That logits are divided by.
    """
    stages = [stage for stage in STAGES if stage in masks]
    index, title = target
    own = _answer(logits, index, temperature)
    found: dict[str, MaskEffects] = {}
    for first in stages:
        wanted: dict[str, tuple[Stage, ...]] = {first: (first,)}
        if first == stages[0]:
            wanted[ALL] = tuple(stages)
        for name, changed in _replayed(network, seen, wanted).items():
            effects = {
                edit: _effect(own, _answer(values, index, temperature))
                for edit, values in changed.items()
            }
            found[name] = MaskEffects(title, **effects)
    return found


def _replayed(
    network: Network, seen: Recording, wanted: Mapping[str, tuple[Stage, ...]]
) -> dict[str, dict[str, Tensor]]:
    """Return name -> edit -> logits (K,), all of one pass from the first stage on.

    Args:
        network: In eval mode.
        seen: Of one photo.
        wanted: Name -> the stages whose masks are replaced; all begin with the same one.
    """
    cases = [(name, edit) for name in wanted for edit in EDITS]
    first = next(iter(wanted.values()))[0]

    def changed(stage: Stage, mask: Tensor) -> Tensor:
        parts = [
            EDITS[edit](part) if stage in wanted[name] else part
            for (name, edit), part in zip(cases, torch.split(mask, 1), strict=True)
        ]
        return torch.cat(parts)

    logits = replay(network, seen, first, changed, len(cases))
    table: dict[str, dict[str, Tensor]] = {name: {} for name in wanted}
    for (name, edit), values in zip(cases, logits, strict=True):
        table[name][edit] = values
    return table


def _answer(logits: Tensor, target: int, temperature: float) -> tuple[float, int]:
    """Return the target's probability, and the likeliest class."""
    shares = (logits.double() / temperature).softmax(0)
    return float(shares[target]), int(logits.argmax())


def _effect(own: tuple[float, int], changed: tuple[float, int]) -> Effect:
    return Effect(changed[0] - own[0], changed[1] != own[1])
