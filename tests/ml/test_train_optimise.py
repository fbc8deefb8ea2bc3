"""Each optimiser and schedule does what it says, by its formula."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from ml.train.schedule import share
from ml.train.tasks.photos.trainer import PhotoTrainer
from tests.support import toy_images as toys

pytestmark = pytest.mark.usefixtures("narrow")


def three_steps(**change: float | str) -> list[tuple[float, torch.Tensor, torch.Tensor]]:
    """(rate, gradient, weights before) of one convolution in each of three steps, then the end."""
    config = replace(toys.QUICK, schedule="constant", warmup=0.0, weight_decay=0.1, **change)
    run = PhotoTrainer(config, toys.images(24), toys.images(8))
    weight = run.network.features[0][0].weight
    seen = []
    run.set_train_mode()
    batches = run.frozen_features.train_batches(run.train, 0, 0, run.device)
    for number, (features, labels) in enumerate(batches):
        before = weight.detach().clone()
        run.step(features, labels, number)
        seen.append((config.lr, weight.grad.clone(), before))
    return [*seen, (0.0, torch.zeros(()), weight.detach().clone())]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_is_nesterov_momentum_with_decay(momentum: float) -> None:
    seen = three_steps(optimiser="sgd", momentum=momentum, lr=0.05)
    buffer = torch.zeros_like(seen[0][1])
    for (lr, gradient, before), (_, _, after) in itertools.pairwise(seen):
        pull = gradient + 0.1 * before
        buffer = momentum * buffer + pull
        expected = before - lr * (pull + momentum * buffer)
        torch.testing.assert_close(after, expected, atol=1e-6, rtol=1e-5)


def test_adamw_is_adam_with_decoupled_decay() -> None:
    seen = three_steps(lr=1e-3)
    first, second = torch.zeros_like(seen[0][1]), torch.zeros_like(seen[0][1])
    for number, ((lr, gradient, before), (_, _, after)) in enumerate(itertools.pairwise(seen), 1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        mean, spread = first / (1 - 0.9**number), second / (1 - 0.999**number)
        expected = before * (1 - lr * 0.1) - lr * mean / (spread.sqrt() + 1e-8)
        torch.testing.assert_close(after, expected, atol=1e-6, rtol=1e-5)


def rates(schedule: str, steps: int = 40, warmup: float = 0.25) -> list[float]:
    return [share(schedule, i, steps, warmup) for i in range(steps)]


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
def test_after_a_linear_warm_up_it_goes_as_its_name_says(schedule: str) -> None:
    found = rates(schedule)
    assert found[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    done = [i / 30 for i in range(30)]
    expected = {
        "cosine": [(1 + math.cos(math.pi * d)) / 2 for d in done],
        "linear": [1 - d for d in done],
        "constant": [1.0] * 30,
    }
    assert found[10:] == pytest.approx(expected[schedule])


@pytest.mark.parametrize("warmup", [0.25, 0.4])
def test_one_cycle_is_that_of_torch(warmup: float) -> None:
    steps = 40
    optimiser = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    torchs = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 1.0, total_steps=steps, pct_start=(steps * warmup + 1) / steps
    )
    expected = []
    for _ in range(steps):
        expected.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if len(expected) < steps:
            torchs.step()
    assert rates("onecycle", steps, warmup) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant", "onecycle"])
@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.0), (1, 1.0), (2, 0.5), (7, 0.0), (7, 1.0)])
def test_rates_stay_between_zero_and_the_peak(schedule: str, steps: int, warmup: float) -> None:
    assert all(0 <= rate <= 1 for rate in rates(schedule, steps, warmup))
    assert max(rates(schedule, steps, warmup)) > 0
