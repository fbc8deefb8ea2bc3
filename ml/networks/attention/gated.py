"""Attention gates driven by the pooled global vector (Schlemper et al. 2019, arXiv:1808.08114)."""

from __future__ import annotations

from ml.networks.attention.base import MECHANISMS, MechanismEntry
from ml.networks.attention.gating import (
    PAPER,
    UNGATED_WORDS,
    GatedClassifier,
    GateParameters,
)
from ml.networks.types import About

MECHANISMS.register("gated")(
    MechanismEntry(
        build=GatedClassifier,
        parameters=GateParameters,
        default_row=("gated", 2),
        about=About(
            title="Attention gates",
            mask_range="distribution",
            summary=(
                "A small additive gate scores how well every position fits the global vector of "
                "the whole image, which is pooled from the last layer. The gated features are "
                "summed over space, and the classifier sees only those sums. Every position is "
                "compared with the same vector: the gate cannot tell left from right except by "
                "the features there. " + UNGATED_WORDS
            ),
            equation=(
                r"q_i = \psi^{T} \, \mathrm{ReLU}(\theta x_i + \phi g) + b_\psi, \quad "
                r"\alpha_i = \frac{q_i - \min q}{\sum_j (q_j - \min q)}, \quad "
                r"\hat{x} = \sum_i \alpha_i x_i"
            ),
            paper=PAPER,
        ),
    )
)
