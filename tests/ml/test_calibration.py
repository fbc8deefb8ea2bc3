"""Temperatures, calibration errors, areas and thresholds with known answers; the record."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from ml.calibration.domain import (
    MASS_AND_ENERGY,
    RULES,
    all_scores,
    auroc,
    auroc_interval,
    fit_scale,
    imagenet_mass,
    threshold_at,
)
from ml.calibration.record import Calibration, calibrate, choose_rule
from ml.calibration.temperature import (
    cross_calibrated,
    expected_calibration_error,
    fit_temperature,
)


def sample(count: int = 4000, temperature: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels drawn from the softmax of random logits, which are then multiplied."""
    generator = torch.Generator().manual_seed(3)
    logits = 2 * torch.randn((count, 5), generator=generator)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    return logits * temperature, labels


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_temperature_that_logits_were_multiplied_by_is_found(temperature: float) -> None:
    logits, labels = sample(temperature=temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.06)


def test_no_other_temperature_has_a_lower_loss() -> None:
    logits, labels = sample(300, 2.5)
    best = fit_temperature(logits, labels)
    losses = [
        torch.nn.functional.cross_entropy(
            logits.double() / (best * factor), labels, label_smoothing=1 / 302
        ).item()
        for factor in (1.0, 0.99, 1.01)
    ]
    assert losses[0] == min(losses)


def test_a_few_right_answers_do_not_make_a_network_infinitely_sure() -> None:
    sure = [
        (100 * torch.eye(n) / fit_temperature(100 * torch.eye(n), torch.arange(n))).softmax(1)[0, 0]
        for n in (4, 40)
    ]
    assert 0.85 < sure[0] < 0.9  # the label's share after smoothing: 5/6 and a quarter of 1/6
    assert 0.97 < sure[1] < 0.98
    with pytest.raises(ValueError, match="at least one"):
        fit_temperature(torch.empty(0, 3), torch.empty(0, dtype=torch.long))


def test_the_error_is_the_gap_of_confidence_and_accuracy() -> None:
    even = torch.log(torch.tensor([[0.8, 0.2]])).repeat(10, 1)
    labels = torch.tensor([0] * 8 + [1] * 2)
    assert expected_calibration_error(even, labels) == pytest.approx(0, abs=1e-6)
    assert expected_calibration_error(even, torch.ones(10).long()) == pytest.approx(0.8)
    sure = torch.tensor([[100.0, 0.0]])
    assert expected_calibration_error(sure, torch.tensor([0])) == pytest.approx(0)


def test_bins_weigh_as_they_hold() -> None:
    probabilities = torch.tensor([[0.9, 0.1]] * 3 + [[0.6, 0.4]])
    labels = torch.tensor([0, 0, 0, 1])
    expected = 0.75 * 0.1 + 0.25 * 0.6
    assert expected_calibration_error(probabilities.log(), labels) == pytest.approx(expected)


def test_halves_are_scaled_by_one_another() -> None:
    logits, labels = sample(2000, 3.0)
    scaled = cross_calibrated(logits, labels, seed=1)
    before = expected_calibration_error(logits, labels)
    assert expected_calibration_error(scaled, labels) < before / 5
    assert torch.equal(scaled.argmax(1), logits.argmax(1))
    factors = (logits / scaled)[:, 0]
    assert len(factors.round(decimals=4).unique()) == 2
    assert torch.equal(scaled, cross_calibrated(logits, labels, seed=1))


