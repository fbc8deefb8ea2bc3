"""Write `static/home.webp`: maps of an example photo, for the home page.

Run `python -m tools.home_picture`; it needs the checkpoints. Columns are `STAGES`, rows are `ROWS`;
their labels are in `templates/_picture.html.jinja`.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
from PIL import Image

from ml.catalogue import entries, find, load
from ml.explain.explain import explain
from ml.media.photo import load_rgb, squash
from ml.networks.video.types import Sampled

STATIC = Path(__file__).resolve().parent.parent / "static"
PHOTO = STATIC / "examples" / "golf-ball.jpg"
ROWS = (
    ("l2pa", "attention"),
    ("l2pa", "gradcam"),
    ("gated", "attention"),
    ("gated", "gradcam"),
)
STAGES = ("early", "medium", "late", "combined")
CELL = (260, 195)
GAP = 4
OPACITY = 0.65


def main() -> None:
    """Explain the photo and write the picture."""
    photo = load_rgb(PHOTO)
    grey = np.asarray(photo.resize(CELL).convert("L").convert("RGB"), np.float32)
    colours = colormap("inferno")
    catalogue = entries()
    results = {
        name: explain(load(find(name, catalogue)), Sampled.of_photo(squash(photo, 224)))
        for name in {model for model, _ in ROWS}
    }
    width = len(STAGES) * (CELL[0] + GAP) - GAP
    sheet = Image.new("RGBA", (width, len(ROWS) * (CELL[1] + GAP) - GAP))
    for row, (model, method) in enumerate(ROWS):
        maps = {t.stage: t.values[0] for t in results[model].tracks if t.method == method}
        for column, stage in enumerate(STAGES):
            cell = draw(maps[stage], grey, colours, evidence=method == "gradcam")
            sheet.paste(cell, (column * (CELL[0] + GAP), row * (CELL[1] + GAP)))
    sheet.save(STATIC / "home.webp", quality=84, method=6)


def colormap(name: str) -> np.ndarray:
    """Return one of the page's colour maps: uint8 (256, 3)."""
    document = json.loads((STATIC / "colormaps.json").read_text(encoding="utf-8"))
    return np.frombuffer(base64.b64decode(document["maps"][name]["rgb"]), np.uint8).reshape(-1, 3)


def draw(
    values: np.ndarray, grey: np.ndarray, colours: np.ndarray, *, evidence: bool
) -> Image.Image:
    """Blend a map over the grey photo, as the page does with its default settings."""
    smooth = np.asarray(Image.fromarray(values).resize(CELL, Image.Resampling.BILINEAR))
    low = 0.0 if evidence else float(values.min())
    scaled = (smooth - low) / max(float(values.max()) - low, 1e-12)
    coloured = colours[np.clip(np.rint(scaled * 255), 0, 255).astype(np.uint8)]
    return Image.fromarray((grey * (1 - OPACITY) + coloured * OPACITY).astype(np.uint8))


if __name__ == "__main__":
    main()
