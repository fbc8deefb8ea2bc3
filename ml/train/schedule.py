"""The learning rate over a run, as a share of its peak: a function of the step alone."""

from __future__ import annotations

import math

FIRST, LAST = 1 / 25, 1 / 250_000  # of one cycle, as torch.optim.lr_scheduler.OneCycleLR has them


def share(schedule: str, step: int, steps: int, warmup: float) -> float:
    """Share of the peak rate at `step` of `steps`, counted from 0; `warmup` is a share of steps.

    cosine, linear, constant: linear warm-up, then to zero along that curve, or constant.
    onecycle: cosines from 1/25 up to 1 and down to almost nothing (Smith and Topin 2017,
    arXiv:1708.07120, with cosines as in fastai).
    """
    warm = max(1, round(steps * warmup))
    if schedule == "onecycle":
        return _one_cycle(step, steps, warm)
    if step < warm:
        return (step + 1) / warm
    if schedule == "constant":
        return 1.0
    done = (step - warm) / max(1, steps - warm)
    return 1 - done if schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))


def _one_cycle(step: int, steps: int, warm: int) -> float:
    if step < warm:
        return _between(FIRST, 1.0, step / warm)
    return _between(1.0, LAST, (step - warm) / max(1, steps - 1 - warm))


def _between(start: float, end: float, done: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
