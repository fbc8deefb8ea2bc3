"""What an answer would be with other masks, beside every learnt mask of a photo."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ml.explain.effects import ALL, EDITS, Effect
from ml.explain.explain import explain
from ml.explain.interventions import edited_masks
from ml.explain.prepare import for_inference
from ml.explain.results import Explanation, LoadedModel
from ml.networks.network import Network
from ml.networks.types import STAGES
from ml.networks.video.types import Sampled
from ml.networks.weights import normalise
from tests.ml.study import toy
from tests.support import networks as nets

CLASSES = tuple("abcdefghij")


def explained(network: Network, picture: torch.Tensor, **asked: object) -> Explanation:
    """Explain a picture (3, H, W) in 0..255."""
    photo = Sampled.of_photo(picture.permute(1, 2, 0).numpy().astype(np.uint8))
    with torch.inference_mode():
        count = network(normalise(picture[None].float())).logits.shape[1]
    return explain(LoadedModel("own", network, CLASSES[:count]), photo, **asked)  # type: ignore[arg-type]


def photo(side: int = 64) -> torch.Tensor:
    return torch.randint(0, 256, (3, side, side), generator=torch.Generator().manual_seed(3))


def test_effects_are_those_of_the_whole_network_with_other_masks(network: Network) -> None:
    """The short way, from the first replaced mask on, gives what a pass from the pixels gives."""
    fast, picture = for_inference(network), photo()
    result = explained(fast, picture)
    tracks = {t.stage: t for t in result.tracks if t.method == "attention"}
    own, images = torch.from_numpy(result.probabilities), normalise(picture[None].float())
    for stage, track in tracks.items():
        assert track.effects is not None
        for name, edit in EDITS.items():
            with (
                torch.inference_mode(),
                edited_masks(fast, lambda s, m: edit(m) if stage in (s, ALL) else m),  # noqa: B023
            ):
                expected = fast(images).logits[0].softmax(0)
            effect: Effect = getattr(track.effects, name)
            change = float(expected[result.target_index] - own[result.target_index])
            assert effect.probability_change == pytest.approx(change, abs=1e-5)
            assert effect.answer_changed == (int(expected.argmax()) != int(own.argmax()))
    assert set(tracks) == ({*STAGES, ALL} if tracks else set())
    assert all(t.effects is None for t in result.tracks if t.method != "attention")


def test_a_mask_that_decides_says_so() -> None:
    """The toy answers from its mask alone; its even mask sees the rest, which says the opposite."""
    split, _ = toy.photos(1)
    result = explained(toy.network(), split.images[0])
    (late, combined) = (t for t in result.tracks if t.method == "attention")
    for track in (late, combined):
        assert track.effects is not None
        assert track.effects.if_even.answer_changed
        assert track.effects.if_even.probability_change < -0.5


def test_the_change_is_of_the_class_that_was_asked_for() -> None:
    network = for_inference(nets.lively("l2pa"))
    other = explained(network, photo(), target=1)
    track = next(t for t in other.tracks if t.method == "attention" and t.stage == ALL)
    mine = next(t for t in explained(network, photo()).tracks if t.stage == ALL)
    assert other.target_index == 1
    assert track.effects is not None
    assert mine.effects is not None
    assert track.effects.if_even.answer_changed == mine.effects.if_even.answer_changed
