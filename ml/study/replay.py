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
    network: Network, seen: Recording, stages: tuple[Stage, ...], edit: Callable[[Tensor], Tensor]
) -> Tensor:
    """Return the logits (B, K) that the recorded images would have with other masks.

    Args:
        network: In eval mode.
        seen: Of its last forward pass.
        stages: Whose masks are replaced, in order.
        edit: From a mask (B, C, h, w) to one of the same shape.
    """

    def changed(stage: Stage, mask: Tensor) -> Tensor:
        return edit(mask) if stage in stages else mask

    with torch.inference_mode(), edited_masks(network, changed):
        if network.mechanism.classifies_trunk:
            return network.mechanism.classify(seen.trunk, seen.head[0]).logits
        start = BACKBONES[network.backbone].trunk[stages[0]]
        logits: Tensor = network(seen.inputs[stages[0]], start=start).logits
        return logits
