"""Whether an image is of a kind that a network knows at all: scores, a threshold, how good it is.

A higher score speaks for the network's own domain. Rules: the maximum softmax probability
(Hendrycks & Gimpel 2017, arXiv:1610.02136), the maximum logit (Hendrycks et al. 2022,
arXiv:1911.11132), the energy (Liu et al. 2020, arXiv:2010.03759; here its negative, which is
log-sum-exp), the mass of the network's classes under one that knows 1000, and mass and energy
together: both are in nats, and each is weak where the other is strong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ml.calibration.temperature import HIGHEST, LOWEST, root

Scores = npt.NDArray[np.float64]
RESAMPLES = 2000
IMAGENET_MASS = "imagenet_mass"
MASS_AND_ENERGY = "imagenet_mass + energy"

RULES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "max_logit": lambda logits: logits.amax(1),
    "energy": lambda logits: logits.logsumexp(1),
    "max_softmax": lambda logits: logits.log_softmax(1).amax(1),
}
"""Rules that read the network's own logits (N, K) -> (N,); `max_softmax` as a logarithm."""


def all_scores(
    logits: Tensor, imagenet: Tensor | None = None, classes: Sequence[int] = ()
) -> dict[str, Scores]:
    """Return the scores (N,) of every rule.

    Args:
        logits: (N, K), calibrated: divided by the temperature.
        imagenet: (N, 1000), of the 1000-class network for the same images, if there is one.
        classes: Indices of the K classes among the 1000.
    """
    scores = {name: rule(logits.double()).numpy() for name, rule in RULES.items()}
    if imagenet is not None:
        scores[IMAGENET_MASS] = imagenet_mass(imagenet.double(), classes).numpy()
        scores[MASS_AND_ENERGY] = scores[IMAGENET_MASS] + scores["energy"]
    return scores


def imagenet_mass(logits: Tensor, classes: Sequence[int]) -> Tensor:
    """Return the log odds that an image is of one of `classes`, by a 1000-class network.

    Args:
        logits: (N, 1000).
        classes: Indices of the classes among the 1000.

    Returns:
        (N,); the log odds order images as the mass does, and do not saturate at 0 and 1.
    """
    inside = torch.zeros(logits.shape[1], dtype=torch.bool)
    inside[list(classes)] = True
    return logits[:, inside].logsumexp(1) - logits[:, ~inside].logsumexp(1)


def auroc(inside: Scores, outside: Scores) -> float:
    """Return how often an inside score is above an outside one; a tie counts half.

    This is the area under the ROC curve (Mann & Whitney 1947).
    """
    return float(_wins(inside, outside).mean())


def auroc_interval(
    inside: Scores, outside: Scores, groups: Sequence[object], seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile interval of `auroc` over bootstrap resamples.

    Args:
        inside: Scores of the network's own domain, (N,).
        outside: Scores of anything else, (M,).
        groups: What each outside score belongs to, M long: frames of a clip are drawn together.
        seed: Of the resampling.
    """
    rng = np.random.default_rng(seed)
    names = list(dict.fromkeys(groups))
    member = np.array([[g == name for g in groups] for name in names], dtype=np.float64)
    wins = _wins(inside, outside) @ member.T  # (N, groups)
    sizes = member.sum(1)
    drawn = rng.multinomial(len(inside), np.full(len(inside), 1 / len(inside)), RESAMPLES)
    taken = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), RESAMPLES)
    areas = ((drawn @ wins) * taken).sum(1) / (len(inside) * (taken @ sizes))
    low, high = np.quantile(areas, (0.025, 0.975))
    return float(low), float(high)


def threshold_at(inside: Scores, rate: float) -> float:
    """Return the score below which the share `rate` (0..1) of the inside scores lies."""
    return float(np.quantile(inside, rate))


def fit_scale(inside: Scores, outside: Scores, threshold: float) -> float:
    """Return the scale of a logistic curve through 0.5 at `threshold` that fits best.

    `sigmoid((score - threshold) / scale)` then is how likely an image is inside, if as many are
    inside as outside: both sides weigh the same, however many images they have.
    """
    signed = (torch.from_numpy(inside - threshold), torch.from_numpy(threshold - outside))

    def slope(inverse: float) -> float:
        return sum(float(-(d * torch.sigmoid(-d * inverse)).mean()) for d in signed)

    return 1 / root(slope, 1 / HIGHEST, 1 / LOWEST)


def _wins(inside: Scores, outside: Scores) -> npt.NDArray[np.float64]:
    difference = inside[:, None] - outside[None, :]
    return 0.5 + 0.5 * np.sign(difference)
