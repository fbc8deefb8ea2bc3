"""Grid attention gates: each position has its own gating vector (Schlemper et al. 2019)."""

from __future__ import annotations

from ml.networks.attention.base import MECHANISMS, MechanismEntry
from ml.networks.attention.gating import (
    PAPER,
    UNGATED_WORDS,
    GatedClassifier,
    GateParameters,
)
from ml.networks.types import About


class GridGatedClassifier(GatedClassifier):
    """Gates with the late feature map, upsampled to each stage's grid, as gating signal."""

    grid = True


MECHANISMS.register("gated-grid")(
    MechanismEntry(
        build=GridGatedClassifier,
        parameters=GateParameters,
        default_row=("gated-grid", 3),
        about=About(
            title="Grid attention gates",
            mask_range="distribution",
            summary=(
                "Like the attention gates, but the gating signal is the last layer's feature map, "
                "upsampled to each stage's grid, instead of one pooled vector. Every position is "
                "compared with what the deep layers see at that same place. Coarse knowledge of "
                "where the object is can thus sharpen the fine, early mask. " + UNGATED_WORDS
            ),
            equation=(
                r"q_i = \psi^{T} \, \mathrm{ReLU}(\theta x_i + \mathrm{up}(\phi g)_i) + b_\psi, "
                r"\quad \alpha_i = \frac{q_i - \min q}{\sum_j (q_j - \min q)}, \quad "
                r"\hat{x} = \sum_i \alpha_i x_i"
            ),
            paper=PAPER,
        ),
    )
)
