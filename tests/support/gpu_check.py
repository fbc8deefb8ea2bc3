"""The check of a GPU, tried on the CPU with a few images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from bench.gpu import page, parts
from bench.gpu.__main__ import main
from bench.gpu.setup import Line, Result


def packed(folder: Path) -> Path:
    """The check's own file, of a folder with a few images of two classes."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 6)):
        for number in range(count):
            path = folder / f"imagenette160/{split}/{'ab'[number % 2]}/{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 255, (80, 80, 3), np.uint8)).save(path)
    assert main(["pack", str(folder), str(folder / "pack.tar")]) == 0
    return folder / "pack.tar"


def run(part: str, pack: Path, results: Path) -> tuple[Result, list[Line]]:
    """Run one part; its lines stand in the section that is made of them."""
    words = ["check", str(pack), "--device", "cpu", "--tiny", "--parts", part]
    main([*words, "--results", str(results)])
    found = json.loads(results.read_text())
    assert "failed" not in found["parts"][part], found["parts"][part]
    lines = parts.lines(found["parts"])
    section = page.section(found)
    assert lines
    assert all(line.what in section and line.measured in section for line in lines)
    return found["parts"][part], lines
