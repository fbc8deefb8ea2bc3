"""Photos that are not square: every map has the photo's shape, and lies the right way round."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ml.explain import methods
from ml.explain.combine import upsample
from ml.explain.explain import explain
from ml.explain.maps import explain_images
from ml.media.photo import fitted, load_rgb
from ml.networks.network import Network
from ml.networks.types import STAGES
from ml.networks.video.types import Sampled
from tests.support import networks as nets
from tests.support import shipped_models as shipped

BALL = Path(__file__).parents[2] / "static" / "examples" / "golf-ball.jpg"
EVERYTHING = ("attention", *methods.names("gradients"))


@pytest.mark.parametrize("shape", [(160, 224), (224, 150), (96, 33)])
def test_maps_of_every_mechanism_have_the_photos_shape(
    network: Network, shape: tuple[int, int]
) -> None:
    height, width = shape
    images = nets.pictures(2, 224)[..., :height, :width]
    found = explain_images(network, images, [1, None], EVERYTHING)
    grids = {s: (-(-height // n), -(-width // n)) for s, n in zip(STAGES, (8, 16, 32), strict=True)}
    for method, stages in found.maps.items():
        assert set(stages) == {*STAGES} | (
            {"combined"} if method != "attention-channels" else set()
        )
        for stage, maps in stages.items():
            assert tuple(maps.shape[-2:]) == {**grids, "combined": shape}[stage], (method, stage)
            assert maps.isfinite().all()
    if network.mechanism.mask_unit == "share":
        for stage in STAGES:
            sums = found.maps["attention"][stage].sum((1, 2))
            torch.testing.assert_close(sums, torch.ones(2))


@pytest.mark.parametrize("model_id", shipped.SIX)
def test_an_object_in_a_corner_is_found_there(model_id: str) -> None:
    """A golf ball in one corner of a photo of 2 by 1, or of 1 by 2, that is otherwise lawn."""
    ball = load_rgb(BALL)
    for width, height, left, top in ((800, 400, 0, 200), (400, 800, 200, 0)):
        lawn = ball.crop((0, 0, ball.width, ball.height // 8)).resize((width, height))
        lawn.paste(ball.resize((200, 200)), (left, top))
        seen = fitted(lawn, 224, "shape")
        result = explain(shipped.model(model_id), Sampled.of_photo(seen), target="golf ball")
        late = {t.method: t.values[0] for t in result.tracks if t.stage == "late"}
        for method, values in late.items():
            if method != "attention-channels":
                assert peak_is_in(values, (left, top, 200, 200), (width, height)), method


def peak_is_in(values: np.ndarray, box: tuple[int, int, int, int], size: tuple[int, int]) -> bool:
    """Whether a map over a photo of this size (w, h) is highest in this box of it."""
    width, height = size
    whole = upsample(torch.from_numpy(values)[None], (height, width))[0]
    y, x = divmod(int(whole.argmax()), width)
    left, top, wide, high = box
    return left <= x < left + wide and top <= y < top + high
