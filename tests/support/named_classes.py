"""Models whose classes are called as words and numbers that mean something else."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from app.db.engine import make_engine, make_sessions
from app.storage.blobs import LocalBlobs
from ml import checkpoint as checkpoints
from ml.catalogue import CatalogueEntry
from ml.networks.network import NetworkSpec, build_network
from tests.support import clip_models as clips
from tests.support.encoding import encode
from tests.support.server_settings import settings_of

CLASSES = ("0", "1", "10", "2", "top")  # sorted, as a dataset's folders are: index 2 is "10"


def of_photos(folder: Path, name: str, classes: tuple[str, ...] = CLASSES) -> CatalogueEntry:
    """Store a gated model of photos with random weights, as `train` does."""
    torch.manual_seed(3)
    spec = NetworkSpec("gated", num_classes=len(classes))
    about = {
        "mechanism": "gated",
        "parameters": {},
        "stages": ["early", "medium", "late"],
        "backbone": "mobilenet_v2",
        "classes": list(classes),
        "input_size": 96,
    }
    stored = checkpoints.save(build_network(spec), folder / f"{name}.safetensors", about)
    return CatalogueEntry.of(stored, name, position=400, title=name.capitalize())


def of_clips(folder: Path, name: str, classes: tuple[str, ...] = CLASSES) -> CatalogueEntry:
    """Store a gated model of clips with random weights."""
    return clips.checkpoint(folder, name, "gated", "two_stream", classes)


def publish(address: str, entry: CatalogueEntry) -> str:
    """Publish a model at the server at this address."""
    settings = settings_of(address)
    engine = make_engine(settings)
    try:
        place = SimpleNamespace(sessions=make_sessions(engine), blobs=LocalBlobs(settings.blob_dir))
        return clips.put(place, entry)
    finally:
        engine.dispose()


def photo(folder: Path) -> Path:
    """Write a photo of coarse squares."""
    coarse = np.random.default_rng(5).integers(0, 255, (6, 8, 3), np.uint8)
    path = folder / "squares.png"
    path.write_bytes(encode(coarse.repeat(24, 0).repeat(24, 1), "PNG"))
    return path
