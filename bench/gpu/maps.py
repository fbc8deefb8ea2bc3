"""Maps of all models on the device and on the CPU: how far apart, as a share of their range."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.gpu.setup import Line, Result, Setup
from ml.catalogue import CatalogueEntry, entries, load
from ml.explain.explain import explain
from ml.explain.results import Track
from ml.explain.sample import sample_clip
from ml.media.photo import fitted, load_rgb
from ml.networks.video.types import Sampled
from ml.train.tasks.clips.data import list_clips
from ml.train.tasks.photos.data import list_folder

# Grad-CAM++ divides by a sum that crosses zero at layers with signed values: two CPUs differ.
METHODS = ("attention", "gradcam", "hirescam", "layercam")
EXAMPLES = Path(__file__).resolve().parents[2] / "static" / "examples"
PHOTOS = 8
GOAL = 1e-3


def measure(setup: Setup) -> Result:
    """Return for each model the largest and the median distance of its maps, and its answers."""
    photos = [] if setup.tiny else list_folder(setup.data / "imagenette160/val")[0].spread(PHOTOS)
    files = [EXAMPLES / "church.jpg", *(photos.files if photos else ())]
    size = 96 if setup.tiny else 224
    seen = {"image": [Sampled.of_photo(fitted(load_rgb(p), size, "shape")) for p in files]}
    seen["clip"] = [sample_clip(path, size=size) for path in _clips(setup)]
    return {entry.id: _apart(entry, seen[entry.kind], setup) for entry in _models(setup)}


def _models(setup: Setup) -> list[CatalogueEntry]:
    every = entries()
    if not setup.tiny:
        return every
    return [next(e for e in every if e.id == "l2pa"), next(e for e in every if e.kind == "clip")]


def _clips(setup: Setup) -> list[Path]:
    folder = setup.data / "clips_fight" / "val"
    if setup.tiny or not folder.is_dir():
        return [EXAMPLES / "camera.mp4"]
    return [EXAMPLES / "camera.mp4", *list_clips(folder)[0].files]


def _apart(entry: CatalogueEntry, seen: list[Sampled], setup: Setup) -> Result:
    here, there = load(entry), load(entry, setup.device)
    distances: list[float] = []
    changed = 0
    for sampled in seen:
        mine = explain(here, sampled, methods=METHODS)
        other = explain(there, sampled, target=mine.target_index, methods=METHODS)
        changed += int(mine.logits.argmax() != other.logits.argmax())
        distances += apart(mine.tracks, other.tracks)
    return {
        "kind": entry.kind,
        "maps": len(distances),
        "largest": max(distances),
        "median": float(np.median(distances)),
        "above": sum(d > GOAL for d in distances),
        "answers_changed": changed,
    }


def apart(mine: tuple[Track, ...], other: tuple[Track, ...]) -> Iterator[float]:
    """Yield the largest difference of each pair of tracks, as a share of the first's range."""
    for a, b in zip(mine, other, strict=True):
        assert (a.stream, a.stage, a.method) == (b.stream, b.stage, b.method)
        span = float(np.ptp(a.values)) or 1.0
        yield float(np.abs(a.values - b.values).max()) / span


def lines(result: Result) -> Iterator[Line]:
    """Yield a line for photos and one for clips."""
    for kind, what in (("image", "photo models"), ("clip", "clip models")):
        models = {name: r for name, r in result.items() if r["kind"] == kind}
        if not models:
            continue
        worst = max(models, key=lambda name: models[name]["largest"])
        count, above = (sum(r[key] for r in models.values()) for key in ("maps", "above"))
        changed = sum(r["answers_changed"] for r in models.values())
        yield Line(
            f"Maps of {len(models)} {what} against the CPU's, float32",
            f"largest difference {models[worst]['largest']:.1e} of a map's range ({worst}), "
            f"{above} of {count} maps above {GOAL:g}; {changed} answers differ",
            f"at most {GOAL:g}, the same answers",
            models[worst]["largest"] <= GOAL and not changed,
        )
