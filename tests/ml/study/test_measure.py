"""What is measured on a network: with known answers, for every mechanism, and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ml.explain.interventions import edited_masks, even
from ml.explain.prepare import for_inference
from ml.explain.replay import recording, replay
from ml.localise import Boxed
from ml.networks.network import Network
from ml.networks.types import Stage
from ml.study import packing
from ml.study.deletion import deletion_insertion
from ml.study.measure import measure, measure_untrained
from ml.study.scenes import Photos
from ml.train.generators import result_of
from ml.train.tasks.photos.data import Images
from tests.ml.study import toy
from tests.support import networks as nets


@cache
def of_toy() -> Any:
    split, boxed = toy.photos()
    return result_of(measure(toy.network(), split, boxed, side=toy.SIDE))


def test_a_network_that_answers_from_its_mask_loses_everything_without_it() -> None:
    record = of_toy()["scenes"]["ordinary"]
    assert record["answers"]["accuracy"] == 1
    assert set(record["interventions"]["even"]) == {"late", "all"}
    for figures in record["interventions"]["even"].values():
        assert (figures["accuracy_before"], figures["accuracy"]) == (1, 0)
        assert figures["changed"] == 1
        assert figures["probability_change"] < -0.9
    assert record["interventions"]["another"]["all"]["changed"] > 0.3


def test_its_mask_points_at_the_patch_and_the_centre_does_not() -> None:
    pointing = of_toy()["scenes"]["boxed224"]["pointing"]
    assert pointing["attention"]["late"]["hit"] == 1
    assert pointing["attention"]["combined"]["small"] == 1
    _, boxed = toy.photos()
    inside = [x0 <= 0.5 <= x1 and y0 <= 0.5 <= y1 for ((x0, y0, x1, y1),) in boxed.boxes]
    centre = pointing["centre"]["image"]
    assert centre["hit"] == pytest.approx(np.mean(inside), abs=1e-5)
    assert packing.unpack_flags(centre["hits"], 60).tolist() == inside
    assert centre["small"] == pytest.approx(np.mean(inside[::3]), abs=1e-5)


def test_what_its_mask_deletes_first_decides() -> None:
    """Once the patch is grey, both classes are as likely; with a tenth of the pixels it is."""
    areas = of_toy()["deletion_insertion"]
    assert areas["map"]["deletion"]["mean"] == pytest.approx(0.5 + 0.5 / 20, abs=0.01)
    for blind in ("gaussian", "random"):
        assert areas[blind]["deletion"]["mean"] > areas["map"]["deletion"]["mean"] + 0.1
    values = packing.unpack_shares(areas["map"]["deletion"]["values"])
    assert len(values) == 50
    assert values.mean() == pytest.approx(areas["map"]["deletion"]["mean"], abs=1e-3)


def test_insertion_starts_from_the_blurred_photo() -> None:
    """Not from one that was normalised before it was blurred: pictures stay as they were."""
    split, _ = toy.photos(4)
    scene = Photos(split, 0, toy.SIDE).ordinary()
    pictures, boxes = scene.draw(0, 4)
    before = pictures.clone()
    shown = replace(scene, draw=lambda start, stop: (pictures, boxes))
    result_of(deletion_insertion(toy.network(), shown, 1.0, "cpu", 0))
    assert torch.equal(pictures, before)


def test_figures_can_be_made_again_from_single_photos() -> None:
    measures = of_toy()
    labels = packing.unpack_classes(measures["labels"])
    assert sorted(labels.tolist()) == [0] * 30 + [1] * 30
    for name, record in measures["scenes"].items():
        true = packing.unpack_classes(measures["boxed_labels"]) if name == "boxed224" else labels
        answers = record["answers"]
        true = true[: answers["count"]]
        predicted = packing.unpack_classes(answers["predicted"], true)
        assert (predicted == true).mean() == pytest.approx(answers["accuracy"], abs=1e-5)
        chances = packing.unpack_shares(answers["probability"])
        assert ((chances > 0.5) == (predicted == true)).mean() > 0.95
        figures = record["interventions"]["even"]["all"]
        changed = packing.unpack_classes(figures["predicted"], predicted)
        assert (changed != predicted).mean() == pytest.approx(figures["changed"], abs=1e-5)


def small(count: int = 4, side: int = 64) -> tuple[Images, Boxed]:
    pictures = (40 * nets.pictures(count, side) + 128).clamp(0, 255).to(torch.uint8)
    labels = torch.arange(count) % 4
    split = Images(pictures, labels, tuple(map(str, range(10))), (Path("a.png"),) * count)
    box = ((0.2, 0.2, 0.7, 0.6),)
    return split, Boxed(pictures, tuple(labels.tolist()), (box,) * count, labels < 2)


@pytest.mark.parametrize("name", ["plain", "residual"])  # without masks; with one per channel
def test_it_survives_json_and_leaves_the_network_alone(name: str) -> None:
    network, (split, boxed) = nets.lively(name), small()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    shares = []
    work = measure(network, split, boxed, side=64)
    while True:
        try:
            shares.append(next(work))
        except StopIteration as ended:
            measures = ended.value
            break
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] <= 1 + 1e-9
    assert json.loads(json.dumps(measures)) == measures
    masked = {scene: "interventions" in record for scene, record in measures["scenes"].items()}
    assert masked == dict.fromkeys(masked, name != "plain")
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())


def test_it_is_the_same_again() -> None:
    split, boxed = toy.photos()
    again = result_of(measure(toy.network(), split, boxed, side=toy.SIDE))
    assert again == of_toy()
    other = result_of(measure(toy.network(), split, boxed, side=toy.SIDE, seed=1))
    assert other["labels"] != again["labels"]
    assert other["scenes"]["ordinary"]["answers"]["accuracy"] == 1


def test_an_untrained_network_only_points() -> None:
    split, boxed = small()
    record = result_of(measure_untrained(nets.lively("gated-grid"), split, boxed, side=64))
    assert list(record) == ["boxed224", "placed50", "placed35"]
    for figures in record.values():
        assert list(figures) == ["pointing"]
        assert set(figures["pointing"]) == {"attention", "gradcam", "centre"}


def test_a_replay_is_what_the_network_answers_from_pixels(network: Network) -> None:
    fast, images = for_inference(network), nets.pictures(3, 64)
    with torch.inference_mode(), recording(fast) as seen:
        stages: tuple[Stage, ...] = tuple(fast(images).masks)
    for some in (*((s,) for s in stages), stages):
        if not some:
            continue

        def edit(stage: Stage, mask: torch.Tensor, some: Any = some) -> torch.Tensor:
            return even(mask) if stage in some else mask

        with torch.inference_mode(), edited_masks(fast, edit):
            expected = fast(images).logits
        torch.testing.assert_close(replay(fast, seen, some[0], edit), expected)
    assert not any(module._forward_hooks for module in fast.modules())
    assert not any(module._forward_pre_hooks for module in fast.modules())
