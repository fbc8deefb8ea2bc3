"""Write `static/colormaps.json`: the colour maps of the pages and the server.

Run `python tools/make_colormaps.py`; it needs matplotlib and cmcrameri. A test compares the
checked-in file with the output of this script.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
from cmcrameri import cm as crameri

TARGET = Path(__file__).resolve().parent.parent / "static" / "colormaps.json"
STEPS = 256
# (name, title, kind, library): all perceptually uniform; the middle of a diverging one is zero.
CHOICES = (
    ("inferno", "Inferno", "sequential", "matplotlib"),
    ("magma", "Magma", "sequential", "matplotlib"),
    ("viridis", "Viridis", "sequential", "matplotlib"),
    ("cividis", "Cividis", "sequential", "matplotlib"),
    ("batlow", "Batlow", "sequential", "cmcrameri"),
    ("grayC", "Grey", "sequential", "cmcrameri"),
    ("vik", "Vik", "diverging", "cmcrameri"),
    ("berlin", "Berlin", "diverging", "cmcrameri"),
    ("RdBu_r", "Red and blue", "diverging", "matplotlib"),
)


def table(name: str, library: str) -> np.ndarray:
    """Return the colours of one map: uint8 (256, 3)."""
    colormap = mpl.colormaps[name] if library == "matplotlib" else getattr(crameri, name)
    colours: np.ndarray = colormap(np.linspace(0.0, 1.0, STEPS))[:, :3]
    return np.round(colours * 255).astype(np.uint8)


def document() -> str:
    """Return the content of the file; `rgb` is the base64 of 256 RGB triples."""
    maps = {
        name: {
            "title": title,
            "kind": kind,
            "source": library,
            "rgb": base64.b64encode(table(name, library).tobytes()).decode(),
        }
        for name, title, kind, library in CHOICES
    }
    return json.dumps({"steps": STEPS, "maps": maps}, indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")
