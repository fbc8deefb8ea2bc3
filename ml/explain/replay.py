"""Ask a network again with other masks, from where the first of them acts and not from pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ml.explain.interventions import edited_masks
from ml.networks.backbones.base import BACKBONES
from ml.networks.network import Network
from ml.networks.types import Stage


@dataclass(frozen=True)
class Recording:
    """What the last forward pass computed before each mask acted.

    inputs: stage -> what went into the block before it, (B, C, h, w).
    trunk: stage -> features after it; only if the classifier reads them.
    head: The last block's features, in a list of one.
    """

    inputs: dict[Stage, Tensor] = field(default_factory=dict)
    trunk: dict[Stage, Tensor] = field(default_factory=dict)
    head: list[Tensor] = field(default_factory=list)


@contextmanager
def recording(network: Network) -> Iterator[Recording]:
    """Record forward passes inside the `with`; nothing is left behind."""
    seen = Recording()
    backbone = BACKBONES[network.backbone]

    def input_of(stage: Stage) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def hook(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
            seen.inputs[stage] = inputs[0].detach()

        return hook

    def output_of(stage: Stage) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            seen.trunk[stage] = output.detach()

        return hook

    def last(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        seen.head[:] = [output.detach()]

    with ExitStack() as stack:
        for stage, index in backbone.trunk.items():
            block, tap = network.features[index], network.taps[stage]
            stack.callback(block.register_forward_pre_hook(input_of(stage)).remove)
            stack.callback(tap.register_forward_hook(output_of(stage)).remove)
        block = network.features[backbone.late_head]
        stack.callback(block.register_forward_hook(last).remove)
        yield seen


def replay(
    network: Network,
    seen: Recording,
    first: Stage,
    edit: Callable[[Stage, Tensor], Tensor],
    copies: int = 1,
) -> Tensor:
    """Return the logits (copies * B, K) that the recorded images would have with other masks.

    Args:
        network: In eval mode.
        seen: Of its last forward pass.
        first: The first stage whose mask is replaced.
        edit: From a stage and its mask (copies * B, C, h, w) to one of the same shape.
        copies: How often the images go in, one batch after the other.
    """

    def again(features: Tensor) -> Tensor:
        return torch.cat([features] * copies)

    with torch.inference_mode(), edited_masks(network, edit):
        if network.mechanism.classifies_trunk:
            trunk = {stage: again(features) for stage, features in seen.trunk.items()}
            return network.mechanism.classify(trunk, again(seen.head[0])).logits
        start = BACKBONES[network.backbone].trunk[first]
        logits: Tensor = network(again(seen.inputs[first]), start=start).logits
        return logits
