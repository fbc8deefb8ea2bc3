"""Write what the home page shows: a photo lit by the maps of a shipped model.

Run `python -m tools.home_picture`; it needs the checkpoints. `static/home.json` has the model's
answer and its maps as it gives them, which `static/js/home/ball.js` draws; `static/home-dark.webp`
and `home-paper.webp` are the first of these pictures, shown before a script runs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ml.catalogue import entries, find, load
from ml.explain.explain import explain
from ml.media.photo import fitted, load_rgb
from ml.networks.video.types import Sampled

STATIC = Path(__file__).resolve().parent.parent / "static"
PHOTO = STATIC / "examples" / "golf-ball.jpg"
MODEL = "gated"
METHODS = ("attention", "gradcam")
STAGES = ("early", "medium", "late")
FIRST = ("attention", "late")
SIZE = (1040, 780)
GREY = np.array([0.299, 0.587, 0.114], np.float32)


def main() -> None:
    """Explain the photo; write the numbers and the two pictures."""
    found = document()
    text = json.dumps(found, separators=(",", ":")) + "\n"
    (STATIC / "home.json").write_text(text, encoding="utf-8")
    photo = np.asarray(load_rgb(PHOTO).resize(SIZE, Image.Resampling.LANCZOS), np.float32) / 255
    first = next(one for one in found["maps"] if (one["method"], one["stage"]) == FIRST)
    light = spotlight(np.array(first["values"], np.float32).reshape(first["shape"]))
    for name, dark in (("home-dark", True), ("home-paper", False)):
        pixels = np.rint(lit(photo, light, dark=dark) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(STATIC / f"{name}.webp", quality=82, method=6)


def document() -> dict[str, Any]:
    """Return the model's answer and maps: values row by row, to four significant digits."""
    entry = find(MODEL, entries())
    result = explain(load(entry), Sampled.of_photo(fitted(load_rgb(PHOTO), 224, "shape")))
    tracks = {(track.method, track.stage): track for track in result.tracks}
    maps = [
        {
            "method": method,
            "stage": stage,
            "unit": tracks[method, stage].unit,
            "shape": list(tracks[method, stage].values.shape[1:]),
            "values": [float(f"{v:.4g}") for v in tracks[method, stage].values[0].ravel().tolist()],
        }
        for method in METHODS
        for stage in STAGES
    ]
    return {
        "model": MODEL,
        "title": entry.title,
        "answer": result.classes[result.target_index],
        "probability": float(f"{result.probabilities[result.target_index]:.4g}"),
        "maps": maps,
    }


def spotlight(shares: np.ndarray) -> np.ndarray:
    """Return the light of a mask that sums to 1: an even mask's level is dark, its maximum full."""
    even = 1 / shares.size
    smooth = np.asarray(Image.fromarray(shares).resize(SIZE, Image.Resampling.BILINEAR))
    return np.clip((smooth - even) / (float(shares.max()) - even), 0, 1)[..., None] ** 0.8


def lit(photo: np.ndarray, light: np.ndarray, *, dark: bool) -> np.ndarray:
    """Return the photo with colour, and on dark ground brightness, where there is light."""
    grey = (photo @ GREY)[..., None]
    mixed = grey + (photo - grey) * light
    if dark:
        return np.clip(mixed * (0.28 + 0.82 * light), 0, 1)
    return mixed * light + (0.35 * grey + 0.6) * (1 - light)


if __name__ == "__main__":
    main()
