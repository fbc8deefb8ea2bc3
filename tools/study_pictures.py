"""Draw the study's kinds of photos, one of each, from the example photos, into static/scenes/.

Run `python -m tools.study_pictures`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ml.media.photo import load_rgb
from ml.study.scenes import SHARES, Photos
from ml.train.tasks.photos.data import Images

STATIC = Path(__file__).resolve().parent.parent / "static"
NAMES = ("church", "golf-ball", "parachute")
SIDE = 224


def main() -> None:
    """Draw the church as every kind of photo shows it, among the others."""
    squares = [load_rgb(STATIC / "examples" / f"{name}.jpg").resize((SIDE, SIDE)) for name in NAMES]
    pixels = np.stack([np.asarray(square) for square in squares]).transpose(0, 3, 1, 2)
    images = Images(torch.from_numpy(pixels.copy()), torch.arange(3), NAMES, NAMES, "examples")
    photos = Photos(images, seed=0)
    church = photos.order.tolist().index(0)
    scenes = [photos.ordinary(), photos.several(3), photos.pieces(3)]
    scenes += [photos.placed(name, 3) for name in SHARES]
    for scene in scenes:
        pictures, _ = scene.draw(church, church + 1)
        picture = Image.fromarray(pictures[0].permute(1, 2, 0).numpy().astype(np.uint8))
        path = STATIC / "scenes" / f"{scene.name}.webp"
        path.parent.mkdir(exist_ok=True)
        picture.save(path, quality=82, method=6)


if __name__ == "__main__":
    main()
