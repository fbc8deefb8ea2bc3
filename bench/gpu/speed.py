"""How long the table of a photo takes; images classified, and explained, in a second."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from bench.gpu.maps import EXAMPLES
from bench.gpu.setup import Line, Result, Setup
from ml.catalogue import entries, load
from ml.explain.explain import explain
from ml.explain.maps import explain_images
from ml.media.photo import fitted, load_rgb
from ml.networks.network import Network
from ml.networks.video.types import Sampled
from ml.networks.weights import normalise

BATCHES = (1, 16, 64)
TYPES = {"float32": None, "bfloat16": torch.bfloat16}
MODEL = "gated"


def measure(setup: Setup) -> Result:
    """Return the table's seconds, and images a second by type and batch."""
    size = 96 if setup.tiny else 224
    seen = Sampled.of_photo(fitted(load_rgb(EXAMPLES / "church.jpg"), size, "shape"))
    photos = [entry for entry in entries() if entry.kind == "image"]
    models = [load(e, setup.device) for e in (photos[:1] if setup.tiny else photos)]
    return {
        "rows": len(models),
        "table_seconds": setup.seconds(lambda: [explain(m, seen) for m in models]),
        "images_per_s": {
            name: {str(count): _rates(setup, count, size, dtype) for count in _batches(setup)}
            for name, dtype in TYPES.items()
        },
    }


def _batches(setup: Setup) -> tuple[int, ...]:
    return (1, 2) if setup.tiny else BATCHES


def _rates(setup: Setup, count: int, size: int, dtype: torch.dtype | None) -> Result:
    """Return images a second: classified, and explained by masks and Grad-CAM."""
    entry = next(e for e in entries() if e.id == MODEL)
    network = load(entry, setup.device).network
    assert isinstance(network, Network)
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=generator)
    images = normalise(pixels.to(setup.device))
    kind = torch.device(setup.device).type

    def classify() -> None:
        with torch.inference_mode(), torch.autocast(kind, dtype, enabled=dtype is not None):
            network(images)

    def look() -> None:
        with torch.autocast(kind, dtype, enabled=dtype is not None):
            explain_images(network, images)

    works = {"classified": classify, "explained": look}
    return {name: count / setup.seconds(work) for name, work in works.items()}


def lines(result: Result) -> Iterator[Line]:
    """Yield a line for the table, and one for each type and batch."""
    seconds, rows = result["table_seconds"], result["rows"]
    yield Line(
        f"The table of a photo, {rows} rows, masks and Grad-CAM of all stages, warm",
        f"{1000 * seconds:.0f} ms",
        "under 500 ms",
        seconds < 0.5,
    )
    for name, batches in result["images_per_s"].items():
        for count, rates in batches.items():
            yield Line(
                f"Images a second, {MODEL}, {name}, batch {count}",
                f"{rates['classified']:,.0f} classified, {rates['explained']:,.0f} explained",
            )
