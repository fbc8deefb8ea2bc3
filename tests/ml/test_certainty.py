"""Calibrated probabilities, and models that abstain from what they do not know."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from ml.calibration.domain import MASS_AND_ENERGY
from ml.calibration.record import Calibration, Domain
from ml.catalogue import IMAGENET_ID, entries, find
from ml.explain.certainty import ImageNet, certainty
from ml.explain.explain import explain
from ml.explain.results import LoadedModel
from ml.networks.network import NetworkSpec, build_network
from ml.networks.video.types import Sampled
from ml.networks.weights import imagenet_classes
from tests.support import networks as nets

CLASSES = ("tench", "church", "golf ball")
LOGITS = torch.tensor([2.0, -1.0, 0.5])
ENERGY = float((LOGITS / 0.5).logsumexp(0))


def model(
    rule: str = "", threshold: float = 0.0, classes: tuple[str, ...] = CLASSES
) -> LoadedModel:
    domain = Domain(rule, threshold, scale=1.0) if rule else None
    record = Calibration(0.5, 0.1, 0.01, 100, "toys", 0, domain)
    return LoadedModel("plain", nets.lively("plain"), classes, calibration=record)


def sampled(side: int = 96) -> Sampled:
    rng = np.random.default_rng(0)
    return Sampled.of_photo(rng.integers(0, 256, (side, side, 3), np.uint8))


def test_probabilities_are_those_of_the_logits_over_the_temperature() -> None:
    classes = tuple(f"Class {i}" for i in range(10))
    raw = explain(replace(model(classes=classes), calibration=None), sampled(), methods=())
    calibrated = explain(model(classes=classes), sampled(), methods=())
    assert np.array_equal(raw.logits, calibrated.logits)
    expected = torch.from_numpy(raw.logits / 0.5).softmax(0)
    np.testing.assert_allclose(calibrated.probabilities, expected, rtol=1e-5)
    assert not np.allclose(raw.probabilities, calibrated.probabilities, atol=0.01)
    assert (raw.temperature, calibrated.temperature) == (1.0, 0.5)
    assert (raw.in_domain, raw.abstained) == (None, False)


@pytest.mark.parametrize(("above", "abstains"), [(0.01, True), (-0.01, False)])
def test_a_model_abstains_below_its_threshold(above: float, abstains: bool) -> None:
    sure = certainty(model("energy", ENERGY + above), LOGITS)
    assert sure.abstained is abstains
    assert sure.in_domain == pytest.approx(1 / (1 + math.exp(above)), abs=1e-6)


@pytest.mark.parametrize(("probability", "abstains"), [(0.29, True), (0.31, False)])
def test_the_1000_class_network_abstains_below_thirty_percent(
    probability: float, abstains: bool
) -> None:
    shares = torch.full((1000,), (1 - probability) / 999)
    shares[7] = probability
    shipped = Calibration.of(find(IMAGENET_ID, entries()).about)
    assert shipped is not None
    sure = certainty(replace(model(), calibration=shipped), shares.log() * shipped.temperature)
    assert sure.probabilities[7].item() == pytest.approx(probability, abs=1e-4)
    assert sure.abstained is abstains


def test_the_1000_class_network_is_asked_at_most_once() -> None:
    network = build_network(NetworkSpec(num_classes=1000, backbone=nets.NARROW)).eval()
    asked: list[str] = []

    def find() -> LoadedModel:
        asked.append(IMAGENET_ID)
        return LoadedModel(IMAGENET_ID, network, imagenet_classes())

    thousand = ImageNet(IMAGENET_ID, find, sampled())
    assert certainty(model("energy", 0.0), LOGITS, thousand).in_domain is not None
    assert (
        certainty(model(MASS_AND_ENERGY, 0.0, ("a", "b", "c")), LOGITS, thousand).in_domain is None
    )
    assert asked == []  # by no rule, or for classes that it does not have
    mine = [certainty(model(MASS_AND_ENERGY), LOGITS, thousand).in_domain for _ in range(3)]
    assert asked == [IMAGENET_ID]
    again = ImageNet(IMAGENET_ID, find, sampled())
    row = explain(LoadedModel(IMAGENET_ID, network, imagenet_classes()), sampled(), imagenet=again)
    np.testing.assert_allclose(row.logits, thousand.logits(), rtol=1e-4, atol=1e-4)
    assert certainty(model(MASS_AND_ENERGY), LOGITS, again).in_domain == pytest.approx(mine[0])
    assert asked == [IMAGENET_ID]  # its own row was enough


def test_the_mass_of_the_classes_decides() -> None:
    for index, abstains in ((imagenet_classes().index("church"), False), (0, False), (1, True)):
        logits = torch.zeros(1000)
        logits[index] = 20
        thousand = ImageNet(IMAGENET_ID, lambda: None, sampled())
        thousand.note(replace(model(), id=IMAGENET_ID), logits)
        assert certainty(model(MASS_AND_ENERGY, ENERGY), LOGITS, thousand).abstained is abstains


def test_without_the_1000_class_network_nobody_abstains() -> None:
    thousand = ImageNet(IMAGENET_ID, lambda: None, sampled())
    for given in (thousand, None):
        sure = certainty(model(MASS_AND_ENERGY, 1e6), LOGITS, given)
        assert (sure.in_domain, sure.abstained) == (None, False)