def test_auroc_counts_pairs_and_half_of_ties() -> None:
    assert auroc(np.array([3.0, 4.0]), np.array([1.0, 2.0])) == 1
    assert auroc(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 0.5
    assert auroc(np.array([1.0, 3.0]), np.array([2.0])) == 0.5
    assert auroc(np.array([2.0]), np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx(1.5 / 4)


def test_an_interval_holds_the_area_and_grows_when_others_hang_together() -> None:
    rng = np.random.default_rng(0)
    inside = rng.normal(1.5, 1, 200)
    clips = np.repeat(rng.normal(0, 1, 20), 8)
    alone = auroc_interval(inside, clips, range(160))
    together = auroc_interval(inside, clips, [i // 8 for i in range(160)])
    area = auroc(inside, clips)
    assert alone[0] < area < alone[1]
    assert together[0] < area < together[1]
    assert together[1] - together[0] > 1.5 * (alone[1] - alone[0])


def test_a_threshold_leaves_the_share_below() -> None:
    scores = np.arange(1001.0)
    threshold = threshold_at(scores, 0.05)
    assert threshold == 50
    assert np.mean(scores < threshold) <= 0.05


def test_a_scale_is_that_of_the_curve_that_scores_were_drawn_from() -> None:
    rng = np.random.default_rng(5)
    scores = rng.uniform(-12, 12, 40_000)
    inside = rng.random(40_000) < 1 / (1 + np.exp(-scores / 2))
    assert fit_scale(scores[inside], scores[~inside], 0.0) == pytest.approx(2, rel=0.05)


def test_the_mass_is_the_odds_of_the_classes_together() -> None:
    logits = torch.log(torch.tensor([[0.2, 0.3, 0.4, 0.1]], dtype=torch.float64))
    assert imagenet_mass(logits, [0, 1]).exp().item() == pytest.approx(1.0)
    assert imagenet_mass(logits + 7, [3]).exp().item() == pytest.approx(0.1 / 0.9)


def test_rules_read_logits() -> None:
    logits = torch.tensor([[0.0, 0.0], [3.0, 0.0]])
    assert RULES["max_logit"](logits).tolist() == [0, 3]
    assert RULES["energy"](logits)[0].item() == pytest.approx(np.log(2))
    assert RULES["max_softmax"](logits)[0].item() == pytest.approx(np.log(0.5))


def test_mass_and_energy_add() -> None:
    logits = torch.tensor([[1.0, 2.0], [0.0, -1.0]])
    imagenet = torch.tensor([[5.0, 0.0, 0.0], [0.0, 0.0, 5.0]])
    scores = all_scores(logits, imagenet, [0, 1])
    expected = imagenet_mass(imagenet, [0, 1]) + logits.logsumexp(1)
    np.testing.assert_allclose(scores[MASS_AND_ENERGY], expected, rtol=1e-5)
    assert set(all_scores(logits)) == set(RULES)


def test_the_rule_with_the_largest_area_is_chosen_and_its_figures_hold() -> None:
    rng = np.random.default_rng(1)
    inside = {"poor": rng.normal(0, 1, 400), "good": rng.normal(4, 1, 400)}
    outside = {"poor": rng.normal(0, 1, 100), "good": rng.normal(0, 1, 100)}
    domain = choose_rule(inside, outside, range(100), "things", rate=0.02)
    assert domain.rule == "good"
    assert domain.auroc == pytest.approx(0.997, abs=0.005)
    assert domain.abstains_inside == pytest.approx(0.02, abs=0.003)
    assert domain.abstains_outside > 0.9
    assert domain.others == 100
    assert domain.in_domain(domain.threshold) == 0.5
    assert domain.in_domain(-1e9) == pytest.approx(0)
    assert domain.in_domain(1e9) == 1


def test_a_rule_that_may_be_chance_is_left_out() -> None:
    rng = np.random.default_rng(2)
    inside, outside = {"poor": rng.normal(0.1, 1, 60)}, {"poor": rng.normal(0, 1, 30)}
    assert choose_rule(inside, outside, range(30), "things") is None


def test_a_record_survives_a_card() -> None:
    logits, labels = sample(200)
    alone = calibrate(logits, labels, "toys", seed=4)
    assert (alone.count, alone.data, alone.seed, alone.domain) == (200, "toys", 4, None)
    domain = choose_rule({"r": np.arange(9.0)}, {"r": np.zeros(3)}, "abc", "others")
    for record in (alone, Calibration(0.5, 0.2, 0.01, 9, "toys", 0, domain)):
        card = json.loads(json.dumps({"calibration": record.as_dict()}))
        read = Calibration.of(card)
        assert read is not None
        assert read.as_dict() == card["calibration"]
        assert read.temperature == pytest.approx(record.temperature, abs=1e-6)
    assert read.domain is not None
    assert read.domain.auroc_interval == pytest.approx(domain.auroc_interval)
    assert Calibration.of({}) is None
