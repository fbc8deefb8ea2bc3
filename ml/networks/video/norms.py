"""Partial BN: most of a trunk's BatchNorms are frozen (Wang et al. 2016, section 3.3)."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def freeze_norms(trunk: nn.Module, frozen: bool = True) -> None:
    """Freeze all BatchNorms of a trunk but the first, or unfreeze those that this froze.

    Call it after every `.train()`, which would unfreeze their statistics.
    """
    norms = [m for m in trunk.modules() if isinstance(m, _BatchNorm)]
    for norm in norms[1:]:
        if not frozen and not getattr(norm, "frozen_by_partial_bn", False):
            continue
        norm.frozen_by_partial_bn = frozen  # type: ignore[assignment]
        if frozen:
            norm.training = False
        for parameter in norm.parameters():
            parameter.requires_grad_(not frozen)
