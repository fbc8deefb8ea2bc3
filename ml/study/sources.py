"""Clips come in sources (a camera, an event): folds and intervals that keep each one whole.

Clips of one source look alike, so a source that is on both sides of a split flatters a model, and
an interval over single clips is too narrow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml.errors import MlError

Scores = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]
RESAMPLES = 2000
SOURCE = re.compile(r"src\d+")


def source_of(path: Path) -> str:
    """Return a clip's source, `srcNN` in its name; MlError if it names none."""
    found = SOURCE.search(path.stem)
    if found is None:
        raise MlError(f"{path.name} names no source. Expected srcNN in every clip's name.")
    return found[0]


def folds(sources: Sequence[str], count: int, seed: int = 0) -> Whole:
    """Return each clip's fold, 0 to `count - 1` (N,): sources whole, folds about equally large.

    Sources come in a random order, and each goes to the fold with the fewest clips so far.

    Raises:
        MlError: There are fewer sources than folds.
    """
    names, sizes = np.unique(sources, return_counts=True)
    if len(names) < count:
        raise MlError(f"{count} folds need as many sources; there are {len(names)}.")
    taken = np.zeros(count, np.int64)
    fold_of: dict[str, int] = {}
    for index in np.random.default_rng(seed).permutation(len(names)):
        fold = int(taken.argmin())
        fold_of[str(names[index])] = fold
        taken[fold] += sizes[index]
    return np.array([fold_of[name] for name in sources])


def figures(
    scores: Scores, labels: Bools, sources: Sequence[str], seed: int = 0
) -> dict[str, list[float]]:
    """Return value and 95 % interval of each figure, from a bootstrap that draws whole sources.

    Args:
        scores: (N,), above 0 where the answer is yes, of clips that the model was not trained on.
        labels: (N,), true for yes.
        sources: Each clip's source.
        seed: Of the resampling.

    Returns:
        `accuracy`, `balanced` (the mean of both classes' shares that are right), `auc`, and
        `gain` (accuracy less that of always saying yes to the same clips): value, low, high.
    """
    names = sorted(set(sources))
    member = np.array([[source == name for source in sources] for name in names])
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), RESAMPLES)
    values = _figures(scores, labels, member, np.vstack([np.ones(len(names), np.int64), drawn]))
    low, high = np.nanquantile(values[:, 1:], (0.025, 0.975), axis=1)
    known, rows = ("accuracy", "balanced", "auc", "gain"), zip(values[:, 0], low, high, strict=True)
    return {k: [round(float(v), 4) for v in row] for k, row in zip(known, rows, strict=True)}


def _figures(scores: Scores, labels: Bools, member: Bools, times: Whole) -> Scores:
    """Return the four figures (4, R) if sources are taken `times` (R, S); NaN without a class.

    member: (S, N), which clips are of each source.
    """
    right = (scores > 0) == labels
    yes, no, hits, rejections = (
        times @ (member & one).sum(1) for one in (labels, ~labels, labels & right, ~labels & right)
    )
    wins = 0.5 + 0.5 * np.sign(scores[labels][:, None] - scores[~labels][None, :])
    between = member[:, labels] @ wins @ member[:, ~labels].T  # (S, S)
    with np.errstate(invalid="ignore"):
        accuracy = (hits + rejections) / (yes + no)
        balanced = (hits / yes + rejections / no) / 2
        area = ((times @ between) * times).sum(1) / (yes * no)
        return np.array([accuracy, balanced, area, accuracy - yes / (yes + no)])
