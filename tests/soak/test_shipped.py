"""The shipped models on all validation images and all boxes, model by model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.support import shipped_clips as clips
from tests.support import shipped_models as shipped

PARTS = 12  # of the validation images, one a round


def test_shipped_models_reach_their_published_figures(
    data_dir: Path, rounds: Iterator[int]
) -> None:
    """Seventy-two rounds cover every model on every image."""
    boxed = shipped.objects(data_dir)
    for seed in rounds:
        model_id = shipped.SIX[seed % 6]
        print(model_id)
        shipped.check_accuracy(model_id, *shipped.validation(data_dir, seed // 6 % PARTS, PARTS))
        first = seed // 6 % 5
        shipped.check_gradcam(model_id, shipped.some(boxed, range(first, 250, 5)))
        if model_id != "plain":
            masks = shipped.masks_of(model_id, boxed)
            shipped.check_places(model_id, masks, boxed)
            shipped.check_masks_are_learnt(masks, boxed)
            shipped.check_combined(masks, boxed, beyond=0.15, share=0.65)


def test_shipped_clip_models_read_motion(data_dir: Path, rounds: Iterator[int]) -> None:
    """Fifteen clips of every movement and sixteen of fights, different in every round."""
    for seed in rounds:
        seen = clips.seen(data_dir, 135, seed=99 + seed)
        clips.check_motion_is_read(seen, motion=0.95, look=0.80, both=0.78)
        clips.check_appearance_says_nothing_of_motion(seen)
        scores, labels = clips.fights(data_dir, range((1 + seed) % 4, 64, 4))
        assert (scores.argmax(1) == labels).float().mean() > 0.6
        assert scores[labels == 0, 0].mean() > scores[labels == 1, 0].mean()
