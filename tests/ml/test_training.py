"""Training learns, repeats itself bit for bit, keeps frozen blocks frozen, and can be stopped."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from ml import catalogue
from ml.errors import MlError
from ml.networks.types import Attended
from ml.train.config import TrainConfig
from ml.train.events import EpochEnd, Step, Validating
from ml.train.model_card import as_curve
from ml.train.tasks.photos import batch_size
from ml.train.tasks.photos.trainer import PhotoTrainer
from tests.support import networks as nets
from tests.support import toy_images as toys


def trainer(config: TrainConfig = toys.QUICK, count: int = 16, **options: Any) -> PhotoTrainer:
    """A trainer of a narrow network."""
    with nets.narrowed():
        return PhotoTrainer(config, toys.images(count), toys.images(8, seed=900), **options)


def numbers(run: PhotoTrainer) -> list[Any]:
    """Everything a run says, but for the clock."""
    return [
        (p.loss, p.accuracy, p.lr)
        if isinstance(p, Step)
        else (p.train_loss, p.train_accuracy, p.val_loss, p.val_accuracy, p.lr)
        for p in run.run()
        if not isinstance(p, Validating)
    ]


def same_weights(a: PhotoTrainer, b: PhotoTrainer) -> bool:
    pairs = zip(a.network.state_dict().values(), b.network.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


@pytest.mark.parametrize("mechanism", ["gated"])
def test_it_learns(mechanism: str) -> None:
    """New classes on a trained trunk: what the models that come along were made by, and for."""
    entry = catalogue.find("plain", catalogue.entries([]))
    config = replace(toys.QUICK, mechanism=mechanism, epochs=4, lr=3e-4, new_lr_factor=10)
    run = PhotoTrainer(
        config,
        toys.images(40),
        toys.images(24, seed=900),
        start=toys.starting_as(catalogue.build(entry)),
    )
    epochs = [p for p in run.run() if isinstance(p, EpochEnd)]
    assert [e.epoch for e in epochs] == [1, 2, 3, 4]
    assert epochs[-1].train_loss < 0.7 * epochs[0].train_loss
    assert epochs[-1].train_accuracy > 0.9
    assert epochs[-1].val_accuracy > 0.8
    assert epochs[-1].val_loss < math.log(2)


def test_the_figures_of_validation_are_right() -> None:
    run = trainer()
    found = toys.drained(run.evaluate(1))
    loss, accuracy = found.loss, found.accuracy
    labels = run.val.labels
    with torch.no_grad():
        pixels = run.val.images.float() / 255
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        logits = run.network.eval()((pixels - mean[:, None, None]) / std[:, None, None]).logits
    assert found.predicted.tolist() == logits.argmax(1).tolist()
    top = logits.softmax(1).amax(1)
    torch.testing.assert_close(torch.from_numpy(found.confidence).float(), top, atol=1e-3, rtol=0)
    assert accuracy == (logits.argmax(1) == labels).float().mean().item()
    assert loss == pytest.approx(F.cross_entropy(logits, labels).item(), abs=1e-4)


@pytest.mark.parametrize("mechanism", ["plain", "gated"])
def test_the_same_seed_gives_the_same_numbers(mechanism: str) -> None:
    config = replace(toys.QUICK, mechanism=mechanism, epochs=1)
    one, two, other = trainer(config), trainer(config), trainer(replace(config, seed=1))
    torch.rand(7)  # what the rest of the program draws does not matter
    assert numbers(one) == numbers(two) != numbers(other)
    assert same_weights(one, two)
    assert not same_weights(one, other)


def test_progress_is_told_step_by_step() -> None:
    told = list(trainer().run())
    assert [type(p).__name__ for p in told] == ["Step", "Step", "Validating", "EpochEnd"] * 2
    steps = [p for p in told if isinstance(p, Step)]
    assert [(s.epoch, s.step) for s in steps] == [(0, 1), (0, 2), (1, 3), (1, 4)]
    assert {s.steps for s in steps} == {4}
    assert 0 <= steps[-1].seconds_left < 60  # the last validation
    assert all(s.images_per_s > 0 and math.isfinite(s.loss) for s in steps)
    kept = [as_curve(p) for p in told if isinstance(p, EpochEnd)]
    assert all(set(k) >= {"epoch", "train_loss", "val_accuracy", "lr", "seconds"} for k in kept)


def test_the_schedule_warms_up_and_falls_as_a_cosine() -> None:
    run = trainer(replace(toys.QUICK, epochs=10, warmup=0.25))  # 20 steps, 5 of them warm-up
    assert run.steps == 20
    assert [run.scale(i) for i in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    expected = [(1 + math.cos(math.pi * i / 15)) / 2 for i in range(15)]
    assert [run.scale(5 + i) for i in range(15)] == pytest.approx(expected)
    assert 0 <= run.scale(19) < 0.02


def test_new_parts_learn_faster_and_norms_do_not_decay() -> None:
    run = trainer(replace(toys.QUICK, mechanism="cbam", lr=1e-3, new_lr_factor=7, weight_decay=0.3))
    next(run.run())
    rates = {}
    for group in run.optimiser.param_groups:
        rates |= {id(p): (group["lr"], group["weight_decay"]) for p in group["params"]}
    lr = 1e-3 * run.scale(0)
    for part, factor in ((run.network.features, 1), (run.network.mechanism, 7)):
        for parameter in part.parameters():
            assert rates[id(parameter)][0] == pytest.approx(lr * factor)
            assert rates[id(parameter)][1] == (0.3 if parameter.ndim > 1 else 0)


def test_frozen_blocks_stay_bit_identical_with_their_statistics() -> None:
    run = trainer(replace(toys.QUICK, frozen_blocks=6))
    before = {k: v.clone() for k, v in run.network.state_dict().items()}
    list(run.run())
    frozen = tuple(f"features.{i}." for i in range(6))
    for name, value in run.network.state_dict().items():
        if name.startswith(frozen):
            assert torch.equal(value, before[name]), name
    later = [k for k in before if k.startswith("features.") and not k.startswith(frozen)]
    moved = [k for k in later if not torch.equal(run.network.state_dict()[k], before[k])]
    assert moved == later


def test_smoothing_and_deep_supervision_are_in_the_loss() -> None:
    run = trainer(replace(toys.QUICK, label_smoothing=0.1))
    logits, vote = torch.randn(4, 2), torch.randn(4, 2)
    labels = torch.tensor([0, 1, 1, 0])

    def smoothed(x: torch.Tensor) -> torch.Tensor:
        target = torch.full((4, 2), 0.05).scatter(1, labels[:, None], 0.95)
        return -(target * x.log_softmax(1)).sum(1).mean()

    found = run.loss(Attended(logits, {}, ((0.1, vote), (0.3, vote))), labels)
    torch.testing.assert_close(found, smoothed(logits) + 0.4 * smoothed(vote))
    votes_alone = run.loss(Attended(logits, {}, ((1.0, vote),), loss_weight=0.0), labels)
    torch.testing.assert_close(votes_alone, smoothed(vote))


def test_it_can_be_stopped_at_any_step() -> None:
    run = trainer()
    progress = run.run()
    next(progress)
    next(progress)
    weights = {k: v.clone() for k, v in run.network.state_dict().items()}
    progress.close()
    assert list(progress) == []
    assert all(torch.equal(v, weights[k]) for k, v in run.network.state_dict().items())
    assert run.network.eval()(nets.pictures(1, 64)).logits.isfinite().all()


def test_starting_weights_are_used() -> None:
    weights = nets.lively("plain").state_dict()
    state = trainer(start=toys.starting_as(nets.lively("plain"))).network.state_dict()
    trunk = [name for name in weights if name.startswith("features")]
    assert all(torch.equal(state[name], weights[name]) for name in trunk)


@pytest.mark.parametrize("change", [{"epochs": 0}, {"batch_size": 1}, {"batch_size": -2}])
def test_a_run_without_a_step_gets_a_sentence(change: dict[str, int]) -> None:
    with pytest.raises(MlError, match=r"epoch|batch"):
        trainer(replace(toys.QUICK, **change))


@pytest.mark.parametrize(("count", "asked", "taken"), [(16, 17, 16), (16, 0, 2), (600, 0, 64)])
def test_a_batch_is_never_more_than_there_is(count: int, asked: int, taken: int) -> None:
    """And a batch that nobody chose leaves eight steps an epoch."""
    config = batch_size.with_batch_size(replace(toys.QUICK, batch_size=asked), count, "cpu")
    assert config.batch_size == taken
    assert count // taken >= (8 if not asked else 1)


def test_one_image_is_too_few() -> None:
    with pytest.raises(MlError, match="too few"):
        batch_size.with_batch_size(toys.QUICK, 1, "cpu")
